//! Pushes that go wrong: told in words, with the place and what to do, and nothing that worked before is harmed.

use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::{Pitlane, eventually, text};

/// A folder with these files.
fn folder(pitlane: &Pitlane, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = pitlane.folder.path().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, content) in files {
        std::fs::write(folder.join(file), content).expect("written");
    }
    folder
}

#[test]
fn a_manifest_with_a_typo_is_refused_with_line_field_and_advice() {
    let pitlane = Pitlane::start();
    for (manifest, words) in [
        ("applications:\n- name: shop\n  memroy: 64M\n", &["memroy", "memory", "line 3"][..]),
        ("aplications:\n- name: shop\n", &["aplications", "applications"]),
        ("applications:\n- name: shop\n  instances: many\n", &["instances", "line 3"]),
        ("applications:\n- name: shop\n  memory: [\n", &["manifest.yml", "line"]),
        ("applications:\n- name: shop\n  memory: 64X\n", &["Memory", "unit", "line 3"]),
        ("applications:\n- name: shop\n  command: ((nope))\n", &["nope", "--var"]),
    ] {
        let folder = folder(&pitlane, "shop", &[("index.html", "<html>"), ("manifest.yml", manifest)]);
        let output = pitlane.run_in(&folder, &["push"]);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{manifest}: {}", text(&output));
        for word in words {
            assert!(text(&output).contains(word), "{manifest} lacks {word:?}: {}", text(&output));
        }
        assert!(!pitlane.ok(&["apps"]).contains("shop"), "{manifest}: nothing was changed");
    }
}

#[test]
fn a_route_of_another_is_not_taken() {
    let pitlane = Pitlane::start();
    let first = folder(&pitlane, "first", &[("index.html", "<html>first"), ("Staticfile", "")]);
    let second = folder(&pitlane, "second", &[("index.html", "<html>second"), ("Staticfile", "")]);
    let pushed = pitlane.run_in(&first, &["push", "first"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    assert!(pitlane.get_until_ok("first", "/").contains("first"));
    pitlane.ok(&["create-space", "other"]);
    pitlane.ok(&["target", "-s", "other"]);
    std::fs::write(
        second.join("manifest.yml"),
        "applications:\n- name: second\n  routes:\n  - route: first.apps.localhost\n",
    )
    .expect("written");
    let output = pitlane.run_in(&second, &["push"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("taken by another space"), "{}", text(&output));
    assert!(pitlane.get("first", "/").body.contains("first"));
    let output = pitlane.run(&["map", "second", "first.apps.localhost"]);
    assert!(!output.status.success(), "{}", text(&output));
}

#[test]
fn a_dependency_that_does_not_exist_fails_the_build_and_keeps_what_ran() {
    let pitlane = Pitlane::start();
    let app = pitlane.sample("static");
    assert!(pitlane.run_in(&app, &["push", "hello"]).status.success());
    let before = pitlane.get_until_ok("hello", "/");
    let broken = folder(
        &pitlane,
        "broken",
        &[
            ("requirements.txt", "pitlane-no-such-package==1.0\n"),
            ("app.py", "print()\n"),
            ("Procfile", "web: python app.py\n"),
        ],
    );
    let output = pitlane.run_in(&broken, &["push", "hello", "-b", "python_buildpack"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    for words in ["pitlane-no-such-package", "BuildpackCompileFailed", "what ran before goes on"] {
        assert!(text(&output).contains(words), "{words}: {}", text(&output));
    }
    assert_eq!(pitlane.get("hello", "/").body, before);
    assert_swept(&pitlane);
}

#[test]
fn a_build_that_hangs_is_ended_in_time() {
    let pitlane = Pitlane::start_with(&["--staging-timeout", "5"]);
    // A buildpack of the house's own, which never ends.
    let pack = pitlane.folder.path().join("pack");
    std::fs::create_dir_all(pack.join("bin")).expect("a folder");
    for (name, text) in [("detect", "echo hangs"), ("finalize", "sleep 1000"), ("release", "echo '{}'")] {
        std::fs::write(pack.join("bin").join(name), format!("#!/bin/sh\n{text}\n")).expect("written");
    }
    let zip = zipped(&pack);
    let ask = |method: &str, path: &str| {
        let request = tests::http().request(method.parse().expect("a method"), format!("{}{path}", pitlane.url));
        request.bearer_auth(pitlane.token())
    };
    let made = ask("POST", "/v3/buildpacks").json(&serde_json::json!({"name": "hangs"})).send().expect("an answer");
    let made: Value = serde_json::from_str(&made.text().expect("text")).expect("JSON");
    let guid = made["guid"].as_str().unwrap_or_else(|| panic!("{made}"));
    let form = reqwest::blocking::multipart::Form::new()
        .part("bits", reqwest::blocking::multipart::Part::bytes(zip).file_name("hangs.zip"));
    let sent = ask("POST", &format!("/v3/buildpacks/{guid}/upload")).multipart(form).send().expect("an answer");
    assert_eq!(sent.status().as_u16(), 202, "{}", sent.text().unwrap_or_default());
    eventually(Duration::from_secs(20), || {
        let found = ask("GET", &format!("/v3/buildpacks/{guid}")).send().expect("an answer").text().unwrap_or_default();
        found.contains(r#""state":"READY""#)
    });
    let begun = Instant::now();
    let output = pitlane.run_in(&pitlane.sample("static"), &["push", "stuck", "-b", "hangs"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("StagingTimeExpired"), "{}", text(&output));
    assert!(text(&output).contains("after 5 s"), "{}", text(&output));
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert_swept(&pitlane);
}

fn zipped(folder: &std::path::Path) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for entry in std::fs::read_dir(folder.join("bin")).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("bin/{}", entry.file_name().to_str().expect("text"));
        zip.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(0o755)).expect("begun");
        zip.write_all(&std::fs::read(entry.path()).expect("read")).expect("written");
    }
    zip.finish().expect("zipped").into_inner()
}

/// No staging left anything behind.
fn assert_swept(pitlane: &Pitlane) {
    for name in ["scratch", "out"] {
        let path = pitlane.data().join("cache").join(name);
        eventually(Duration::from_secs(10), || std::fs::read_dir(&path).is_ok_and(|mut left| left.next().is_none()));
    }
}

#[test]
fn two_pushes_of_one_app_at_once_both_end_and_the_app_works() {
    let pitlane = Pitlane::start();
    let one = folder(&pitlane, "one", &[("index.html", "<html>one"), ("Staticfile", "")]);
    let two = folder(&pitlane, "two", &[("index.html", "<html>two"), ("Staticfile", "")]);
    for round in 0..3 {
        let outputs = std::thread::scope(|scope| {
            let pushes = [&one, &two].map(|folder| scope.spawn(|| pitlane.run_in(folder, &["push", "both"])));
            pushes.map(|push| push.join().expect("joined"))
        });
        let worked = outputs.iter().filter(|output| output.status.success()).count();
        let told: Vec<String> = outputs.iter().map(text).collect();
        assert!(worked >= 1, "round {round}: {told:?}");
        for output in outputs.iter().filter(|output| !output.status.success()) {
            assert_eq!(output.status.code(), Some(1), "{}", text(output));
            assert!(!text(output).contains("panicked") && !text(output).contains("unknown error"), "{}", text(output));
        }
        let body = pitlane.get_until_ok("both", "/");
        assert!(body.contains("one") || body.contains("two"), "{body}");
    }
    assert!(pitlane.run_in(&two, &["push", "both"]).status.success());
    eventually(Duration::from_secs(20), || pitlane.get("both", "/").body.contains("two"));
    assert!(pitlane.ok(&["apps"]).contains("1/1"));
}
