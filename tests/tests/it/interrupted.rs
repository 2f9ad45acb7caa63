//! Ctrl-C in the middle of a push: nothing half-made stays, and the next push works.

use std::time::Duration;
use tests::{Pitlane, eventually, text};

#[test]
fn a_push_that_is_interrupted_leaves_nothing_behind() {
    let pitlane = Pitlane::start();
    let place = tempfile::tempdir().expect("a folder");
    let package =
        |script: &str| format!(r#"{{"scripts": {{"heroku-postbuild": "{script}", "start": "node server.js"}}}}"#);
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).expect("a file");
    write("server.js", "require('http').createServer((q, s) => s.end('well')).listen(process.env.PORT)");
    write("package.json", &package("echo hanging && sleep 1000"));

    let mut push = pitlane.begin_in(place.path(), &["push", "shop", "-m", "64M"]);
    eventually(Duration::from_secs(60), || {
        text(&pitlane.run(&["logs", "shop", "--recent"])).lines().any(|line| line.ends_with("OUT        hanging"))
    });
    let pid = rustix::process::Pid::from_raw(push.id().cast_signed()).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it lives");
    assert_eq!(push.wait().expect("it ends").code(), Some(130));

    let app = pitlane.json(&["app", "shop"]);
    let of_app = |path: &str| {
        let answer = tests::http()
            .get(format!("{}/v3/apps/{}/{path}", pitlane.url, app["guid"].as_str().expect("a guid")))
            .bearer_auth(pitlane.token())
            .send()
            .expect("an answer");
        serde_json::from_str::<serde_json::Value>(&answer.text().expect("text")).expect("JSON")
    };
    assert_eq!(of_app("packages")["pagination"]["total_results"], 0);
    let builds = of_app("builds");
    assert_eq!(builds["resources"][0]["state"], "FAILED", "{builds}");
    // Its container ends with it.
    eventually(Duration::from_secs(30), || {
        std::fs::read_dir(pitlane.data().join("engine/instances")).is_ok_and(|left| left.count() == 0)
            && std::fs::read_dir(pitlane.data().join("cache/scratch")).is_ok_and(|left| left.count() == 0)
    });

    write("package.json", &package("echo done"));
    let pushed = pitlane.run_in(place.path(), &["push", "shop", "-m", "64M"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    assert_eq!(pitlane.get("shop", "/").body, "well");
}
