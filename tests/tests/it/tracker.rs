//! Projects and stories through the running binary: a client that nobody here wrote, the front door, a restart.
#![expect(clippy::disallowed_methods, reason = "drives a real client")]

use serde_json::{Value, json};
use std::process::Command;
use tests::{ADMIN, Answer, PASSWORD, Pitlane, http, repository, text};

/// `pyvotal-tracker` from PyPI, installed by `tools/install test`.
#[test]
fn t29_a_real_client_runs_a_projects_lap() {
    let pitlane = Pitlane::start();
    let output = Command::new(repository().join("target/clients/bin/python"))
        .arg(repository().join("tests/clients/tracker.py"))
        .args([&pitlane.url, ADMIN, PASSWORD])
        .output()
        .expect("`tools/install test` has made target/clients");
    assert!(output.status.success(), "{}", text(&output));
}

/// A client of the API with a token.
struct Tracker {
    base: String,
    token: String,
}

impl Tracker {
    fn of(pitlane: &Pitlane) -> Self {
        let base = format!("{}/services/v5", pitlane.url);
        let me = http().get(format!("{base}/me")).basic_auth(ADMIN, Some(PASSWORD)).send().expect("an answer");
        let me: Value = me.json().expect("JSON");
        Self { base, token: me["api_token"].as_str().expect("a token").to_owned() }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let method = method.parse().expect("a method");
        let request = http().request(method, format!("{}{path}", self.base)).header("X-TrackerToken", &self.token);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        Answer::of(request.header("content-type", "application/json").send().expect("an answer"))
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, body);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }
}

#[test]
fn t29_stories_survive_and_links_lead_to_them() {
    let mut pitlane = Pitlane::start();
    let tracker = Tracker::of(&pitlane);
    let project = tracker.json("POST", "/projects", &json!({ "name": "Apollo" }))["id"].clone();
    let path = format!("/projects/{project}/stories");
    let story = tracker.json("POST", &path, &json!({ "name": "<script>alert(1)</script>", "estimate": 3 }));
    let board = tracker.json("GET", &format!("/projects/{project}/board"), &Value::Null);
    assert_eq!(board["stories"][0]["name"], "<script>alert(1)</script>");
    assert!(board["position"].as_i64().is_some_and(|position| position > 0));
    let shown = pitlane.get("", &format!("/story/show/{}", story["id"]));
    // Followed into the page, which is there for who is signed in.
    assert_ne!(shown.status, 404, "{}", shown.body);
    pitlane.kill("control");
    pitlane.until_well();
    let again = tracker.json("GET", &format!("/stories/{}", story["id"]), &Value::Null);
    assert_eq!(again, story);
    pitlane.stop(&[]);
    pitlane.serve_again();
    assert_eq!(tracker.json("GET", &format!("/stories/{}", story["id"]), &Value::Null), story);
}

#[test]
fn t29_cookies_of_other_sites_do_not_write() {
    let pitlane = Pitlane::start();
    let tracker = Tracker::of(&pitlane);
    // A page of another site may ask with a token, and is told so beforehand.
    let preflight = http()
        .request("OPTIONS".parse().expect("a method"), format!("{}/projects", tracker.base))
        .header("origin", "http://elsewhere.example")
        .header("access-control-request-method", "POST")
        .send()
        .expect("an answer");
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert_eq!(preflight.headers()["access-control-allow-credentials"], "false");
    let wrong = Tracker { token: "0".repeat(32), ..tracker };
    assert_eq!(wrong.send("GET", "/projects", &Value::Null).status, 403);
}
