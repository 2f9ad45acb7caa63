//! PostgreSQL, MariaDB and S3 in place of SQLite and the folder: a lap, and a database that dies.

use std::time::Duration;
use tests::servers::Servers;
use tests::{Pitlane, eventually, http, new_folder, text};

#[test]
fn a_lap_on_postgres_and_s3_and_the_database_dies() {
    lap("postgres");
}

#[test]
fn a_lap_on_mariadb_and_s3_and_the_database_dies() {
    lap("mysql");
}

fn lap(kind: &str) {
    let Some(servers) = Servers::start(&[kind, "s3"]) else { return };
    let (database, blobs) = (servers.database(kind), servers.blobs());
    let pitlane = Pitlane::start_in(new_folder(), &["--database-url", &database, "--blobs", &blobs]);
    let pushed = pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    let page = pitlane.get_until_ok("hello", "/");
    assert!(pitlane.ok(&["apps"]).contains("1/1"));
    eventually(Duration::from_secs(5), || {
        pitlane.json(&["events", "hello"]).to_string().contains("audit.app.droplet.create")
    });
    let attachments = pitlane.get("", "/env_info/attachments");
    assert_eq!(attachments.status, 200, "{}", attachments.body);
    let data = pitlane.data();
    assert!(!data.join("pitlane.db").exists(), "everything is in the external database");
    let local = std::fs::read_dir(data.join("blobs"))
        .map(|all| all.filter(|one| one.as_ref().is_ok_and(|one| one.file_name().len() == 2)).count());
    assert_eq!(local.unwrap_or(0), 0, "every blob is on the S3 server");
    let before = verified(&pitlane, &database);
    assert!(before > 0);

    // In the middle of writes. Each either is acknowledged and stays, or is refused in words.
    let token = pitlane.token();
    let mut acknowledged = Vec::new();
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            servers.halt(kind);
        });
        for number in 0.. {
            let name = format!("org-{number}");
            let answer = create_org(&pitlane, &token, &name);
            match answer.status {
                201 => acknowledged.push(name),
                503 => {
                    assert!(answer.body.to_lowercase().contains("database"), "{}", answer.body);
                    break;
                }
                status => panic!("{status}: {}", answer.body),
            }
        }
        killer.join().expect("it is killed");
    });
    assert!(!acknowledged.is_empty());
    assert_eq!(pitlane.get("hello", "/").body, page, "the app goes on");
    let info = pitlane.get("", "/env_info");
    assert_eq!(info.status, 503, "{}", info.body);
    assert!(info.body.contains("does not answer") || info.body.contains("has not answered"), "{}", info.body);
    let refused = pitlane.run(&["orgs"]);
    assert!(!refused.status.success() && text(&refused).contains("database"), "{}", text(&refused));
    assert_eq!(pitlane.get("hello", "/").body, page, "the app still goes on");

    servers.resume(kind);
    eventually(Duration::from_secs(30), || pitlane.get("", "/env_info").status == 200);
    assert_eq!(create_org(&pitlane, &token, "afterwards").status, 201, "works again without a restart");
    let orgs = pitlane.ok(&["orgs"]);
    for name in &acknowledged {
        assert!(orgs.contains(name), "{name} was acknowledged and is gone");
    }
    // What follows the ledger goes on too.
    pitlane.ok(&["scale", "hello", "-i", "2"]);
    assert!(pitlane.ok(&["apps"]).contains("2/2"));
    let enough = before + acknowledged.len() as i64;
    eventually(Duration::from_secs(10), || verified(&pitlane, &database) > enough);
}

fn create_org(pitlane: &Pitlane, token: &str, name: &str) -> tests::Answer {
    let request = http().post(format!("{}/v3/organizations", pitlane.url)).bearer_auth(token);
    tests::Answer::of(request.json(&serde_json::json!({ "name": name })).send().expect("an answer"))
}

/// How many entries the ledger has; its chain is right.
fn verified(pitlane: &Pitlane, database: &str) -> i64 {
    pitlane.json(&["ledger", "verify", "--database-url", database])["entries"].as_i64().expect("a number")
}
