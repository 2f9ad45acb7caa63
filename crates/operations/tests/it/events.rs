//! Live streams: nothing missed, nothing twice, nothing of others, and an end when rights end.

use super::house::{House, each_house, entry, house, house_with, text};
use super::listen::Listener;
use identity::{Caller, PersonState};
use operations::Config;
use serde_json::{Value, json};
use std::time::Duration;

/// Appends `count` entries in one project and answers their positions.
async fn some(house: &House, count: usize, scope: &[&str]) -> Vec<i64> {
    let mut positions = Vec::new();
    for number in 0..count {
        positions.push(house.append(entry("story.update", "story", &number.to_string(), scope)).await);
    }
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumed_stream_has_neither_gap_nor_double() {
    each_house(async |house| {
        house.admin("kim").await;
        let token = house.log_in("kim").await;
        // Writers go on all the time, while a reader is cut off and comes back, each time in the middle of something.
        let db = house.db.clone();
        let writer = tokio::spawn(async move {
            for number in 0..600 {
                let entry = entry("story.update", "story", &number.to_string(), &["project:1"]);
                db.write(move |tx| ledger::append(tx, &entry)).await.unwrap();
                if number % 7 == 0 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        });
        let mut listener = Listener::with(&house, &token, "/api/events?after=0&scope=project:1").await;
        let mut stories = Vec::new();
        let mut last = String::new();
        for visit in 1_usize.. {
            for _ in 0..(visit * 13 % 97).min(600 - stories.len()) {
                let event = listener.next().await.unwrap();
                assert_eq!(listener.last_id, event.data["position"].to_string());
                stories.push(text(&event.data["object"], "id").parse::<usize>().unwrap());
                last.clone_from(&listener.last_id);
            }
            if stories.len() == 600 {
                break;
            }
            let headers = [("authorization", &*format!("Bearer {token}")), ("last-event-id", &last)];
            // The address is the one it began with: what the browser remembers goes before it.
            listener = Listener::open(&house, "/api/events?after=0&scope=project:1", &headers).await.ok().unwrap();
        }
        assert_eq!(stories, (0..600).collect::<Vec<_>>());
        writer.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_reads_up_and_misses_nothing() {
    let house = house().await;
    house.admin("kim").await;
    let token = house.log_in("kim").await;
    let mut slow = Listener::with(&house, &token, "/api/events").await;
    // More than waits for anybody, and more than a page, while nothing is read.
    let first = house.ledger.head().await.unwrap() + 1;
    house
        .db
        .write(|tx| (0..300).try_for_each(|_| ledger::append(tx, &entry("a", "app", "x", &[])).map(drop)))
        .await
        .unwrap();
    assert_eq!(slow.positions(2).await, [first, first + 1]);
    for _ in 0..20 {
        house
            .db
            .write(|tx| (0..100).try_for_each(|_| ledger::append(tx, &entry("a", "app", "x", &[])).map(drop)))
            .await
            .unwrap();
    }
    assert_eq!(slow.positions(2298).await, (first + 2..first + 2300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anothers_entries_never_appear() {
    each_house(async |house| {
        house.admin("kim").await;
        let (lee, max) = (house.person("lee").await, house.person("max").await);
        house.grant(&lee, "project_viewer", "project", "12").await;
        house.grant(&max, "organization_user", "organization", "org").await;
        house.grant(&max, "read_job", "platform", "*").await;
        let (kims, lees, maxs) = (house.log_in("kim").await, house.log_in("lee").await, house.log_in("max").await);
        let begin = house.ledger.head().await.unwrap();
        let mut live = Vec::new();
        for token in [&kims, &lees, &maxs] {
            live.push(Listener::with(&house, token, "/api/events").await);
        }

        let mut own = entry("person.email", "person", &lee.id, &[]);
        own.actor = max.object();
        let all = [
            house.append(entry("story.update", "story", "1", &["project:12"])).await,
            house.append(entry("story.update", "story", "2", &["project:1"])).await,
            house.append(entry("audit.space.create", "space", "s", &["org", "space"])).await,
            house.append(entry("audit.organization.update", "organization", "org", &["org"])).await,
            house.append(entry("job.deploy", "job", "7", &["family:3"])).await,
            house.append(own).await,
            house.append(entry("signing_key.create", "signing_key", "k", &[])).await,
        ];
        let after = begin.to_string();
        let cases = [(kims, all.to_vec()), (lees, vec![all[0], all[5]]), (maxs, vec![all[3], all[4], all[5]])];
        for ((token, expected), live) in cases.into_iter().zip(&mut live) {
            // As they come, and as they are read up.
            assert_eq!(live.positions(expected.len()).await, expected);
            let mut late = Listener::with(&house, &token, &format!("/api/events?after={after}")).await;
            assert_eq!(late.positions(expected.len()).await, expected);
            // Nothing lies behind the last one: what comes next is seen by all.
            let filtered = format!("/api/events?after={after}&scope=project:12,project:1");
            let mut filtered = Listener::with(&house, &token, &filtered).await;
            let stories: Vec<i64> = expected.into_iter().filter(|at| all[..2].contains(at)).collect();
            assert_eq!(filtered.positions(stories.len()).await, stories);
        }
        // Everybody's next entry is one of their own, so that nothing was left over.
        let mut end = entry("person.name", "person", &lee.id, &[]);
        end.actor = max.object();
        let end = house.append(end).await;
        for live in &mut live {
            assert_eq!(live.positions(1).await, [end]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_are_judged_again_when_they_change() {
    each_house(async |house| {
        let lee = house.person("lee").await;
        let token = house.log_in("lee").await;
        let mut live = Listener::with(&house, &token, "/api/events").await;
        some(&house, 2, &["project:12"]).await;
        // An entry of one's own shows that what came before was passed over.
        let own = house.append(entry("person.name", "person", &lee.id, &[])).await;
        assert_eq!(live.positions(1).await, [own]);
        let grant = house.grant(&lee, "project_member", "project", "12").await;
        let seen = some(&house, 2, &["project:12"]).await;
        assert_eq!(live.positions(2).await, seen);
        house.take_back(&grant).await;
        some(&house, 3, &["project:12"]).await;
        house.grant(&lee, "project_member", "project", "13").await;
        let seen = some(&house, 1, &["project:13"]).await;
        assert_eq!(live.positions(1).await, seen, "nothing of the project that was taken away");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_what_it_was_opened_by() {
    each_house(async |house| {
        let kim = house.admin("kim").await;
        house.admin("root").await;
        let root = house.log_in("root").await;
        let end = async |mut live: Listener| loop {
            let event = live.next().await.expect("the reason is told first");
            if event.name == "end" {
                assert_eq!(live.next().await, None);
                return text(&event.data, "reason").to_owned();
            }
        };

        // A browser's session, by its cookie.
        let cookie = house.sign_in("kim").await;
        let live = Listener::open(&house, "/api/events", &[("cookie", &cookie)]).await.ok().unwrap();
        let sessions = house.call("GET", "/api/identity/sessions", &[("cookie", &cookie)], "").await.ok();
        let path = format!("/api/identity/sessions/{}", text(&sessions["sessions"][0], "id"));
        assert_eq!(house.call("DELETE", &path, &[("cookie", &cookie)], "").await.status, 204);
        assert_eq!(end(live).await, "the session has ended; sign in again");

        // An API token.
        let token = house.log_in("kim").await;
        let made = house.ask(&token, "POST", "/api/identity/tokens", json!({ "name": "page" })).await.ok();
        let live = Listener::with(&house, text(&made, "token"), "/api/events").await;
        let path = format!("/api/identity/tokens/{}", text(&made, "id"));
        assert_eq!(house.ask(&token, "DELETE", &path, Value::Null).await.status, 204);
        assert_eq!(end(live).await, "the token is unknown, revoked or expired; make a new one");

        // A suspended person.
        let live = Listener::with(&house, &token, "/api/events").await;
        let id = kim.id.clone();
        house
            .db
            .write(move |tx| {
                identity::person_set_state(tx, &Caller::system().actor(), &id, PersonState::Suspended).map(drop)
            })
            .await
            .unwrap();
        assert_eq!(end(live).await, "the account is suspended; ask an administrator to activate it");

        // An access token ends by its age; somebody else's entry is enough to notice, or the heart-beat.
        let live = Listener::with(&house, &root, "/api/events").await;
        house.clock.advance(Duration::from_secs(11 * 60));
        house.append(entry("person.name", "person", &kim.id, &[])).await;
        assert_eq!(end(live).await, "the token expired; get a new one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_ends_streams_when_it_stops() {
    let house = house().await;
    house.admin("kim").await;
    let token = house.log_in("kim").await;
    let mut live = Listener::with(&house, &token, "/api/events").await;
    house.stop.cancel();
    assert_eq!(live.next().await, None);
}

#[tokio::test]
async fn a_quiet_stream_tells_its_position() {
    let house = house_with(&Config { heart_beat: Duration::from_millis(50) }).await;
    house.person("lee").await;
    let token = house.log_in("lee").await;
    let mut live = Listener::with(&house, &token, "/api/events?after=0").await;
    let signed_in = live.next().await.unwrap();
    assert_eq!(text(&signed_in.data, "action"), "person.create", "what was done to oneself");
    while live.last_id != house.ledger.head().await.unwrap().to_string() {
        live.next().await;
    }
    let other = house.append(entry("story.update", "story", "1", &["project:1"])).await;
    while live.last_id != other.to_string() {
        live.last_id.clear();
        live.begin().await;
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let house = house().await;
    house.person("lee").await;
    let token = house.log_in("lee").await;
    let bearer = format!("Bearer {token}");
    let cases = [
        ("/api/events?after=x", "", "400 invalid_request: after: \"x\" is not a position in the ledger, such as 17."),
        ("/api/events?after=-1", "", "400 invalid_request: after is not a position in the ledger, such as 17."),
        (
            "/api/events?since=1",
            "",
            "400 invalid_request: There is no parameter \"since\" here; there are after, scope.",
        ),
        ("/api/events", "x", "400 invalid_request: Last-Event-ID is not a position in the ledger, such as 17."),
    ];
    for (path, last, expected) in cases {
        let mut headers = vec![("authorization", &*bearer)];
        if !last.is_empty() {
            headers.push(("last-event-id", last));
        }
        let refused = Listener::open(&house, path, &headers).await.err().unwrap();
        assert_eq!(refused.error(), expected);
    }
    // A reader who knows a longer ledger than this one is told to begin anew.
    let mut ahead =
        Listener::open(&house, "/api/events?after=999999", &[("authorization", &bearer)]).await.ok().unwrap();
    let reset = ahead.next().await.unwrap();
    assert_eq!((reset.name.as_str(), reset.data["position"].as_i64()), ("reset", ahead.last_id.parse().ok()));
}

#[tokio::test]
async fn one_caller_has_a_bounded_number_of_streams() {
    let house = house().await;
    house.person("lee").await;
    house.person("max").await;
    let (lees, maxs) = (house.log_in("lee").await, house.log_in("max").await);
    let mut open = Vec::new();
    for _ in 0..operations::events::MOST {
        open.push(Listener::with(&house, &lees, "/api/events").await);
    }
    let bearer = format!("Bearer {lees}");
    let refused = Listener::open(&house, "/api/events", &[("authorization", &bearer)]).await.err().unwrap();
    assert_eq!(
        refused.error(),
        "429 too_many_streams: You have 32 live streams open, as many as one caller may: close some."
    );
    assert_eq!(refused.headers["retry-after"], "15");
    Listener::with(&house, &maxs, "/api/events").await;
    open.pop();
    Listener::with(&house, &lees, "/api/events").await;
}
