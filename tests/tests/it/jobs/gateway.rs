//! Who may call what, decided in the front door and never a moment late.

use super::house::{ADDER, House, manifest};
use serde_json::{Value, json};
use std::time::Duration;
use tests::eventually;

/// An external consumer: refused, allowed on a family, refused on the very next call after its token was revoked.
#[test]
fn r08_a_consumer_calls_with_its_token_and_is_refused_the_moment_it_is_revoked() {
    let house = House::new();
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    let consumer = house.ok("POST", "/escs", Some(json!({ "name": "shop" })));
    let id = consumer["id"].as_str().expect("an id");
    let forms = ["token", "caller_token"].map(|form| consumer[form].as_str().expect("shown once").to_owned());
    let call = |token: &str| {
        house
            .send("POST", "/pub/job/adder/latest/api/v1/perform", Some(token), Some(json!({ "numbers": [1, 2] })))
            .status
    };
    assert_eq!(forms.each_ref().map(|token| call(token)), [401, 401]);
    house.ok("POST", &format!("/auth/allow/esc/{id}/job/adder/scope/call_job"), None);
    assert_eq!(forms.each_ref().map(|token| call(token)), [200, 200]);
    let data = house.ok("GET", &format!("/escs/{id}/auth_data"), None);
    assert!(!data.to_string().contains(&forms[0]) && !data.to_string().contains(&forms[1]), "shown once only");
    for (token, form) in data["tokens"].as_array().expect("a list").iter().zip(&forms) {
        let path = format!("/escs/{id}/auth_token/{}", token["id"].as_str().expect("an id"));
        house.ok("DELETE", &path, None);
        assert_eq!(call(form), 401, "the very next call");
    }
    // A new one, and the whole consumer away.
    let made = house.ok("POST", &format!("/escs/{id}/auth_token"), Some(json!({ "expiry_time": null })));
    let token = made["token"].as_str().expect("shown once");
    assert_eq!(call(token), 200);
    // One that expires by itself, while the front door knows it.
    let now = || jiff::Timestamp::now().as_second();
    let soon = now() + 2;
    let brief = house.ok("POST", &format!("/escs/{id}/auth_token"), Some(json!({ "expiry_time": soon })));
    let brief = brief["token"].as_str().expect("shown once").to_owned();
    assert_eq!(call(&brief), 200);
    eventually(Duration::from_secs(10), || call(&brief) == 401);
    assert!(now() >= soon, "not before its time");
    let refused = house.api("GET", "/job", Some(&brief), None);
    assert!(refused.status == 401 && refused.body.contains("given access token has expired"), "{}", refused.body);
    house.ok("DELETE", &format!("/escs/{id}"), None);
    assert_eq!(call(token), 401);
}

/// People: what the newcomer may, what a suspended one may, and that nobody learns of jobs that are not theirs.
#[test]
fn r01_a_newcomer_waits_for_approval_and_then_calls() {
    let house = House::new();
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    let new = json!({ "username": "kim@example.com", "password": "a long password" });
    assert_eq!(house.api("POST", "/users/register", None, Some(new.clone())).status, 200);
    assert_eq!(house.api("POST", "/users/register", None, Some(new.clone())).status, 409);
    let refused = house.api("POST", "/users/login", None, Some(new));
    assert_eq!((refused.status, refused.body.contains("incorrect username or password")), (401, true));
    let missing = house.send("GET", "/pub/job/nobody/1.0.0/x", None, None);
    let hidden = house.send("GET", "/pub/job/adder/1.0.0/x", None, None);
    assert_eq!((missing.status, hidden.status), (401, 401));
    let answer = house.send("GET", "/pub/job/nobody/latest/x", Some(&house.token), None);
    assert!(answer.status == 404 && answer.body.contains("No job named nobody"), "{}", answer.body);
    let answer = house.send("GET", "/pub/job/nobody", None, None);
    assert_eq!((answer.status, answer.body.as_str()), (404, "404 page not found"));
    // As it is on the wire: a client's library would resolve the dots before it asks.
    let up = house.raw("GET /pub/job/adder/1.0.0/public/%2e%2e/api HTTP/1.1", "");
    assert!(up.starts_with("HTTP/1.1 400 ") && up.contains("the path leads upwards"), "{up}");
}

/// One family may call another after it was allowed to, one way only; a job finds the gateway from inside.
#[test]
fn r09_one_family_calls_another_when_it_may_and_only_that_way() {
    let house = House::new();
    let caller = "import os, httpx\nclass Caller:\n    def perform(self, name):\n        url = os.environ['PUB_URL'] + f'/job/{name}/latest/api/v1/perform'\n        answer = httpx.post(url, json={'numbers': [1, 2]}, headers={'X-Racetrack-Auth': os.environ['AUTH_TOKEN']}, timeout=20)\n        return [answer.status_code, answer.text]\n";
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    house.deployed(manifest("caller", "1.0.0"), &[("main.py", caller)]);
    let call = || house.call("/caller/latest/api/v1/perform", json!({ "name": "adder" })).body;
    let refused: Value = serde_json::from_str(&call()).expect("JSON");
    assert_eq!(refused[0], 401, "{refused}");
    house.ok("POST", "/auth/allow/job_family/caller/job/adder/scope/call_job", None);
    assert_eq!(call(), "[200,\"3\"]");
    let graph = house.ok("GET", "/job/graph", None);
    assert_eq!(
        graph["edges"],
        json!([{ "from_id": "job-family-caller", "to_id": "job-family-adder", "limited": false }])
    );
}

/// What the job sees of a call: who calls, and none of the caller's secrets.
#[test]
fn r19_credentials_end_at_the_gateway_and_calls_are_noted() {
    let house = House::new();
    let echo = "class Echo:\n    def perform(self):\n        return dict(self.request_context.get().headers)\n    request_context = None\n";
    house.deployed(manifest("echo", "1.0.0"), &[("main.py", echo)]);
    let request = tests::http()
        .post(format!("{}/pub/job/echo/latest/api/v1/perform?a=1", house.pitlane.url))
        .header("x-racetrack-auth", &house.token)
        .header("x-caller-name", "User somebody else")
        .header("cookie", format!("pitlane_session=abc; X-Racetrack-Auth={}; theme=dark", house.token))
        .json(&json!({}));
    let answer = request.send().expect("an answer");
    assert!(answer.headers().contains_key("x-request-tracing-id"));
    let seen: Value = answer.json().expect("JSON");
    assert_eq!((&seen["x-caller-name"], &seen["cookie"]), (&json!("User ada"), &json!("theme=dark")), "{seen}");
    assert!(!seen.to_string().contains(&house.token));
    eventually(Duration::from_secs(20), || house.ok("GET", "/job/echo/1.0.0", None)["last_call_time"].is_i64());
}

/// A path is opened to everybody by an administrator, with what lies below it and nothing beside it.
#[test]
fn r07_a_public_endpoint_is_open_once_an_administrator_says_so() {
    let house = House::new();
    let mut wanted = manifest("open", "1.0.0");
    wanted["public_endpoints"] = json!(["/api/v1/perform"]);
    house.deployed(wanted, &[("main.py", ADDER)]);
    let call = |path: &str| {
        house.send("POST", &format!("/pub/job/open/latest{path}"), None, Some(json!({ "numbers": [1] }))).status
    };
    assert_eq!(call("/api/v1/perform"), 401);
    let requests = house.ok("GET", "/job/open/1.0.0/public-endpoints/requests", None);
    let path = format!("/job/open/1.0.0/public-endpoints/requests/{}", requests[0]["id"].as_str().expect("an id"));
    house.ok("PUT", &path, Some(json!({ "active": true })));
    assert_eq!((call("/api/v1/perform"), call("/api/v1/performance"), call("/api/v1/parameters")), (200, 401, 401));
    house.ok("PUT", &path, Some(json!({ "active": false })));
    assert_eq!(call("/api/v1/perform"), 401);
}

/// Maintenance stops changes and calls at once, and lets them through again.
#[test]
fn r12_maintenance_stops_deployments_and_calls() {
    let house = House::new();
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    let call = || house.call("/adder/latest/api/v1/perform", json!({ "numbers": [1] })).status;
    house.ok("PUT", "/setting/maintenance_mode", Some(json!({ "value": true })));
    let stopped = house.begin(&house.token, manifest("adder", "1.0.1"), Some(&[("main.py", ADDER)]), json!({}));
    assert!(stopped.status == 503 && stopped.body.contains("maintenance mode"), "{}", stopped.body);
    assert_eq!(house.api("DELETE", "/job/adder/1.0.0", Some(&house.token), None).status, 503);
    assert_eq!(call(), 503);
    house.ok("PUT", "/setting/maintenance_mode", Some(json!({ "value": false })));
    assert_eq!(call(), 200);
}

/// The gateway goes on by what it knows while control is dead.
#[test]
fn calls_go_on_while_control_is_dead() {
    let mut house = House::new();
    house.deployed(manifest("adder", "1.0.0"), &[("main.py", ADDER)]);
    house.pitlane.kill("control");
    let answer = house.call("/adder/latest/api/v1/perform", json!({ "numbers": [1, 2] }));
    assert_eq!((answer.status, answer.body.as_str()), (200, "3"));
    house.pitlane.until_well();
    assert_eq!(house.call("/adder/latest/api/v1/perform", json!({ "numbers": [1, 2] })).status, 200);
    // Nor does a job that went on running seem broken after a stop and a start of the platform, once or again.
    for _ in 0..3 {
        assert!(house.pitlane.stop(&[]).status.success());
        house.pitlane.serve_again();
        let job = house.ok("GET", "/job/adder/latest", None);
        assert_eq!((&job["status"], &job["error"]), (&json!("running"), &json!(null)), "{job}");
        assert_eq!(house.call("/adder/latest/api/v1/perform", json!({ "numbers": [1, 2] })).body, "3");
    }
}

/// How much a job is called, and how often that fails, as its page draws it; who is refused at the door is not counted.
#[test]
fn calls_are_counted_with_their_errors_and_times() {
    let house = House::new();
    let code = "class Fragile:\n    def perform(self, fails=False):\n        if fails: raise SystemError('broken')\n        return 1\n";
    house.deployed(manifest("fragile", "1.0.0"), &[("main.py", code)]);
    let call = |fails: bool| house.call("/fragile/latest/api/v1/perform", json!({ "fails": fails })).status;
    assert_eq!([call(false), call(false), call(true)], [200, 200, 500]);
    assert_eq!(house.send("POST", "/pub/job/fragile/latest/api/v1/perform", None, None).status, 401);
    let points = || house.ok("GET", "/job/fragile/latest/traffic", None)["points"].as_array().cloned().expect("a list");
    let sum = |what: &str| points().iter().filter_map(|point| point[what].as_i64()).sum::<i64>();
    eventually(Duration::from_secs(10), || sum("requests") >= 3);
    assert_eq!((sum("requests"), sum("errors")), (3, 1));
    assert!(points().iter().any(|point| point["slowest_ms"].as_f64().is_some_and(|time| time > 0.1)));
}
