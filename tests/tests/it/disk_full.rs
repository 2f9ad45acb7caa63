//! The disk that holds the data folder is full: requests are refused in words, reads and applications go on, and
//! everything works again when there is room.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::{Pitlane, eventually, http, new_folder, text};

#[test]
fn a_full_disk_is_said_and_survived() {
    let small = new_folder();
    let mounted =
        rustix::mount::mount("tmpfs", small.path(), "tmpfs", rustix::mount::MountFlags::empty(), Some(c"size=512m"));
    if let Err(error) = mounted {
        return eprintln!("skipped: mounting a small disk needs root ({error})");
    }
    // Dropped last.
    let _unmount = Unmount(small.path().to_owned());
    let folder = tempfile::tempdir_in(small.path()).expect("a folder");
    let pitlane = Pitlane::start_in(folder, &[]);
    let pushed = pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    let page = pitlane.get_until_ok("hello", "/");
    assert_eq!(pitlane.get("", "/env_info").status, 200);
    let token = pitlane.token();
    let create = |name: &str| {
        let request = http().post(format!("{}/v3/organizations", pitlane.url)).bearer_auth(&token);
        tests::Answer::of(request.json(&serde_json::json!({ "name": name })).send().expect("an answer"))
    };

    let ballast = small.path().join("ballast");
    fill(&ballast);
    let mut acknowledged = Vec::new();
    let refused = loop {
        let name = format!("org-{}", acknowledged.len());
        let answer = create(&name);
        if answer.status != 201 {
            break answer;
        }
        acknowledged.push(name);
        // The database's log had room left that was its own.
        assert!(acknowledged.len() < 20_000, "the disk never became full");
    };
    assert!([503, 507].contains(&refused.status) && refused.body.contains("full"), "{refused:?}");
    let refused = pitlane.run_in(&pitlane.sample("static"), &["push", "second"]);
    assert!(!refused.status.success() && text(&refused).contains("full"), "{}", text(&refused));
    // What health saw is a second old at most.
    eventually(Duration::from_secs(5), || {
        let info = pitlane.get("", "/env_info");
        info.status == 503 && info.body.contains("free some space")
    });
    let orgs = pitlane.ok(&["orgs"]);
    assert!(acknowledged.iter().all(|name| orgs.contains(name)), "reads go on");
    assert_eq!(pitlane.get("hello", "/").body, page, "the app goes on");
    pitlane.kill("control");
    assert_eq!(pitlane.get("hello", "/").body, page, "the app goes on");

    std::fs::remove_file(&ballast).expect("it is removed");
    eventually(Duration::from_secs(30), || pitlane.get("", "/env_info").status == 200);
    assert_eq!(create("afterwards").status, 201);
    let orgs = pitlane.ok(&["orgs"]);
    assert!(acknowledged.iter().all(|name| orgs.contains(name)), "nothing acknowledged is lost");
    pitlane.ok(&["ledger", "verify"]);
    let pushed = pitlane.run_in(&pitlane.sample("static"), &["push", "second"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    assert_eq!(pitlane.get_until_ok("second", "/"), page);
}

/// To the last byte.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).expect("a file");
    for piece in [1 << 20, 4096, 1] {
        let piece = vec![1_u8; piece];
        while file.write_all(&piece).is_ok() {}
    }
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}
