//! Clients that nobody here wrote.
#![expect(clippy::disallowed_methods, reason = "drives a real client")]

use std::process::Command;
use tests::{ADMIN, PASSWORD, Pitlane, repository, text};

/// `cloudfoundry-client` from PyPI, installed by `tools/install test`.
#[test]
fn cloudfoundry_client_runs_an_app_lap() {
    let pitlane = Pitlane::start();
    let zip = pitlane.folder.path().join("app.zip");
    let zipped =
        Command::new("zip").arg("-qr").arg(&zip).arg(".").current_dir(pitlane.sample("static")).output().expect("zip");
    assert!(zipped.status.success(), "{}", text(&zipped));
    let output = Command::new(repository().join("target/clients/bin/python"))
        .arg(repository().join("tests/clients/lap.py"))
        .args([&pitlane.url, ADMIN, PASSWORD])
        .arg(&zip)
        .arg("python-lap")
        .output()
        .expect("`tools/install test` has made target/clients");
    assert!(output.status.success(), "{}", text(&output));
}
