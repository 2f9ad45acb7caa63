//! PostgreSQL, MariaDB and S3 in place of SQLite and the folder: a lap, a database that dies, two servers on one database.

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

/// The applications run on the first server only; all that is in the database is the same on both, in the same order.
#[test]
fn two_servers_share_a_database() {
    let Some(servers) = Servers::start(&["postgres", "s3"]) else { return };
    let (database, blobs) = (servers.database("postgres"), servers.blobs());
    let options = ["--database-url", &database, "--blobs", &blobs];
    let one = Pitlane::start_in(new_folder(), &options);
    assert!(one.run_in(&one.sample("static"), &["push", "hello"]).status.success());
    one.get_until_ok("hello", "/");

    let folder = new_folder();
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    std::fs::copy(one.data().join("master.key"), folder.path().join("data/master.key")).expect("secrets are shared");
    let two = Pitlane::start_empty_in(folder, &options);
    two.login();
    assert!(two.greeting.iter().any(|line| line.contains("applications run on the server")), "{:?}", two.greeting);
    let info = two.get("", "/env_info");
    assert!(info.status == 200 && info.body.contains("applications run on the server"), "{}", info.body);

    for number in 0..10 {
        let (here, name) = (if number % 2 == 0 { &one } else { &two }, format!("shared-{number}"));
        here.ok(&["create-org", &name]);
        let there = if number % 2 == 0 { &two } else { &one };
        assert!(there.ok(&["orgs"]).contains(&name), "committed there is seen here at once");
    }
    let events = |pitlane: &Pitlane| {
        let path = format!("{}/v3/audit_events?order_by=created_at&per_page=200", pitlane.url);
        let answer = http().get(path).bearer_auth(pitlane.token()).send().expect("an answer");
        let body: serde_json::Value = serde_json::from_str(&answer.text().expect("text")).expect("JSON");
        let all = body["resources"].as_array().cloned().unwrap_or_default();
        all.iter().map(|event| event["guid"].as_str().expect("a guid").to_owned()).collect::<Vec<_>>()
    };
    eventually(Duration::from_secs(10), || events(&one).len() >= 10 && events(&one) == events(&two));
    let seen = events(&two);
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(different.len(), seen.len(), "each exactly once");
    verified(&two, &database);

    // Asked of one, done by the other.
    let app = two.json(&["app", "hello"])["guid"].as_str().expect("a guid").to_owned();
    let scaled = http()
        .post(format!("{}/v3/apps/{app}/processes/web/actions/scale", two.url))
        .bearer_auth(two.token())
        .json(&serde_json::json!({ "instances": 2 }))
        .send()
        .expect("an answer");
    assert_eq!(scaled.status().as_u16(), 202);
    eventually(Duration::from_secs(30), || one.ok(&["apps"]).contains("2/2"));
    let instances = std::fs::read_dir(two.data().join("engine/instances")).map_or(0, Iterator::count);
    assert_eq!(instances, 0, "none is started twice");
}

fn create_org(pitlane: &Pitlane, token: &str, name: &str) -> tests::Answer {
    let request = http().post(format!("{}/v3/organizations", pitlane.url)).bearer_auth(token);
    tests::Answer::of(request.json(&serde_json::json!({ "name": name })).send().expect("an answer"))
}

/// How many entries the ledger has; its chain is right.
fn verified(pitlane: &Pitlane, database: &str) -> i64 {
    pitlane.json(&["ledger", "verify", "--database-url", database])["entries"].as_i64().expect("a number")
}
