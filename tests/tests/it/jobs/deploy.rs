//! Deployments: where the files come from, what replaces what, and what is kept secret.

use super::house::{ADDER, GitServer, House, manifest};
use serde_json::{Value, json};
use std::time::Duration;
use tests::eventually;

/// A folder of a branch of a repository with a password; the password is nowhere to be seen.
#[test]
fn r18_a_private_repository_is_fetched_with_credentials_that_nobody_sees() {
    let server = GitServer::start();
    let other = "name: adder\nversion: 0.9.0\n";
    server.repository("models", &[("jobs/adder/main.py", ADDER), ("jobs/adder/job.yaml", other), ("README", "models")]);
    let house = server.house();
    let mut wanted = manifest("adder", "1.0.0");
    wanted["git"] =
        json!({ "remote": format!("{}/private/models.git", server.url), "branch": "main", "directory": "jobs/adder" });
    wanted["secret_runtime_env_file"] = json!("secret.env");
    let secrets = json!({
        "git_credentials": { "username": "kim", "password": "secret" },
        "secret_vars": { "build_env": {}, "runtime_env": { "API_KEY": "hidden-value" } },
    });
    let begun = house.begin(&house.token, wanted.clone(), None, secrets);
    let id: Value = serde_json::from_str(&begun.body).expect("JSON");
    let ended = house.ended(id["id"].as_str().expect("an id"));
    assert_eq!(ended["status"], "done", "{ended}");
    let warned = ended["warnings"].as_str().unwrap_or_default();
    assert!(
        warned.contains("Did you forget to do \"git push\"? Difference: {") && warned.contains("0.9.0"),
        "{warned}"
    );
    assert_eq!(house.call("/adder/latest/api/v1/perform", json!({ "numbers": [1, 2] })).body, "3");

    // Redeployed with what was kept; then the files of the data folder are searched.
    house.ok("POST", "/job/adder/1.0.0/redeploy", None);
    house.ok("POST", "/job/adder/1.0.0/reprovision", None);
    assert_eq!(house.call("/adder/1.x/api/v1/perform", json!({ "numbers": [2, 2] })).body, "4");
    let health = house.send("GET", "/pub/job/adder/1.0.0/health", None, None);
    let health: Value = serde_json::from_str(&health.body).expect("JSON");
    assert_eq!(health["git_version"].as_str().map(str::len), Some(12), "the commit: {health}");
    assert!(health["deployed_by_racetrack_version"].is_string(), "{health}");
    let shown = house.ok("GET", "/job/adder/1.0.0", None).to_string();
    let logs = house.ok("GET", "/job/adder/1.0.0/build-logs", None).to_string();
    for secret in ["kim:secret", "a2ltOnNlY3JldA", "hidden-value"] {
        assert!(!shown.contains(secret) && !logs.contains(secret), "{secret}");
        for file in ["pitlane.db", "pitlane.db-wal", "log/control.log"] {
            let bytes = std::fs::read(house.pitlane.data().join(file)).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{secret} is in {file}");
        }
    }

    // Without, with wrong ones, and from nowhere.
    let fails = [
        (json!({}), "no git credentials configured for a repo"),
        (json!({ "git_credentials": { "username": "kim", "password": "wrong" } }), "authentication failure"),
    ];
    for (version, (more, words)) in ["1.0.1", "1.0.2"].into_iter().zip(fails) {
        wanted["version"] = json!(version);
        let begun = house.begin(&house.token, wanted.clone(), None, more);
        let id: Value = serde_json::from_str(&begun.body).expect("JSON");
        let error = house.ended(id["id"].as_str().expect("an id"))["error"].as_str().unwrap_or_default().to_owned();
        assert!(error.contains(words), "{error}");
    }
    wanted["git"] = json!({ "remote": format!("{}/models.git", server.url), "directory": "jobs/none" });
    wanted["version"] = json!("1.0.3");
    let begun = house.begin(&house.token, wanted, None, json!({}));
    let id: Value = serde_json::from_str(&begun.body).expect("JSON");
    let error = house.ended(id["id"].as_str().expect("an id"))["error"].to_string();
    assert!(error.contains("can't find workspace subdirectory: jobs/none"), "{error}");
}

/// While the same version is deployed anew it goes on answering; one that fails leaves the old one as it was.
#[test]
fn r19_the_old_one_serves_until_the_new_one_is_ready_and_after_it_has_failed() {
    let house = House::new();
    let says = |word: &str| format!("class Job:\n    def perform(self):\n        return '{word}'\n");
    house.deployed(manifest("talker", "1.0.0"), &[("main.py", &says("old"))]);
    let call = || house.call("/talker/1.0.0/api/v1/perform", json!({}));
    assert_eq!(call().body, "\"old\"");
    let before = house.ok("GET", "/job/talker/1.0.0", None);

    let broken =
        "import time\ntime.sleep(1)\nclass Job:\n    def __init__(self):\n        raise RuntimeError('no model')\n";
    let begun =
        house.begin(&house.token, manifest("talker", "1.0.0"), Some(&[("main.py", broken)]), json!({ "force": true }));
    let id: Value = serde_json::from_str(&begun.body).expect("JSON");
    let ended = house.ended(id["id"].as_str().expect("an id"));
    assert_eq!(ended["status"], "failed");
    let error = ended["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("Job initialization error: ") && error.contains("no model") && error.contains("Job logs:"),
        "{error}"
    );
    assert_eq!(call().body, "\"old\"");
    assert_eq!(house.ok("GET", "/job/talker/1.0.0", None)["id"], before["id"]);

    let begun = house.begin(
        &house.token,
        manifest("talker", "1.0.0"),
        Some(&[("main.py", &says("new"))]),
        json!({ "force": true }),
    );
    let id: Value = serde_json::from_str(&begun.body).expect("JSON");
    let id = id["id"].as_str().expect("an id").to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = call();
        assert_eq!(answer.status, 200, "{}", answer.body);
        if seen.last() != Some(&answer.body) {
            seen.push(answer.body);
        }
        if house.ok("GET", &format!("/deploy/{id}"), None)["status"] != "in_progress" {
            break;
        }
    }
    assert_eq!(house.ended(&id)["status"], "done");
    assert_eq!(call().body, "\"new\"");
    assert!(seen.first().is_some_and(|first| first == "\"old\"") && seen.len() <= 2, "{seen:?}");
}

/// A manifest is edited, refused when it is bad, and acts with the next provisioning.
#[test]
fn r05_a_manifest_is_edited_at_run_time_and_acts_when_provisioned_anew() {
    let house = House::new();
    house.deployed(manifest("edited", "1.0.0"), &[("main.py", ADDER)]);
    let yaml = house.ok("GET", "/job/edited/1.0.0", None)["manifest_yaml"].as_str().expect("text").to_owned();
    let edit = |text: String| {
        house.api("PUT", "/job/edited/1.0.0/manifest", Some(&house.token), Some(json!({ "manifest_yaml": text })))
    };
    for (from, to, words) in [
        ("name: edited", "name: other", "job name cannot be changed"),
        ("1.0.0", "1.0.1", "job version cannot be changed"),
        ("name: edited", "nmae: edited", "did you mean name?"),
    ] {
        let answer = edit(yaml.replacen(from, to, 1));
        assert!(answer.status == 400 && answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!(edit(format!("{yaml}replicas: 2\n")).status, 200);
    house.ok("POST", "/job/edited/1.0.0/reprovision", None);
    let job = house.ok("GET", "/job/edited/1.0.0", None);
    assert_eq!(
        (job["manifest"]["replicas"].clone(), job["replica_internal_names"].as_array().map(Vec::len)),
        (json!(2), Some(2))
    );
}

/// A new version stands beside the old until it is ready, seen as one that starts; each redeployment has a token of its own,
/// and the one before is good no more.
#[test]
fn r19_a_newcomer_starts_beside_the_old_and_tokens_go_with_their_deployment() {
    let house = House::new();
    let code = |wait: u32| {
        format!(
            "import os, time\ntime.sleep({wait})\nclass Job:\n    def perform(self):\n        return os.environ['JOB_VERSION'] + ' ' + os.environ['AUTH_TOKEN']\n"
        )
    };
    house.deployed(manifest("beside", "1.0.0"), &[("main.py", &code(0))]);
    house.ok("POST", "/auth/allow/job_family/beside/job/beside/scope/call_job", None);
    let begun = house.begin(&house.token, manifest("beside", "1.1.0"), Some(&[("main.py", &code(3))]), json!({}));
    let id: Value = serde_json::from_str(&begun.body).expect("JSON");
    let id = id["id"].as_str().expect("an id");
    eventually(Duration::from_secs(120), || {
        let jobs = house.ok("GET", "/job", None);
        jobs.as_array()
            .is_some_and(|jobs| jobs.iter().any(|job| job["version"] == "1.1.0" && job["status"] == "starting"))
    });
    let call = || house.call("/beside/latest/api/v1/perform", json!({})).body.trim_matches('"').to_owned();
    assert!(call().starts_with("1.0.0 "), "the old one is the latest until the new one is ready");
    assert_eq!(house.call("/beside/1.1.0/api/v1/perform", json!({})).status, 502);
    assert_eq!(house.ended(id)["status"], "done");
    let said = call();
    let (version, token) = said.split_once(' ').expect("two words");
    assert_eq!(version, "1.1.0");
    let by =
        |token: &str| house.send("POST", "/pub/job/beside/1.0.0/api/v1/perform", Some(token), Some(json!({}))).status;
    assert_eq!(by(token), 200);
    house.ok("POST", "/job/beside/1.1.0/reprovision", None);
    let said = call();
    let (_, fresh) = said.split_once(' ').expect("two words");
    assert!(fresh != token && by(fresh) == 200);
    eventually(Duration::from_secs(60), || by(token) == 401);
    assert_eq!(by(fresh), 200);
}

/// What a replaced one was asked it answers, the long asynchronous calls too; then it goes, with its token.
#[test]
fn r19_a_replaced_one_answers_what_it_was_asked_and_goes() {
    let house = House::new();
    let code = "import os, time\nclass Job:\n    def perform(self, seconds=0):\n        time.sleep(seconds)\n        return os.environ['AUTH_TOKEN']\n";
    house.deployed(manifest("patient", "1.0.0"), &[("main.py", code)]);
    house.ok("POST", "/auth/allow/job_family/patient/job/patient/scope/call_job", None);
    let path = "/patient/1.0.0/api/v1/perform";
    let call = |seconds: u32| house.call(path, json!({ "seconds": seconds }));
    let old = call(0).body;
    let begun =
        house.send("POST", &format!("/pub/async/new/job{path}"), Some(&house.token), Some(json!({ "seconds": 20 })));
    let task: Value = serde_json::from_str(&begun.body).expect("JSON");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| call(15));
        std::thread::sleep(Duration::from_secs(1));
        house.ok("POST", "/job/patient/1.0.0/reprovision", None);
        let fresh = call(0);
        assert!(fresh.status == 200 && fresh.body != old, "new calls come to the new one");
        let answer = asked.join().expect("an answer");
        assert_eq!((answer.status, &answer.body), (200, &old));
    });
    let poll = format!("/pub/async/task/{}/poll", task["task_id"].as_str().expect("an id"));
    let answer = house.send("GET", &poll, Some(&house.token), None);
    assert_eq!((answer.status, &answer.body), (200, &old));
    let by_old = || house.send("POST", &format!("/pub/job{path}"), Some(old.trim_matches('"')), Some(json!({}))).status;
    eventually(Duration::from_secs(60), || by_old() == 401);
}
