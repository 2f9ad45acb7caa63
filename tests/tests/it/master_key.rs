//! The master key is changed: beside a running server, twice at once, with a crash in the middle, and with several servers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::servers::Servers;
use tests::{Pitlane, eventually, new_folder, text};

/// The key file's ids, the current one first. No other key file lies beside it.
fn keys(pitlane: &Pitlane) -> Vec<String> {
    let names = std::fs::read_dir(pitlane.data()).expect("a folder").filter_map(Result::ok);
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let files: Vec<String> = names.filter(|name| name.contains("master.key")).collect();
    assert_eq!(files, ["master.key"]);
    ids(pitlane)
}

/// The same while a key file may just be being written.
fn ids(pitlane: &Pitlane) -> Vec<String> {
    let text = std::fs::read_to_string(pitlane.data().join("master.key")).expect("a key file");
    text.lines().skip(1).map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_rotation_beside_a_running_server_loses_nothing() {
    let mut pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    let old = keys(&pitlane);
    // What a crash in the middle of an earlier rotation would have left.
    std::fs::write(pitlane.data().join(".master.key.left"), "pitlane master key 1\n").expect("written");

    // Two at once: one does it, the other is told; secrets are written all the time.
    let done = AtomicBool::new(false);
    let last = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                pitlane.ok(&["set-env", "hello", "NUMBER", &number.to_string()]);
            }
            number
        });
        let rotate = || pitlane.run(&["admin", "rotate-key"]);
        let rotations: Vec<_> = (0..2).map(|_| scope.spawn(rotate)).collect();
        let said: Vec<_> = rotations.into_iter().map(|one| one.join().expect("joined")).collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(said.iter().filter(|one| one.status.success()).count(), 1, "{said:?}");
        let refused = said.iter().find(|one| !one.status.success()).expect("the other");
        assert!(text(refused).contains("being rotated already"), "{}", text(refused));
        writer.join().expect("joined")
    });
    let new = keys(&pitlane);
    assert!(new.len() == 1 && new != old, "{old:?} {new:?}");
    let environment = pitlane.ok(&["env", "hello"]);
    assert!(environment.contains(&last.to_string()), "{last}: {environment}");
    pitlane.ok(&["restart", "hello"]);

    // The server dies in the middle: both keys are kept, everything is readable, and the next rotation leaves one again.
    std::thread::scope(|scope| {
        let cut = scope.spawn(|| pitlane.run(&["admin", "rotate-key"]));
        eventually(Duration::from_secs(10), || ids(&pitlane).len() == 2);
        pitlane.kill("control");
        assert!(!cut.join().expect("joined").status.success());
    });
    pitlane.until_well();
    assert!(pitlane.ok(&["env", "hello"]).contains(&last.to_string()));
    pitlane.ok(&["admin", "rotate-key"]);
    let newest = keys(&pitlane);
    assert!(newest.len() == 1 && newest != new, "{newest:?}");

    // Without a server too, and what is started then uses the new one.
    assert!(pitlane.stop(&[]).status.success());
    pitlane.ok(&["admin", "rotate-key"]);
    assert!(keys(&pitlane).len() == 1 && keys(&pitlane) != newest);
    pitlane.serve_again();
    assert!(pitlane.ok(&["env", "hello"]).contains(&last.to_string()));
}

#[test]
fn a_rotation_is_refused_while_another_server_has_the_old_key() {
    let Some(servers) = Servers::start(&["postgres", "s3"]) else { return };
    let (database, blobs) = (servers.database("postgres"), servers.blobs());
    let options = ["--database-url", &database, "--blobs", &blobs];
    let mut one = Pitlane::start_in(new_folder(), &options);
    let folder = new_folder();
    let key = one.data().join("master.key");
    let share = |to: &std::path::Path| std::fs::copy(&key, to.join("data/master.key"));
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    share(folder.path()).expect("copied");
    let mut two = Pitlane::start_empty_in(folder, &options);
    two.login();
    let old = keys(&one);
    for (server, other) in [(&one, &two), (&two, &one)] {
        let refused = server.run(&["admin", "rotate-key"]);
        let words = text(&refused);
        assert!(!refused.status.success() && words.contains("another server uses this database"), "{words}");
        assert!(words.contains(other.data().to_str().expect("text")), "it is named: {words}");
        assert_eq!(keys(server), old, "nothing was done");
    }

    // One that has ended is none; with its old key it does not start any more, and says why.
    assert!(two.stop(&[]).status.success());
    one.ok(&["admin", "rotate-key"]);
    assert!(keys(&one).len() == 1 && keys(&one) != old);
    let refused = two.serve_refused(&[&["--listen", "127.0.0.1:0"], &options[..]].concat());
    assert!(text(&refused).contains("restore the master.key that belongs to this database"), "{}", text(&refused));
    share(two.folder.path()).expect("copied");
    two.serve_again();
    two.ok(&["orgs"]);

    // Without a server, the database must be named: another one's key would be forgotten.
    assert!(two.stop(&[]).status.success() && one.stop(&[]).status.success());
    let before = keys(&one);
    let refused = one.run(&["admin", "rotate-key"]);
    assert!(text(&refused).contains("name it with --database-url"), "{}", text(&refused));
    assert_eq!(keys(&one), before, "nothing was done");
    one.serve_again();
    share(two.folder.path()).expect("copied");
    two.serve_again();

    // One that was killed is none either, as soon as it has been silent for a while.
    ["serve", "router", "control"].into_iter().for_each(|process| two.kill(process));
    let before = keys(&one);
    one.ok(&["admin", "rotate-key"]);
    assert_ne!(keys(&one), before);
    one.ok(&["orgs"]);
}
