//! `kill -9` of each process — front door, API, supervisor, an instance's keeper, its process 1, the helper that sets a container
//! up, the container of a build — while writes, a build or a start are under way: what runs answers, what was acknowledged
//! stays, nothing half-made is left. (In the middle of an upload, of a deletion, and while nothing happens: `faults_push`, `faults`.)

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::processes::{first_process, helper, instances, keepers, kill, traces};
use tests::{Pitlane, eventually, http, text};

/// Asks until there is an answer: a connection that a killed front door took with it is made anew, as every client does.
fn get(pitlane: &Pitlane, client: &reqwest::blocking::Client) -> (u16, String) {
    for _ in 0..3 {
        let request = client.get(format!("{}/", pitlane.url)).header("host", "hello.apps.localhost");
        if let Ok(answer) = request.send() {
            return (answer.status().as_u16(), answer.text().unwrap_or_default());
        }
    }
    panic!("no connection, three times");
}

/// Only what should run is there, and the kernel holds nothing of anything else.
fn tidy(pitlane: &Pitlane, running: usize) {
    eventually(Duration::from_secs(60), || instances(pitlane).len() == running && keepers(pitlane).len() == running);
    eventually(Duration::from_secs(20), || traces(pitlane).is_empty());
    for name in ["scratch", "out"] {
        let path = pitlane.data().join("cache").join(name);
        eventually(Duration::from_secs(20), || std::fs::read_dir(&path).is_ok_and(|mut left| left.next().is_none()));
    }
}

#[test]
fn whatever_is_killed_during_writes_the_app_answers_and_nothing_acknowledged_is_lost() {
    let mut pitlane = Pitlane::start();
    let pushed = pitlane.run_in(&pitlane.sample("static"), &["push", "hello", "-i", "2"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    let page = pitlane.get_until_ok("hello", "/");
    eventually(Duration::from_secs(30), || pitlane.ok(&["apps"]).contains("2/2"));
    let token = pitlane.token();
    let acknowledged = Mutex::new(Vec::new());
    for process in ["router", "control", "serve", "keeper", "process 1"] {
        let before = keepers(&pitlane);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let here = &pitlane;
            let write = || {
                let client = http();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("{}-{number}", process.replace(' ', "-"));
                    let request = client.post(format!("{}/v3/organizations", here.url)).bearer_auth(&token);
                    let sent = request.json(&serde_json::json!({ "name": name })).send();
                    // A connection that breaks says nothing: the write may have been done or not.
                    let Ok(answer) = sent else { continue };
                    match answer.status().as_u16() {
                        201 => acknowledged.lock().expect("whole").push(name),
                        503 => {}
                        status => panic!("{process}: {status} {}", answer.text().unwrap_or_default()),
                    }
                }
            };
            let ask = || {
                let client = http();
                let mut asked = 0;
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(get(here, &client), (200, page.clone()), "{process}, after {asked}");
                    asked += 1;
                }
            };
            let working = [scope.spawn(write), scope.spawn(ask)];
            let count = || acknowledged.lock().expect("whole").len();
            let begun = count();
            eventually(Duration::from_secs(20), || count() > begun + 5);
            match process {
                "keeper" => kill(before[0]),
                "process 1" => kill(first_process(before[0]).expect("a container")),
                process => here.kill(process),
            }
            if process != "serve" {
                here.until_well();
                let begun = count();
                eventually(Duration::from_secs(20), || count() > begun + 5);
            }
            stop.store(true, Ordering::Relaxed);
            working.into_iter().for_each(|one| one.join().expect("no fault"));
        });
        if process == "serve" {
            pitlane.serve_again();
        }
        pitlane.until_well();
        let orgs = pitlane.ok(&["orgs"]);
        for name in acknowledged.lock().expect("whole").iter() {
            assert!(orgs.lines().any(|line| line.contains(name)), "{process}: {name} was acknowledged and is gone");
        }
        pitlane.ok(&["ledger", "verify"]);
        eventually(Duration::from_secs(30), || pitlane.ok(&["apps"]).contains("2/2"));
        let now = keepers(&pitlane);
        let same = before.iter().filter(|pid| now.contains(pid)).count();
        let lost = usize::from(["keeper", "process 1"].contains(&process));
        assert_eq!(same, 2 - lost, "{process}: the other instances are the same ones");
        tidy(&pitlane, 2);
    }
}

/// An application whose build says `word` and waits.
fn building(pitlane: &Pitlane, word: &str, seconds: u32) -> PathBuf {
    let folder = pitlane.folder.path().join("building");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    write("server.js", "require('http').createServer((q, s) => s.end('built')).listen(process.env.PORT)");
    let script = format!("echo {word} && sleep {seconds}");
    write("package.json", &format!(r#"{{"scripts": {{"heroku-postbuild": "{script}", "start": "node server.js"}}}}"#));
    folder
}

fn until_it_says(pitlane: &Pitlane, app: &str, word: &str) {
    let said = format!("OUT        {word}");
    eventually(Duration::from_secs(60), || {
        text(&pitlane.run(&["logs", app, "--recent"])).lines().any(|line| line.ends_with(&said))
    });
}

fn builds(pitlane: &Pitlane) -> Vec<Value> {
    let request = http().get(format!("{}/v3/builds?order_by=created_at", pitlane.url)).bearer_auth(pitlane.token());
    let body: Value = serde_json::from_str(&request.send().expect("an answer").text().expect("text")).expect("JSON");
    body["resources"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_build_whose_container_or_keeper_is_killed_fails_in_words_and_leaves_nothing() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    let page = pitlane.get_until_ok("hello", "/");
    let others = keepers(&pitlane);
    for victim in ["keeper", "container"] {
        let folder = building(&pitlane, victim, 1000);
        let push = std::thread::scope(|scope| {
            let push = scope.spawn(|| pitlane.run_in(&folder, &["push", "hello"]));
            until_it_says(&pitlane, "hello", victim);
            let keeper = keepers(&pitlane).into_iter().find(|pid| !others.contains(pid)).expect("the build's");
            kill(if victim == "keeper" { keeper } else { first_process(keeper).expect("a container") });
            push.join().expect("joined")
        });
        assert_eq!(push.status.code(), Some(1), "{victim}: {}", text(&push));
        assert!(text(&push).contains("what ran before goes on"), "{victim}: {}", text(&push));
        assert!(!text(&push).contains("unknown error"), "{victim}: {}", text(&push));
        let last = builds(&pitlane).pop().expect("a build");
        assert_eq!(last["state"], "FAILED", "{victim}: {last}");
        assert!(last["error"].as_str().is_some_and(|words| words.len() > 10), "{victim}: {last}");
        assert_eq!(pitlane.get("hello", "/").body, page, "{victim}");
        assert_eq!(keepers(&pitlane), others, "{victim}: the instance is the same one");
        tidy(&pitlane, 1);
    }
}

#[test]
fn a_front_door_that_is_killed_during_a_push_does_not_end_it() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    let page = pitlane.get_until_ok("hello", "/");
    let folder = building(&pitlane, "waiting", 5);
    let push = std::thread::scope(|scope| {
        let push = scope.spawn(|| pitlane.run_in(&folder, &["push", "built"]));
        until_it_says(&pitlane, "built", "waiting");
        pitlane.kill("router");
        assert_eq!(get(&pitlane, &http()), (200, page.clone()));
        push.join().expect("joined")
    });
    assert!(push.status.success(), "{}", text(&push));
    assert_eq!(pitlane.get("built", "/").body, "built");
    tidy(&pitlane, 2);
}

/// A program that needs a while before it listens.
fn slow(pitlane: &Pitlane) -> PathBuf {
    let folder = pitlane.folder.path().join("slow");
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = "import http.server, os, time\ntime.sleep(3)\n\
        http.server.HTTPServer(('0.0.0.0', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n";
    std::fs::write(folder.join("app.py"), program).expect("written");
    std::fs::write(folder.join("Procfile"), "web: exec python3 -u app.py\n").expect("written");
    folder
}

/// Kills what `find` finds first.
fn kill_first(find: impl Fn() -> Option<i32>) -> i32 {
    loop {
        if let Some(pid) = find() {
            kill(pid);
            return pid;
        }
    }
}

fn started(pitlane: &Pitlane, folder: &Path, find: impl Fn(&Pitlane) -> Option<i32> + Sync) {
    std::thread::scope(|scope| {
        let push = scope.spawn(|| pitlane.run_in(folder, &["push", "slow", "-b", "binary_buildpack"]));
        // Not the build's own container.
        eventually(Duration::from_secs(60), || builds(pitlane).last().is_some_and(|build| build["state"] == "STAGED"));
        let killed = kill_first(|| find(pitlane));
        let pushed = push.join().expect("joined");
        // It may have been told of the crash before the next start; the start is made all the same.
        assert!(pushed.status.success() || text(&pushed).contains("crash"), "{killed}: {}", text(&pushed));
    });
    pitlane.get_until_ok("slow", "/");
    eventually(Duration::from_secs(60), || pitlane.ok(&["apps"]).contains("1/1"));
    tidy(pitlane, 1);
}

#[test]
fn a_start_whose_helper_is_killed_is_done_again_and_leaves_nothing() {
    let pitlane = Pitlane::start();
    let folder = slow(&pitlane);
    started(&pitlane, &folder, helper);
    // Several times, each at another moment of the set-up.
    for pause in 0..6 {
        std::thread::scope(|scope| {
            let restart = scope.spawn(|| pitlane.run(&["restart", "slow"]));
            let first = loop {
                if let Some(pid) = helper(&pitlane) {
                    break pid;
                }
            };
            std::thread::sleep(Duration::from_millis(pause * 3));
            kill(first);
            restart.join().expect("joined");
        });
        eventually(Duration::from_secs(60), || pitlane.get("slow", "/").status == 200);
        tidy(&pitlane, 1);
    }
}

#[test]
fn a_start_whose_keeper_is_killed_is_done_again_and_leaves_nothing() {
    let pitlane = Pitlane::start();
    let folder = slow(&pitlane);
    started(&pitlane, &folder, |pitlane| keepers(pitlane).first().copied());
}

#[test]
fn control_killed_during_a_start_finds_what_has_been_started() {
    let pitlane = Pitlane::start();
    let folder = slow(&pitlane);
    std::thread::scope(|scope| {
        let push = scope.spawn(|| pitlane.run_in(&folder, &["push", "slow", "-b", "binary_buildpack"]));
        eventually(Duration::from_secs(60), || builds(&pitlane).last().is_some_and(|build| build["state"] == "STAGED"));
        while helper(&pitlane).is_none() && keepers(&pitlane).is_empty() {}
        pitlane.kill("control");
        let _ = push.join();
    });
    pitlane.until_well();
    if !pitlane.ok(&["apps"]).contains("/1") {
        pitlane.ok(&["start", "slow"]);
    }
    pitlane.get_until_ok("slow", "/");
    tidy(&pitlane, 1);
    assert!(pitlane.ok(&["apps"]).contains("1/1"));
}
