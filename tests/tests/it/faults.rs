//! The platform's own processes die; applications go on, and nothing acknowledged is lost.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tests::{Pitlane, eventually, text};

#[test]
fn each_process_may_be_killed_while_an_app_answers() {
    let mut pitlane = Pitlane::start();
    let output = pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]);
    assert!(output.status.success(), "{}", text(&output));
    let before = pitlane.get_until_ok("hello", "/");
    let instance = pitlane.get("hello", "/").headers.get("x-vcap-request-id").cloned();
    assert!(instance.is_some(), "the front door names each request");

    pitlane.kill("control");
    // The front door goes on by its last table; the platform's own host says what is wrong until control is back.
    assert_eq!(pitlane.get("hello", "/").body, before);
    eventually(Duration::from_secs(20), || pitlane.get("", "/env_info").status == 200);
    assert_eq!(pitlane.get("hello", "/").body, before);

    pitlane.kill("router");
    // The listening socket stays open: a request waits for the next router and is answered.
    assert_eq!(pitlane.get("hello", "/").body, before);
    eventually(Duration::from_secs(20), || pitlane.get("", "/env_info").status == 200);

    pitlane.kill("serve");
    assert_eq!(pitlane.get("hello", "/").body, before);
    pitlane.serve_again();
    assert_eq!(pitlane.get("hello", "/").body, before);
    eventually(Duration::from_secs(20), || pitlane.get("", "/env_info").status == 200);
    assert!(pitlane.ok(&["apps"]).contains("1/1"));
}

#[test]
fn instances_and_logs_survive_a_stop_and_a_start() {
    let mut pitlane = Pitlane::start();
    let output = pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]);
    assert!(output.status.success(), "{}", text(&output));
    pitlane.get_until_ok("hello", "/?before-the-stop");
    assert!(pitlane.stop(&[]).status.success());
    let crashes = |pitlane: &Pitlane| pitlane.ok(&["events", "hello"]).matches("crash").count();
    pitlane.serve_again();
    // The same instance, from the first moment: nothing crashed or was started anew.
    assert_eq!(pitlane.get("hello", "/").status, 200);
    assert_eq!(crashes(&pitlane), 0);
    let log = pitlane.ok(&["logs", "hello", "--recent"]);
    assert!(log.contains("before-the-stop"), "{log}");
    assert_eq!(log.matches("Invoking start command.").count(), 1, "{log}");
}

#[test]
fn killing_control_under_load_loses_no_request_and_no_acknowledged_write() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    pitlane.get_until_ok("hello", "/");
    let (stop, failed, sent) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                sent.fetch_add(1, Ordering::Relaxed);
                if pitlane.get("hello", "/").status != 200 {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        for round in 0..3 {
            let mut acknowledged = Vec::new();
            for number in 0..20 {
                let name = format!("org-{round}-{number}");
                if pitlane.run(&["create-org", &name]).status.success() {
                    acknowledged.push(name);
                }
                if number == 10 {
                    pitlane.kill("control");
                }
            }
            eventually(Duration::from_secs(20), || pitlane.get("", "/env_info").status == 200);
            let orgs = pitlane.ok(&["orgs"]);
            for name in acknowledged {
                assert!(orgs.contains(&name), "{name} was acknowledged and is gone");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {}", sent.load(Ordering::Relaxed));
}

#[test]
fn killing_control_during_a_push_leaves_nothing_half_made() {
    let pitlane = Pitlane::start();
    let folder = pitlane.sample("python");
    std::thread::scope(|scope| {
        let push = scope.spawn(|| pitlane.run_in(&folder, &["push", "cut"]));
        eventually(Duration::from_secs(20), || pitlane.run(&["app", "cut"]).status.success());
        pitlane.kill("control");
        let _ = push.join();
    });
    eventually(Duration::from_secs(20), || pitlane.get("", "/env_info").status == 200);
    // The build that was cut off is done again by itself; until then the app takes no second one.
    eventually(Duration::from_secs(90), || {
        let output = pitlane.run_in(&folder, &["push", "cut"]);
        assert!(output.status.success() || text(&output).contains("Only one build"), "{}", text(&output));
        output.status.success()
    });
    pitlane.get_until_ok("cut", "/");
}
