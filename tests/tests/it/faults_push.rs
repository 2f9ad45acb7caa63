//! Processes die in the middle of a push, a build, a deletion; an instance loses its keeper.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;
use tests::processes::{keepers, kill, left_behind};
use tests::{Pitlane, eventually, http, text};

fn api(pitlane: &Pitlane, path: &str) -> Value {
    let request = http().get(format!("{}{path}", pitlane.url)).bearer_auth(pitlane.token());
    serde_json::from_str(&request.send().expect("an answer").text().expect("text")).expect("JSON")
}

#[test]
fn an_instance_whose_keeper_is_killed_is_started_again_and_the_event_says_so() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("python"), &["push", "snake"]).status.success());
    pitlane.get_until_ok("snake", "/");
    let before = keepers(&pitlane);
    assert_eq!(before.len(), 1, "{before:?}");
    kill(before[0]);
    eventually(Duration::from_secs(30), || {
        let now = keepers(&pitlane);
        now.len() == 1 && now != before
    });
    pitlane.get_until_ok("snake", "/");
    eventually(Duration::from_secs(10), || pitlane.ok(&["events", "snake"]).contains("lost"));
    // Once started again, not twice.
    assert!(pitlane.ok(&["apps"]).contains("1/1"));
}

/// A folder whose build lasts a while: nothing to install, but a large file to pack.
fn large(pitlane: &Pitlane, megabytes: usize) -> PathBuf {
    let folder = pitlane.folder.path().join("large");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut state = 1u64;
    let noise: Vec<u8> = (0..megabytes << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    std::fs::write(folder.join("noise"), noise).expect("written");
    std::fs::write(folder.join("index.html"), "<html>large").expect("written");
    std::fs::write(folder.join("Staticfile"), "").expect("written");
    folder
}

/// Kills `process` while the newest package or build of app `name` is in a state that `when` likes; the app works after.
fn killed_in_the_middle(process: &str, when: fn(&Pitlane, &str) -> bool) {
    let mut pitlane = Pitlane::start();
    let folder = large(&pitlane, 8);
    let mut push = pitlane.begin_in(&folder, &["push", "cut"]);
    eventually(Duration::from_secs(60), || {
        let apps = api(&pitlane, "/v3/apps?names=cut");
        apps["resources"][0]["guid"].as_str().is_some_and(|guid| when(&pitlane, guid))
    });
    pitlane.kill(process);
    let _ = push.wait();
    if process == "serve" {
        pitlane.serve_again();
    }
    pitlane.until_well();
    // Each build ends by itself.
    eventually(Duration::from_secs(120), || {
        let builds = api(&pitlane, "/v3/builds");
        let builds = builds["resources"].as_array().cloned().unwrap_or_default();
        builds.iter().all(|build| build["state"] != "STAGING")
    });
    for name in ["scratch", "out"] {
        let path = pitlane.data().join("cache").join(name);
        eventually(Duration::from_secs(10), || std::fs::read_dir(&path).is_ok_and(|mut left| left.next().is_none()));
    }
    let output = pitlane.run_in(&folder, &["push", "cut"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(pitlane.get_until_ok("cut", "/").contains("large"));
}

fn staging(pitlane: &Pitlane, app: &str) -> bool {
    let builds = api(pitlane, &format!("/v3/builds?app_guids={app}"));
    builds["resources"][0]["state"] == "STAGING"
}

#[test]
fn control_killed_during_a_build_leaves_nothing_half_made() {
    killed_in_the_middle("control", staging);
}

#[test]
fn serve_killed_during_a_build_leaves_nothing_half_made() {
    killed_in_the_middle("serve", staging);
}

/// Begins to upload a package and stops half way; answers the connection and the package's path.
fn half_an_upload(pitlane: &Pitlane) -> (TcpStream, String) {
    let space = api(pitlane, "/v3/spaces")["resources"][0]["guid"].clone();
    let post = |path: &str, body: Value| -> Value {
        let request = http().post(format!("{}{path}", pitlane.url)).bearer_auth(pitlane.token()).json(&body);
        serde_json::from_str(&request.send().expect("an answer").text().expect("text")).expect("JSON")
    };
    let app = post("/v3/apps", serde_json::json!({"name": "a", "relationships": {"space": {"data": {"guid": space}}}}));
    let of_app = serde_json::json!({"type": "bits", "relationships": {"app": {"data": {"guid": app["guid"]}}}});
    let package = post("/v3/packages", of_app);
    let path = format!("/v3/packages/{}", package["guid"].as_str().expect("a guid"));
    let mut stream = TcpStream::connect(pitlane.url.trim_start_matches("http://")).expect("connected");
    let head = format!(
        "POST {path}/upload HTTP/1.1\r\nhost: localhost\r\nauthorization: bearer {}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 5000000\r\n\r\n--b\r\ncontent-disposition: form-data; name=\"bits\"; filename=\"x\"\r\n\r\n",
        pitlane.token()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&vec![b'x'; 1 << 20]).expect("sent");
    eventually(Duration::from_secs(10), || temporary(pitlane) == 1);
    (stream, path)
}

/// Files of uploads that are under way.
fn temporary(pitlane: &Pitlane) -> usize {
    std::fs::read_dir(pitlane.data().join("blobs/tmp")).map_or(0, Iterator::count)
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing_and_may_be_begun_again() {
    // The client, the front door, the API.
    for broken in ["client", "router", "control"] {
        let pitlane = Pitlane::start();
        let (stream, path) = half_an_upload(&pitlane);
        match broken {
            "client" => drop(stream),
            process => pitlane.kill(process),
        }
        pitlane.until_well();
        eventually(Duration::from_secs(20), || temporary(&pitlane) == 0);
        assert_eq!(api(&pitlane, &path)["state"], "AWAITING_UPLOAD", "{broken}");
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("index.html", zip::write::SimpleFileOptions::default()).expect("begun");
        let bits = zip.finish().expect("zipped").into_inner();
        let form = reqwest::blocking::multipart::Form::new()
            .part("bits", reqwest::blocking::multipart::Part::bytes(bits).file_name("bits"));
        let again = http().post(format!("{}{path}/upload", pitlane.url)).bearer_auth(pitlane.token()).multipart(form);
        assert_eq!(again.send().expect("an answer").status().as_u16(), 200, "{broken}");
        assert_eq!(api(&pitlane, &path)["state"], "READY", "{broken}");
    }
}

#[test]
fn control_killed_during_a_deletion_finishes_it() {
    let pitlane = Pitlane::start();
    for round in 0..3 {
        assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "gone"]).status.success());
        pitlane.get_until_ok("gone", "/");
        let mut delete = pitlane.begin_in(pitlane.folder.path(), &["delete", "gone", "-f"]);
        std::thread::sleep(Duration::from_millis(30 * (round + 1)));
        pitlane.kill("control");
        let _ = delete.wait();
        pitlane.until_well();
        if pitlane.run(&["app", "gone"]).status.success() {
            pitlane.ok(&["delete", "gone", "-f"]);
        }
        eventually(Duration::from_secs(20), || keepers(&pitlane).is_empty());
        assert_ne!(pitlane.get("gone", "/").status, 200);
    }
}

#[test]
fn stop_with_apps_leaves_no_process_behind_and_may_be_repeated() {
    let pitlane = Pitlane::start();
    for app in ["static", "python"] {
        let output = pitlane.run_in(&pitlane.sample(app), &["push", app, "-i", "2"]);
        assert!(output.status.success(), "{}", text(&output));
    }
    // One keeper is killed right before: what it kept is not forgotten.
    kill(*keepers(&pitlane).first().expect("a keeper"));
    let output = pitlane.stop(&["--apps"]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(left_behind(&pitlane), Vec::<String>::new());
    assert_eq!(keepers(&pitlane), Vec::<i32>::new());
    for options in [&[][..], &["--apps"]] {
        let again = pitlane.stop(options);
        assert!(again.status.success() && text(&again).contains("no server ran"), "{}", text(&again));
    }
    let nowhere = pitlane.run(&["stop", "--data", "/nonexistent/pitlane"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere).contains("no data folder"), "{}", text(&nowhere));
}

#[test]
fn a_body_that_never_ends_reaches_an_app_piece_by_piece_and_holds_up_nobody() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    pitlane.get_until_ok("hello", "/");
    let mut stream = TcpStream::connect(pitlane.url.trim_start_matches("http://")).expect("connected");
    stream.set_write_timeout(Some(Duration::from_secs(2))).expect("set");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    let head = "POST / HTTP/1.1\r\nhost: hello.apps.localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let piece = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    let mut sent = 0;
    // Until somebody refuses to take more, or 256 MiB.
    while sent < 256 && stream.write_all(&piece).is_ok() {
        sent += 1;
        if sent % 64 == 0 {
            assert_eq!(pitlane.get("hello", "/").status, 200);
        }
    }
    assert_eq!(pitlane.get("hello", "/").status, 200);
    let router: Value = {
        let note = std::fs::read_to_string(pitlane.data().join("run/router.pid")).expect("it runs");
        serde_json::from_str(&note).expect("a note")
    };
    let status = std::fs::read_to_string(format!("/proc/{}/status", router["pid"])).expect("it lives");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kilobytes: u64 = resident.trim().split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
    assert!(kilobytes < 150 << 10, "the router holds {kilobytes} kB");
    let _ = stream.read(&mut [0; 1024]);
}
