//! The audit page: sentences, filters, paging, export, the chain.

use super::house::{House, each_house, entry, house, text};
use identity::Person;
use ledger::Entry;
use serde_json::{Value, json};

const AUDIT: &str = "/api/platform/audit";

/// Entries as faces append them; answers their positions by what they are.
async fn history(house: &House, bob: &Person) -> Vec<i64> {
    let by = |mut entry: Entry, who: &Person, name: &str, data: Value| {
        entry.actor = who.object();
        entry.object.name = name.into();
        entry.data = data;
        entry
    };
    let job = |action: &str, id: &str, name: &str, owner: &str, scope: &str| {
        by(entry(action, "job", id, &[scope]), bob, name, json!({ "name": name.split(' ').next(), "owner": owner }))
    };
    let story = json!({ "message": "bob finished this feature", "project": { "name": "Shop" } });
    let mut positions = Vec::new();
    for entry in [
        job("job.deploy", "1", "F1 0.0.1", "alice", "family:a"),
        job("job.delete", "1", "F1 0.0.1", "alice", "family:a"),
        job("job.deploy", "2", "F1 0.0.2", "bob", "family:a"),
        job("job.deploy", "3", "F10 0.0.1", "bob", "family:b"),
        by(entry("story.update", "story", "7", &["project:12"]), bob, "Pay by card", story),
        entry("audit.app.delete-request", "app", "x", &["org", "space"]),
    ] {
        positions.push(house.append(entry).await);
    }
    positions
}

async fn found(house: &House, token: &str, query: &str) -> (Vec<i64>, Option<i64>) {
    let answer = house.get(token, &format!("{AUDIT}{query}")).await.ok();
    let positions = answer["entries"].as_array().unwrap().iter().map(|entry| entry["position"].as_i64().unwrap());
    (positions.collect(), answer["next"].as_i64())
}

/// Row R3: "job F1 of user Alice has been deleted by Bob"; filter by me, family, job; searchable and exportable.
#[tokio::test]
async fn r03_the_audit_log_says_who_did_what_and_is_filtered() {
    each_house(async |house| {
        let root = house.admin("root").await;
        let bob = house.person("bob").await;
        house.person("alice").await;
        let token = house.log_in("root").await;
        let at = history(&house, &bob).await;
        let bobs = house.log_in("bob").await;
        house.grant(&bob, "read_job", "family", "a").await;
        let alices = house.log_in("alice").await;

        let all = house.get(&token, &format!("{AUDIT}?limit=500")).await.ok();
        let sentences: Vec<(&str, i64)> = all["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (text(entry, "sentence"), entry["position"].as_i64().unwrap()))
            .collect();
        for (sentence, position) in [
            ("job F1 0.0.1 of user alice has been deleted by bob", at[1]),
            ("job F1 0.0.2 has been deployed by bob", at[2]),
            ("bob finished this feature — Pay by card in Shop", at[4]),
            ("app x has been deleted by Pitlane", at[5]),
        ] {
            assert!(sentences.contains(&(sentence, position)), "{sentence}: {sentences:?}");
        }
        assert!(sentences.windows(2).all(|pair| pair[0].1 > pair[1].1), "newest first");

        for (query, expected) in [
            ("?family=F1", vec![at[2], at[1], at[0]]),
            ("?kind=job&name=F1+0.0.1", vec![at[1], at[0]]),
            ("?name=F1*", vec![at[3], at[2], at[1], at[0]]),
            ("?object=2&kind=job", vec![at[2]]),
            ("?action=job.delete", vec![at[1]]),
            ("?action=job.&actor=BOB", vec![at[3], at[2], at[1], at[0]]),
            ("?action=story.*,job.delete", vec![at[4], at[1]]),
            ("?scope=family:b", vec![at[3]]),
            ("?scope=org&kind=app", vec![at[5]]),
            ("?scope=space", vec![at[5]]),
            ("?text=deleted+BOB", vec![at[1]]),
            ("?text=pay+shop", vec![at[4]]),
            ("?text=pay+deleted", vec![]),
            ("?kind=job&until=2001-01-01", vec![]),
            ("?kind=job&since=2001-01-01&until=2999-12-31T00:00:00%2B01:00", vec![at[3], at[2], at[1], at[0]]),
            ("?kind=job&since=2999-01-01", vec![]),
        ] {
            assert_eq!(found(&house, &token, query).await, (expected, None), "{query}");
        }

        // What concerns me: what I did, what was done to me, what was done to what I own.
        assert!(found(&house, &token, "?mine=true&kind=job").await.0.is_empty(), "root did nothing to jobs");
        assert_eq!(found(&house, &bobs, "?mine=true&kind=job").await.0, [at[3], at[2], at[1], at[0]]);
        assert_eq!(found(&house, &token, &format!("?actor={}&kind=session", root.id)).await.0.len(), 1);
        // Others see their own and what lies in their places.
        assert_eq!(found(&house, &bobs, "?kind=app,story").await.0, [at[4]]);
        assert!(found(&house, &alices, "?kind=job,app,story").await.0.is_empty(), "no grant: nothing but her own");
        assert_eq!(found(&house, &alices, "?action=session.").await.0.len(), 1);
        let alices_all = house.get(&alices, AUDIT).await.ok();
        assert!(!alices_all.to_string().contains("\"bob\""), "{alices_all}");
    })
    .await;
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_double() {
    let house = house().await;
    house.admin("root").await;
    let token = house.log_in("root").await;
    house
        .db
        .write(|tx| {
            (0..1200).try_for_each(|number| {
                let action = if number % 400 == 0 { "rare.thing" } else { "usual.thing" };
                ledger::append(tx, &entry(action, "thing", &number.to_string(), &[])).map(drop)
            })
        })
        .await
        .unwrap();
    let head = house.ledger.head().await.unwrap();
    let walk = async |query: &str| {
        let (mut all, mut before, mut pages) = (Vec::new(), None::<i64>, 0);
        loop {
            let keyset = before.map(|before| format!("&before={before}")).unwrap_or_default();
            let (positions, next) = found(&house, &token, &format!("?{query}{keyset}")).await;
            all.extend(positions);
            pages += 1;
            match next {
                Some(next) => before = Some(next),
                None => return (all, pages),
            }
        }
    };
    let (all, pages) = walk("limit=100").await;
    assert_eq!(all, (1..=head).rev().collect::<Vec<_>>());
    assert_eq!(pages, (head as usize).div_ceil(100));
    let (rare, pages) = walk("text=rare&limit=2").await;
    assert_eq!((rare.len(), pages), (3, 2));
    let (by_database, _) = walk("action=rare.&limit=1").await;
    assert_eq!(by_database, rare);
    // Exactly a page: no next one.
    assert_eq!(found(&house, &token, "?action=rare.&limit=3").await.1, None);
}

#[tokio::test]
async fn the_audit_log_is_exported_as_csv_and_json() {
    let house = house().await;
    house.admin("root").await;
    let bob = house.person("bob").await;
    let (token, bobs) = (house.log_in("root").await, house.log_in("bob").await);
    let at = history(&house, &bob).await;
    house
        .db
        .write(|tx| {
            (0..1100).try_for_each(|_| ledger::append(tx, &entry("many", "thing", "=cmd|' /C calc'!A0", &[])).map(drop))
        })
        .await
        .unwrap();
    let csv = house.get(&token, &format!("{AUDIT}/export?format=csv&kind=job,story")).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(csv.headers["content-disposition"], "attachment; filename=\"audit.csv\"");
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(
        lines[0],
        "position,at,sentence,action,actor_kind,actor_id,actor_name,object_kind,object_id,object_name,scope,data,id,hash"
    );
    assert_eq!(lines.len(), 6);
    assert!(
        lines[1].starts_with(&format!("{},", at[4]))
            && lines[1].contains(",bob finished this feature — Pay by card in Shop,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[4].contains("job F1 0.0.1 of user alice has been deleted by bob")
            && lines[4].contains("\"{\"\"name\"\":\"\"F1\"\""),
        "{}",
        lines[4]
    );

    // All pages, once each; what a spreadsheet would run is text.
    let many = house.get(&token, &format!("{AUDIT}/export?kind=thing")).await;
    assert_eq!(many.text.lines().count(), 1101);
    assert!(many.text.contains("\"'=cmd|' /C calc'!A0\"") && !many.text.contains(",=cmd"));

    let json = house.get(&token, &format!("{AUDIT}/export?format=json")).await;
    assert_eq!(json.headers["content-type"], "application/json");
    let all = json.ok();
    let all = all.as_array().unwrap();
    assert_eq!(all.len() as i64, house.ledger.head().await.unwrap());
    assert!(all.iter().all(|entry| entry["sentence"].is_string() && entry["hash"].is_string()));
    // A filter that looks through everything and finds nothing on the first pages.
    let few = house.get(&token, &format!("{AUDIT}/export?format=json&text=deleted")).await.ok();
    assert_eq!(few.as_array().unwrap().len(), 2);
    let few = house.get(&token, &format!("{AUDIT}/export?format=csv&text=deleted")).await;
    assert_eq!(few.text.lines().count(), 3, "{}", few.text);
    assert_eq!(house.get(&token, &format!("{AUDIT}/export?format=json&text=nothing-at-all")).await.ok(), json!([]));
    let own = house.get(&bobs, &format!("{AUDIT}/export?format=json&kind=thing,app")).await.ok();
    assert_eq!(own, json!([]), "others' stays theirs here too");
}

#[tokio::test]
async fn an_altered_ledger_shows() {
    let house = house().await;
    house.admin("root").await;
    let token = house.log_in("root").await;
    let head = house.ledger.head().await.unwrap();
    let verified = house.get(&token, &format!("{AUDIT}/verify")).await.ok();
    assert_eq!((&verified["intact"], verified["entries"].as_i64()), (&json!(true), Some(head)));
    assert_eq!(text(&verified, "head").len(), 64);
    house
        .db
        .write(|tx| {
            use sea_query::{Expr, ExprTrait, Query};
            tx.exec(
                Query::update().table("ledger").value("actor_name", "nobody").and_where(Expr::col("position").eq(2)),
            )
        })
        .await
        .unwrap();
    let broken = house.get(&token, &format!("{AUDIT}/verify")).await.ok();
    let said = "the ledger breaks at position 2: the entry was altered after it was sealed";
    assert_eq!(broken, json!({ "intact": false, "position": 2, "error": said }));
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let house = house().await;
    house.person("lee").await;
    let token = house.log_in("lee").await;
    for (query, expected) in [
        (
            "?until=tomorrow",
            "400 invalid_request: until: \"tomorrow\" is neither a time such as 2026-01-31T12:00:00Z nor a date such as 2026-01-31.",
        ),
        ("?limit=501", "400 invalid_request: limit: from 1 to 500 are possible."),
        ("?mine=me", "400 invalid_request: mine: \"me\" is not true or false."),
        ("?before=x", "400 invalid_request: before: \"x\" is not a position in the ledger, such as 17."),
        (
            "?family=a&name=b",
            "400 invalid_request: family and name cannot be asked for at once: name a job by its name.",
        ),
        ("/export?format=pdf", "400 invalid_request: format: \"pdf\" is neither csv nor json."),
        (
            "/export?limit=5",
            "400 invalid_request: There is no parameter \"limit\" here; there are mine, actor, kind, object, name, family, action, scope, since, until, text, format.",
        ),
    ] {
        assert_eq!(house.get(&token, &format!("{AUDIT}{query}")).await.error(), expected);
    }
}
