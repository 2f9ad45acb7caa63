//! The question about one entry and the condition of a query give the same answer, for every pair of eyes.

use super::help::{append, entry, sealed};
use ledger::{Filter, Object, Sight};
use store::testing::on_each_database;

#[tokio::test]
async fn the_query_sees_what_the_question_sees() {
    on_each_database(ledger::MIGRATIONS, |db| async move {
        let mut entries = Vec::new();
        for scope in [&[][..], &["o1"], &["o1", "s1"], &["o1", "s2"], &["o2", "s3"], &["project:1"]] {
            for (actor, object) in [("p1", "a"), ("p2", "a"), ("p2", "p1")] {
                let mut entry = entry("x", object, scope);
                entry.actor = Object::new("person", actor, actor);
                // An app may have any id, a person's too.
                entry.object.kind = if object == "p1" && scope.len() < 2 { "person".into() } else { "app".into() };
                entries.push(entry);
            }
        }
        let count = entries.len() as i64;
        for entry in entries {
            append(&db, entry).await;
        }
        let all = sealed(&db, count).await.after(0, 100).await.unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let scopes = [&[][..], &["o1"], &["s1"], &["s1", "s3"], &["project:1"], &["project:2"]];
        let own = [None, Some(("person".to_owned(), "p1".to_owned())), Some(("client".to_owned(), "p1".to_owned()))];
        let mut seen = 0;
        for deep in scopes {
            for shallow in scopes {
                for (own, beginnings) in own.iter().zip([&[][..], &["project:"], &["s", "o2"]]) {
                    let beginnings = texts(beginnings);
                    let sight = Sight { own: own.clone(), deep: texts(deep), beginnings, shallow: texts(shallow) };
                    let filter = Filter { sight: Some(sight.clone()), limit: 100, ..Filter::default() };
                    let found = db.read(move |tx| ledger::page(tx, &filter)).await.unwrap();
                    let found: Vec<i64> = found.iter().map(|record| record.position).collect();
                    let expected: Vec<i64> =
                        all.iter().filter(|record| sight.sees(record)).map(|record| record.position).collect();
                    assert_eq!(found, expected, "{sight:?}");
                    seen += found.len();
                }
            }
        }
        assert!(seen > 100, "{seen}");
    })
    .await;
}

#[tokio::test]
async fn eyes_see_no_more_than_they_should() {
    on_each_database(ledger::MIGRATIONS, |db| async move {
        append(&db, entry("outside", "a", &["o1"])).await;
        append(&db, entry("inside", "a", &["o1", "s1"])).await;
        let ledger = sealed(&db, 2).await;
        let all = ledger.after(0, 9).await.unwrap();
        let seen = |sight: Sight| all.iter().filter(|record| sight.sees(record)).count();
        let of = |text: &str| vec![text.to_owned()];
        assert_eq!(seen(Sight::default()), 0);
        assert_eq!(seen(Sight { deep: of("o1"), ..Sight::default() }), 2);
        assert_eq!(seen(Sight { shallow: of("o1"), ..Sight::default() }), 1, "what lies inside stays hidden");
        assert_eq!(seen(Sight { shallow: of("s1"), ..Sight::default() }), 1);
        assert_eq!(seen(Sight { deep: of("s"), ..Sight::default() }), 0);
        assert_eq!(seen(Sight { beginnings: of("s"), ..Sight::default() }), 1);
    })
    .await;
}
