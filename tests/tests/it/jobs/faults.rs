//! Jobs that go wrong, and what is said of them.

use super::house::{ADDER, GitServer, House, manifest};
use serde_json::json;
use std::io::{Read, Write};
use std::time::Duration;

/// What each call of a job can do wrong; the job goes on.
#[test]
fn a_job_that_raises_hangs_and_answers_no_json_is_answered_for() {
    let house = House::new();
    let code = "import os, time\nclass Job:\n    def perform(self, how):\n        if how == 'raise': raise KeyError('gone')\n        if how == 'value': raise ValueError('bad')\n        if how == 'object': return object()\n        if how == 'hang': time.sleep(3600)\n        if how == 'die': os._exit(3)\n        return how\n";
    house.deployed(manifest("odd", "1.0.0"), &[("main.py", code)]);
    let call = |how: &str| house.call("/odd/latest/api/v1/perform", json!({ "how": how }));
    let raised = call("raise");
    assert!(raised.status == 500 && raised.body.contains("KeyError"), "{}", raised.body);
    assert_eq!(call("value").status, 400);
    let object = call("object");
    assert!(object.status >= 400 || object.status == 200, "{}", object.body);

    // A hanging call keeps nobody else from being answered.
    let mut hanging = begin(&house, "/odd/latest/api/v1/perform", r#"{"how":"hang"}"#);
    assert!(hanging.read(&mut [0; 1]).is_err(), "it hangs");
    assert_eq!(call("fine").body, "\"fine\"");
    drop(hanging);
    assert_eq!(call("fine").body, "\"fine\"");
    let logs = house.ok("GET", "/job/odd/latest/logs?tail=500", None);
    assert!(logs["logs"].as_str().is_some_and(|logs| logs.contains("gone")), "{logs}");

    // Whoever calls right after its end does not wait for an address that is no more.
    assert_eq!(call("die").status, 502);
    for _ in 0..3 {
        let began = std::time::Instant::now();
        let status = call("fine").status;
        assert!(began.elapsed() < Duration::from_secs(3), "{status} after {:?}", began.elapsed());
    }
}

/// A job that can hear of it is told at once that its caller has gone, in the middle of a body or of its answer.
#[test]
fn a_caller_who_goes_away_ends_the_call_in_the_job_too() {
    let house = House::new();
    let code = "async def view(scope, receive, send):\n    if scope['type'] != 'http':\n        return\n    if 'answer' in scope['path']:\n        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n        await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})\n    while (await receive())['type'] != 'http.disconnect':\n        pass\n    print('caller left', scope['path'], flush=True)\n\nclass Job:\n    def perform(self):\n        return 1\n    def webview_app(self, base_url):\n        return view\n";
    house.deployed(manifest("left", "1.0.0"), &[("main.py", code)]);
    for path in ["body", "answer"] {
        let at = format!("/left/latest/api/v1/webview/{path}");
        let mut call = begin(&house, &at, if path == "body" { r#"{"never":"# } else { "{}" });
        match path {
            "answer" => drop(call.read_exact(&mut [0; 64])),
            _ => assert!(call.read(&mut [0; 1]).is_err(), "it is not answered"),
        }
        drop(call);
        tests::eventually(Duration::from_secs(10), || {
            let logs = house.ok("GET", "/job/left/latest/logs?tail=500", None);
            logs["logs"].as_str().is_some_and(|logs| logs.contains("caller left") && logs.contains(path))
        });
    }
    assert_eq!(house.call("/left/latest/api/v1/perform", json!({})).body, "1");
}

/// Sends a call with a body of which, if it ends in a colon, more was promised.
fn begin(house: &House, path: &str, body: &str) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(house.pitlane.url.trim_start_matches("http://")).expect("it listens");
    let promised = body.len() + if body.ends_with(':') { 1000 } else { 0 };
    let head = format!(
        "POST /pub/job{path} HTTP/1.1\r\nHost: x\r\nX-Racetrack-Auth: {}\r\nContent-Type: application/json\r\nContent-Length: {promised}\r\n\r\n{body}",
        house.token
    );
    stream.write_all(head.as_bytes()).expect("written");
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("set");
    stream
}

/// A hundred megabytes pass in both directions, a piece at a time.
#[test]
fn a_call_with_a_hundred_megabytes_passes() {
    let house = House::new();
    let code = "class Job:\n    def perform(self, text):\n        return len(text)\n";
    house.deployed(manifest("large", "1.0.0"), &[("main.py", code)]);
    let text = "x".repeat(100 << 20);
    let answer = house.call("/large/latest/api/v1/perform", json!({ "text": text }));
    assert_eq!((answer.status, answer.body.as_str()), (200, "104857600"));
}

/// Builds and starts that fail, each with its reason.
#[test]
fn what_cannot_be_built_or_started_fails_with_its_reason() {
    let house = House::new();
    let files: &[(&str, &str)] = &[("main.py", ADDER), ("bad.txt", "no-such-package-of-pitlane==9.9\n")];
    let mut cases = Vec::new();
    let mut case = |version: &str, change: &dyn Fn(&mut serde_json::Value), words: &'static [&'static str]| {
        let mut wanted = manifest("failing", version);
        change(&mut wanted);
        cases.push((wanted, words));
    };
    case(
        "0.0.1",
        &|m| m["jobtype_extra"]["requirements_path"] = json!("bad.txt"),
        &[
            "building an image: ",
            "pip could not install what bad.txt asks for: ",
            "No matching distribution found for no-such-package-of-pitlane==9.9",
        ],
    );
    case(
        "0.0.2",
        &|m| m["jobtype_extra"]["python_version"] = json!("3.3"),
        &["building an image: ", "Python 3.3 is not on this stack"],
    );
    case("0.0.3", &|m| m["jobtype_extra"]["entrypoint_path"] = json!("none.py"), &["there is no file \"none.py\""]);
    case(
        "0.0.4",
        &|m| m["jobtype_extra"]["entrypoint_class"] = json!("Nobody"),
        &["Job initialization error: ", "class name Nobody was not found"],
    );
    case(
        "0.0.5",
        &|m| m["system_dependencies"] = json!(["no-such-debian-package"]),
        &["system_dependencies: not installed on this machine", "no-such-debian-package"],
    );
    for (wanted, words) in cases {
        let ended = house.deploy(wanted, files);
        let error = ended["error"].as_str().unwrap_or_default();
        assert!(ended["status"] == "failed" && words.iter().all(|part| error.contains(part)), "{words:?}: {error}");
    }
    // Nothing half-made stays.
    assert_eq!(house.ok("GET", "/job", None), json!([]));
    let ended = house.deploy(manifest("failing", "0.1.0"), &[("main.py", "import os\nos._exit(3)\n")]);
    assert!(ended["error"].as_str().is_some_and(|error| error.contains("exited with status 3")), "{ended}");
}

/// A manifest with five faults: one answer tells all.
#[test]
fn a_manifest_with_five_faults_is_refused_with_all_five() {
    let house = House::new();
    let mut bad = manifest("Bad_Name", "abc");
    bad["replicas"] = json!(0);
    bad["jobtype"] = json!("python3");
    bad["git"]["remote"] = json!("git@host:x");
    let answer = house.begin(&house.token, bad, Some(&[("main.py", ADDER)]), json!({}));
    assert_eq!(answer.status, 400);
    for words in ["5 problems", "name: ", "version: ", "replicas: ", "jobtype: ", "git.remote: "] {
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    assert_eq!(house.ok("GET", "/deploy", None), json!([]));
}

/// A remote that never answers is given up, and the deployment can be seen to wait meanwhile.
#[test]
fn a_remote_that_never_answers_is_given_up() {
    let server = GitServer::start();
    let house = server.house();
    let mut wanted = manifest("silent", "1.0.0");
    wanted["git"]["remote"] = json!(format!("{}/silent/x.git", server.url));
    let begun = house.begin(&house.token, wanted, None, json!({}));
    let id: serde_json::Value = serde_json::from_str(&begun.body).expect("JSON");
    let id = id["id"].as_str().expect("an id");
    tests::eventually(Duration::from_secs(30), || {
        house.ok("GET", &format!("/deploy/{id}"), None)["phase"] == "fetching the source code"
    });
    let ended = house.ended(id);
    assert!(
        ended["error"]
            .as_str()
            .is_some_and(|error| error.contains("cannot be fetched") || error.contains("did not answer")),
        "{ended}"
    );
}
