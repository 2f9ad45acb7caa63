//! What administrators look at: who did what, what could go, who may call whom.

use super::house::{ADDER, House, manifest};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tests::{ADMIN, PASSWORD, eventually};

/// The audit in the words of the guide, filtered by job, version and person.
#[test]
fn r03_the_audit_says_who_did_what_to_which_job() {
    let house = House::new();
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    let mut failing = manifest("other", "1.0.1");
    failing["system_dependencies"] = json!(["no-such-debian-package"]);
    assert_eq!(house.deploy(failing, &[("main.py", ADDER)])["status"], "failed");
    house.ok("POST", "/job/adder/1.0.0/reprovision", None);
    house.ok("DELETE", "/job/adder/1.0.0", None);
    let told = |query: &str| -> Vec<String> {
        let activity = house.ok("GET", &format!("/audit/activity{query}"), None);
        let events = activity["events"].as_array().expect("a list");
        events.iter().map(|event| event["explanation"].as_str().expect("a sentence").to_owned()).collect()
    };
    let [deleted, again, failed, deployed] = [
        "Job adder 1.0.0 (owned by ada) deleted by ada",
        "Job adder 1.0.0 (owned by ada) redeployed by ada",
        "Failed deployment of a job other 1.0.1, attempted by ada",
        "Job adder 1.0.0 deployed by ada",
    ];
    assert_eq!(told(""), [deleted, again, failed, deployed]);
    assert_eq!(told("?related_to_me=true"), [deleted, again, failed, deployed]);
    assert_eq!(told("?job_name=other"), [failed]);
    assert_eq!(told("?job_name=adder&job_version=1.0.1"), Vec::<String>::new());
    let events = house.ok("GET", "/audit/events/job/adder/1.0.0", None);
    let types: Vec<&str> =
        events.as_array().into_iter().flatten().filter_map(|event| event["event_type"].as_str()).collect();
    assert_eq!(types, ["job_deleted", "job_redeployed", "job_deployed"]);
    assert_eq!(events[0]["username_executor"], "ada");
    let consumer = house.ok("POST", "/escs", Some(json!({ "name": "shop" })));
    let refused = house.api("GET", "/audit/activity", consumer["token"].as_str(), None);
    assert!(
        refused.status == 401 && refused.body.contains("auth subject type \\\"esc\\\" is not one of"),
        "{}",
        refused.body
    );
}

/// The portfolio with scores and reasons, and the graph of who may call whom.
#[test]
fn r04_r06_the_portfolio_scores_jobs_and_the_graph_shows_who_may_call() {
    let house = House::new();
    for version in ["1.0.0", "1.1.0"] {
        house.deployed(manifest("adder", version), &[("main.py", ADDER)]);
    }
    let portfolio = house.ok("GET", "/job/portfolio", None);
    let scores: Vec<(&Value, &Value, &Value)> = portfolio
        .as_array()
        .into_iter()
        .flatten()
        .map(|job| (&job["version"], &job["purge_score"], &job["purge_newer_versions"]))
        .collect();
    assert_eq!(scores, [(&json!("1.0.0"), &json!(1.0), &json!(1)), (&json!("1.1.0"), &json!(0.0), &json!(0))]);
    assert_eq!(portfolio[0]["purge_reasons"].as_str().map(|reasons| reasons.lines().count()), Some(1));
    assert_eq!(portfolio[0]["last_call_time_days_ago"], Value::Null);

    let consumer = house.ok("POST", "/escs", Some(json!({ "name": "shop", "id": "shop-1" })));
    house.ok(
        "POST",
        "/permission",
        Some(json!({ "esc": "shop-1", "scope": "call_job", "job": "adder 1.1.0", "endpoint": "/api/v1/perform" })),
    );
    let graph = house.ok("GET", "/job/graph", None);
    assert_eq!(graph["edges"], json!([{ "from_id": "esc-shop-1", "to_id": "job-family-adder", "limited": true }]));
    assert_eq!(
        graph["nodes"][0],
        json!({ "id": "esc-shop-1", "type": "esc", "title": "shop", "subtitle": "ESC:\nshop-1" })
    );
    assert!(
        graph["nodes"][1]["subtitle"]
            .as_str()
            .is_some_and(|text| text.starts_with("Job Family: adder\nJobs:\n- adder v1.1.0 - http")),
        "{graph}"
    );
    let call = |path: &str| {
        house
            .send(
                "POST",
                &format!("/pub/job/adder/{path}"),
                consumer["token"].as_str(),
                Some(json!({ "numbers": [1] })),
            )
            .status
    };
    assert_eq!(
        [call("1.1.0/api/v1/perform"), call("1.1.0/api/v1/other"), call("1.0.0/api/v1/perform")],
        [200, 401, 401]
    );
}

/// Who listens hears that jobs have changed, as dashboards do, and no longer than they may read them.
#[test]
fn r19_listeners_hear_that_jobs_have_changed() {
    let house = House::new();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let listen = |token: &str| {
        let mut stream =
            TcpStream::connect(house.pitlane.url.trim_start_matches("http://")).expect("the front door listens");
        let head = format!(
            "GET /lifecycle/websocket/events HTTP/1.1\r\nHost: x\r\n{upgrade}X-Racetrack-Auth: {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("written");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can be set");
        stream
    };
    let hear = |stream: &mut TcpStream, wanted: &str| {
        let (mut heard, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&heard).ends_with(wanted) {
            assert_eq!(stream.read(&mut byte).expect("within a minute"), 1, "{}", String::from_utf8_lossy(&heard));
            heard.push(byte[0]);
        }
        heard
    };
    let refused = hear(&mut listen("none"), "\r\n\r\n");
    assert!(refused.starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&refused));
    let mut stream = listen(&house.token);
    assert!(hear(&mut stream, "\r\n\r\n").starts_with(b"HTTP/1.1 101 "));
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    let told = hear(&mut stream, "}");
    assert_eq!(&told[2..], br#"{"event":"job_models_changed"}"#);
    // A token that is good no more is the end of it, at the next change.
    house.ok("DELETE", "/job/adder/1.0.0", None);
    hear(&mut stream, "}");
    let other = house.login(ADMIN, PASSWORD);
    let mut late = listen(&other);
    assert!(hear(&mut late, "\r\n\r\n").starts_with(b"HTTP/1.1 101 "));
    assert_eq!(house.api("POST", "/auth/token/user/regenerate", Some(&house.token), None).status, 200);
    let house = House { token: house.login(ADMIN, PASSWORD), ..house };
    house.deployed(manifest("adder", "1.0.1"), &[("main.py", ADDER)]);
    let mut rest = Vec::new();
    late.read_to_end(&mut rest).expect("it is closed");
    assert_eq!(rest, [0x88, 0], "closed, without a word");
    drop(stream);
    eventually(Duration::from_secs(10), || {
        let figures = house.send("GET", "/lifecycle/metrics", None, None).body;
        ["connected", "disconnected"]
            .iter()
            .all(|what| figures.contains(&format!("lifecycle_event_stream_client_{what} 2")))
    });
}
