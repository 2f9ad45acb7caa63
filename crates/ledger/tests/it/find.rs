use super::help::{append, entry, sealed};
use ledger::{Filter, find};
use store::testing::on_each_database;

#[tokio::test]
async fn entries_are_found_by_every_filter() {
    Box::pin(on_each_database(ledger::MIGRATIONS, |db| async move {
        for (action, object, scope) in [
            ("audit.app.create", "a1", &["o1", "s1"][..]),
            ("audit.app.update", "a1", &["o1", "s1"]),
            ("audit.route.create", "r1", &["o1", "s2"]),
            ("auditor.add", "x1", &["o2"]),
            ("person.activate", "p2", &[]),
        ] {
            append(&db, entry(action, object, scope)).await;
        }
        let ledger = sealed(&db, 5).await;
        let records = ledger.after(0, 9).await.unwrap();
        let times: Vec<i64> = records.iter().map(|record| record.at).collect();
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let all = Filter { limit: 100, ..Filter::default() };
        let cases = [
            (all.clone(), &[1, 2, 3, 4, 5][..], 5),
            (Filter { actions: texts(&["audit.app.create", "person.activate"]), ..all.clone() }, &[1, 5], 2),
            (Filter { action_prefixes: texts(&["audit."]), ..all.clone() }, &[1, 2, 3], 3),
            (Filter { action_prefixes: texts(&["audit.r", "person."]), ..all.clone() }, &[3, 5], 2),
            (Filter { object_ids: texts(&["a1"]), ..all.clone() }, &[1, 2], 2),
            (Filter { not_object_ids: texts(&["a1", "x1"]), ..all.clone() }, &[3, 5], 2),
            (Filter { object_kinds: texts(&["route"]), ..all.clone() }, &[], 0),
            (Filter { object_names: texts(&["name of r1"]), ..all.clone() }, &[3], 1),
            (Filter { object_name_beginnings: texts(&["name of a", "name of p"]), ..all.clone() }, &[1, 2, 5], 3),
            (
                Filter {
                    object_names: texts(&["name of r1", "name"]),
                    object_name_beginnings: texts(&["name of x"]),
                    ..all.clone()
                },
                &[3, 4],
                2,
            ),
            (Filter { actor_ids: texts(&["p1"]), limit: 2, ..all.clone() }, &[1, 2], 5),
            (Filter { actor_ids: texts(&["p1' OR '1'='1"]), ..all.clone() }, &[], 0),
            (Filter { scopes: vec![texts(&["s1", "o2"])], ..all.clone() }, &[1, 2, 4], 3),
            (Filter { scopes: vec![texts(&["o1"]), texts(&["s2"])], ..all.clone() }, &[3], 1),
            (Filter { scopes: vec![texts(&["o1"]), vec![]], ..all.clone() }, &[], 0),
            (Filter { from: Some(times[1]), before: Some(times[3]), ..all.clone() }, &[2, 3], 2),
            (Filter { descending: true, limit: 2, ..all.clone() }, &[5, 4], 5),
            (Filter { descending: true, limit: 2, beyond: Some(4), ..all.clone() }, &[3, 2], 5),
            (Filter { beyond: Some(3), ..all.clone() }, &[4, 5], 5),
            (Filter { offset: 4, ..all.clone() }, &[5], 5),
            (Filter { ids: texts(&[ids[3], ids[0], "none"]), ..all.clone() }, &[1, 4], 2),
            (Filter { after: Some(2), limit: 2, ..all.clone() }, &[3, 4], 3),
            (Filter { after: Some(2), descending: true, limit: 2, ..all.clone() }, &[5, 4], 3),
        ];
        for (filter, positions, total) in cases {
            let asked = filter.clone();
            let (found, count) = db.read(move |tx| find(tx, &asked)).await.unwrap();
            let found: Vec<i64> = found.iter().map(|record| record.position).collect();
            assert_eq!((&found[..], count), (positions, total), "{filter:?}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_record_is_read_back_as_it_was_appended() {
    on_each_database(ledger::MIGRATIONS, |db| async move {
        let mut odd = entry("a", "x", &["o"]);
        odd.actor.name = "Zoë 🏁 \" ' \\ \n".into();
        odd.object.name = "long".repeat(100);
        odd.data = serde_json::json!({ "text": "x".repeat(200_000), "number": 1e-7, "deep": [{ "ü": null }] });
        let appended = append(&db, odd.clone()).await;
        let record = sealed(&db, 1).await.after(0, 1).await.unwrap().remove(0);
        assert_eq!((record.actor, record.data, record.scope), (odd.actor, odd.data, odd.scope));
        assert_eq!((record.id, record.at), (appended.id, appended.at));
        assert_eq!(record.object.name.len(), 191);
        assert!(db.write(|tx| ledger::append(tx, &entry("a", "x", &["1", "2", "3"]))).await.is_err(), "no third scope");
    })
    .await;
}
