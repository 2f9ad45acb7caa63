//! Calls whose answers are asked for later.

use super::house::{House, manifest};
use serde_json::{Value, json};

/// Calls that take long: the job's own answer, with its query and its bytes, for whoever began the call.
#[test]
fn r19_an_asynchronous_call_is_answered_later_and_to_its_caller_only() {
    let house = House::new();
    let code = "import os, time\nclass Slow:\n    def perform(self, how='fine'):\n        if how == 'slow': time.sleep(2)\n        if how == 'bad': raise ValueError('bad')\n        if how == 'die': os._exit(3)\n        return [how, dict(self.request_context.get().headers), str(self.request_context.get().url.query)]\n    request_context = None\n";
    house.deployed(manifest("slow", "1.0.0"), &[("main.py", code)]);
    let begin = |path: &str, token: Option<&str>, how: &str| {
        let answer = house.send("POST", &format!("/pub/async/new/job{path}"), token, Some(json!({ "how": how })));
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        (answer.status, body["task_id"].as_str().unwrap_or_default().to_owned(), body)
    };
    let token = Some(house.token.as_str());
    let poll = |id: &str, token: Option<&str>| house.send("GET", &format!("/pub/async/task/{id}/poll"), token, None);
    let (status, id, body) = begin("/slow/latest/api/v1/perform?a=1", token, "slow");
    assert_eq!((status, &body["status"]), (201, &json!("ongoing")));
    let seen = house.send("GET", &format!("/pub/async/task/{id}/status"), token, None);
    assert!(seen.body.contains(&id), "{}", seen.body);
    let answer = poll(&id, token);
    let told: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &told[0], &told[2]), (200, &json!("slow"), &json!("a=1")), "{told}");
    assert_eq!(told[1]["x-caller-name"], "User ada");
    assert!(!told.to_string().contains(&house.token), "credentials end at the gateway");

    // The job's own refusals are answers; without a token the address that began the call may ask, as the runner does.
    let (_, id, _) = begin("/slow/1.x/api/v1/perform", token, "bad");
    let refused = poll(&id, None);
    assert!(refused.status == 400 && refused.body.contains("ValueError"), "{}", refused.body);
    let stranger = house.ok("POST", "/escs", Some(json!({ "name": "shop" })));
    let stranger = stranger["token"].as_str().expect("shown once");
    assert_eq!(poll(&id, Some(stranger)).status, 401);
    assert_eq!(begin("/slow/latest/api/v1/perform", Some(stranger), "fine").0, 401);
    assert_eq!(begin("/slow/latest/api/v1/perform", None, "fine").0, 401);
    assert_eq!(begin("/nobody/latest/api/v1/perform", token, "fine").0, 404);
    assert_eq!(house.send("PUT", "/pub/async/new/job/slow/latest/x", token, None).status, 405);
    let missing = poll("00000000-0000-0000-0000-000000000000", token);
    assert!(missing.status == 404 && missing.body.contains("Async task not found"), "{}", missing.body);

    // One that ends the job each time is tried twice.
    let (_, id, _) = begin("/slow/latest/api/v1/perform", token, "die");
    let mut ended = poll(&id, token);
    while ended.status == 202 {
        ended = poll(&id, token);
    }
    let told: Value = serde_json::from_str(&ended.body).expect("JSON");
    assert_eq!((ended.status, &told["status"], &told["attempts"]), (500, &json!("failed"), &json!(2)), "{told}");
}
