//! Starting, replacing and stopping a server: what cannot work is refused in words, and nothing is harmed.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tests::{Answer, PASSWORD, Pitlane, eventually, http, text};

#[test]
fn a_second_server_is_refused_in_words() {
    let pitlane = Pitlane::start();
    // The same folder.
    let output = pitlane.serve_refused(&["--listen", "127.0.0.1:0"]);
    for words in ["runs already", "pitlane stop", "--take-over"] {
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    }
    // Another folder, the same port.
    let other = pitlane.folder.path().join("other");
    let listen = pitlane.url.trim_start_matches("http://");
    let output = pitlane.serve_refused(&["--listen", listen, "--data", other.to_str().expect("text")]);
    assert!(text(&output).contains(&format!("cannot listen on {listen}")), "{}", text(&output));
    assert!(text(&output).contains("--listen"), "{}", text(&output));
    assert_eq!(pitlane.get("", "/env_info").status, 200);
}

#[test]
fn a_folder_that_cannot_be_written_or_is_newer_is_refused_in_words() {
    let mut pitlane = Pitlane::start();
    let file = pitlane.folder.path().join("file");
    std::fs::write(&file, "mine").expect("written");
    let foreign = pitlane.folder.path().join("foreign");
    std::fs::create_dir(&foreign).expect("a folder");
    std::fs::write(foreign.join("file"), "mine").expect("written");
    std::fs::set_permissions(&foreign, std::fs::Permissions::from_mode(0o755)).expect("set");
    for place in ["/proc/pitlane", "/dev/null/pitlane", file.to_str().expect("text"), foreign.to_str().expect("text")] {
        let output = pitlane.serve_refused(&["--listen", "127.0.0.1:0", "--data", place]);
        assert!(text(&output).contains(place) && text(&output).contains("data"), "{place}: {}", text(&output));
        assert!(!text(&output).contains("panicked"), "{}", text(&output));
    }
    assert_eq!(std::fs::metadata(&foreign).expect("a folder").permissions().mode() & 0o777, 0o755, "left alone");
    for bad in [
        &["--listen", "nowhere"][..],
        &["--domain", "a b"],
        &["--staging-timeout", "0"],
        &["--database-url", "ftp://x"],
    ] {
        let output = pitlane
            .serve_refused(&[&["--data", pitlane.folder.path().join("x").to_str().expect("text")], bad].concat());
        assert!(!text(&output).contains("panicked"), "{bad:?}: {}", text(&output));
        assert!(text(&output).len() > 20, "{bad:?}: {}", text(&output));
    }
    // Nothing of what was refused runs on.
    let left = pitlane.run(&["stop", "--data", pitlane.folder.path().join("x").to_str().expect("text")]);
    assert!(text(&left).contains("no server ran"), "{}", text(&left));
    assert!(pitlane.stop(&[]).status.success());
    // As a newer version would have left it.
    let file = pitlane.data().join("pitlane.db");
    let newer = "INSERT INTO pitlane_migration SELECT 'zz_9999_later', applied_at FROM pitlane_migration LIMIT 1";
    let done = tests::sqlite(&file, newer);
    assert!(done.status.success(), "{}", text(&done));
    let before = std::fs::read(&file).expect("read");
    let output = pitlane.serve_refused(&["--listen", "127.0.0.1:0"]);
    assert!(text(&output).contains("newer Pitlane"), "{}", text(&output));
    assert!(text(&output).contains("zz_9999_later"), "{}", text(&output));
    assert_eq!(std::fs::read(&file).expect("read"), before, "nothing was touched");
    let done = tests::sqlite(&file, "DELETE FROM pitlane_migration WHERE name = 'zz_9999_later'");
    assert!(done.status.success(), "{}", text(&done));
    pitlane.serve_again();
    assert_eq!(std::fs::metadata(pitlane.data()).expect("a folder").permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_server_is_replaced_under_load_without_a_failed_request() {
    let mut pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    pitlane.get_until_ok("hello", "/");
    let (stop, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    let url = pitlane.url.clone();
    let failures = std::thread::scope(|scope| {
        let load: Vec<_> = (0..4)
            .map(|number| {
                let (stop, sent, url) = (&stop, &sent, &url);
                scope.spawn(move || {
                    let client = http();
                    let mut failures = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        // Kept connections and new ones.
                        let client = if number % 2 == 0 { client.clone() } else { http() };
                        let answer = client.get(url).header("host", "hello.apps.localhost").send();
                        match answer.map(Answer::of) {
                            Ok(answer) if answer.status == 200 => {}
                            Ok(answer) => failures.push(format!("{} {}", answer.status, answer.body)),
                            Err(error) => failures.push(format!("{error:?}")),
                        }
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                    failures
                })
            })
            .collect();
        for _ in 0..2 {
            pitlane.take_over();
            pitlane.until_well();
        }
        stop.store(true, Ordering::Relaxed);
        load.into_iter().flat_map(|one| one.join().expect("joined")).collect::<Vec<_>>()
    });
    assert!(sent.load(Ordering::Relaxed) > 50);
    assert_eq!(failures, Vec::<String>::new(), "of {}", sent.load(Ordering::Relaxed));
    assert!(pitlane.ok(&["apps"]).contains("1/1"));
}

#[test]
fn r10_administrators_are_made_and_passwords_set_beside_a_server_and_without_one() {
    let mut pitlane = Pitlane::start_empty(&[]);
    let create = |pitlane: &Pitlane, name: &str, password: &str| {
        let email = format!("{name}@example.com");
        pitlane.with_input(&["admin", "createsuperuser", name, "--email", &email, "--password-stdin"], password)
    };
    let login = |pitlane: &Pitlane, name: &str, password: &str| {
        pitlane.with_input(&["login", &pitlane.url, "-u", name, "--password-stdin"], password)
    };
    assert!(create(&pitlane, "ada", PASSWORD).status.success());
    assert!(login(&pitlane, "ada", PASSWORD).status.success());
    // Refused in words, with nothing changed.
    let short = create(&pitlane, "bob", "x");
    assert_eq!(short.status.code(), Some(1), "{}", text(&short));
    assert!(!login(&pitlane, "bob", "x").status.success());
    let nobody = pitlane.with_input(&["admin", "changepassword", "nobody", "--password-stdin"], PASSWORD);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody).contains("not found") || text(&nobody).contains("no person"), "{}", text(&nobody));
    let other = "another fine password";
    let changed = pitlane.with_input(&["admin", "changepassword", "ada", "--password-stdin"], other);
    assert!(changed.status.success(), "{}", text(&changed));
    assert!(!login(&pitlane, "ada", PASSWORD).status.success());
    assert!(login(&pitlane, "ada", other).status.success());
    // Without a server.
    assert!(pitlane.stop(&[]).status.success());
    assert!(create(&pitlane, "cyd", PASSWORD).status.success());
    let changed = pitlane.with_input(&["admin", "changepassword", "ada@example.com", "--password-stdin"], PASSWORD);
    assert!(changed.status.success(), "{}", text(&changed));
    pitlane.serve_again();
    assert!(login(&pitlane, "cyd", PASSWORD).status.success());
    assert!(login(&pitlane, "ada", PASSWORD).status.success());
    assert!(!login(&pitlane, "ada", other).status.success());
}

fn env_info(pitlane: &Pitlane, path: &str, accept: &str) -> Answer {
    let request = http().get(format!("{}/env_info{path}", pitlane.url)).header("accept", accept);
    Answer::of(request.send().expect("an answer"))
}

#[test]
fn t14_env_info_is_open_and_tells_each_component_as_json_and_html() {
    let pitlane = Pitlane::start_empty(&[]);
    let answer = env_info(&pitlane, "", "application/json");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let info: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert!(matches!(info["status"].as_str(), Some("ok" | "warn")), "{info}");
    let names: Vec<&str> =
        info["components"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["database", "engine", "router", "disk"]);
    let secret = pitlane.data();
    assert!(!answer.body.contains(secret.to_str().expect("text")), "no path: {}", answer.body);
    let page = env_info(&pitlane, "", "text/html");
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html")));
    for name in names {
        assert!(page.body.contains(name), "{name}");
        assert_eq!(env_info(&pitlane, &format!("/{name}"), "application/json").status, 200, "{name}");
    }
    assert_eq!(env_info(&pitlane, "/nope", "application/json").status, 404);
    // Where control is away, the answer says so with a status that a monitor understands.
    pitlane.kill("control");
    let mut away = None;
    eventually(Duration::from_secs(5), || {
        let answer = env_info(&pitlane, "", "application/json");
        let seen = answer.status != 200;
        away = away.take().or(seen.then_some(answer));
        seen
    });
    assert_eq!(away.expect("seen").status, 503);
    pitlane.until_well();
}

#[test]
fn t15_attachments_are_probed_by_writing_reading_and_deleting() {
    let pitlane = Pitlane::start_empty(&[]);
    let answer = env_info(&pitlane, "/attachments", "application/json");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let info: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(info["name"], "attachments");
    assert_eq!(info["status"], "ok", "{info}");
    assert!(env_info(&pitlane, "/attachments", "text/html").body.contains("attachments"));
    // The store cannot be written: a file stands where its folder was.
    let blobs = pitlane.data().join("blobs");
    std::fs::rename(&blobs, pitlane.data().join("moved")).expect("moved");
    std::fs::write(&blobs, "").expect("written");
    let answer = env_info(&pitlane, "/attachments", "application/json");
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.contains("\"bad\""), "{}", answer.body);
}
