//! Several servers on one database: everybody sees the same, applications run on the first server only, and the others pass on
//! to it what only it knows, or say that they cannot.

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::time::Duration;
use tests::servers::Servers;
use tests::{Answer, Pitlane, eventually, http, new_folder, text};

/// Two servers, and the options they share. The first one runs the applications.
struct Pair {
    one: Pitlane,
    two: Pitlane,
    database: String,
    _servers: Servers,
}

impl Pair {
    fn start(kind: &str) -> Option<Self> {
        let servers = Servers::start(&[kind, "s3"])?;
        let (database, blobs) = (servers.database(kind), servers.blobs());
        let options = ["--database-url", &database, "--blobs", &blobs];
        let one = Pitlane::start_in(new_folder(), &options);
        let folder = new_folder();
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        std::fs::copy(one.data().join("master.key"), folder.path().join("data/master.key"))
            .expect("secrets are shared");
        let two = Pitlane::start_empty_in(folder, &options);
        two.login();
        Some(Self { one, two, database, _servers: servers })
    }
}

/// `count` entries of the ledger after `position`, as a page on `pitlane` hears of them.
fn hear(pitlane: &Pitlane, count: usize, position: i64) -> Vec<(i64, String)> {
    let stream = http()
        .get(format!("{}/api/events?after={position}", pitlane.url))
        .bearer_auth(pitlane.token())
        .send()
        .expect("an answer");
    assert_eq!(stream.status().as_u16(), 200);
    let mut heard = Vec::new();
    for line in std::io::BufReader::new(stream).lines() {
        let line = line.expect("the stream goes on");
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let entry: Value = serde_json::from_str(data).expect("JSON");
        if let Some(position) = entry["position"].as_i64().filter(|_| entry["action"].is_string()) {
            heard.push((position, entry["object"]["name"].as_str().unwrap_or_default().to_owned()));
            if heard.len() == count {
                break;
            }
        }
    }
    heard
}

fn last_position(pitlane: &Pitlane, database: &str) -> i64 {
    pitlane.json(&["ledger", "verify", "--database-url", database])["entries"].as_i64().expect("a number")
}

fn both_see_every_entry(kind: &str) {
    const EACH: usize = 50;
    let Some(pair) = Pair::start(kind) else { return };
    let before = last_position(&pair.one, &pair.database);
    let (first, second) = std::thread::scope(|scope| {
        let listening: Vec<_> =
            [&pair.one, &pair.two].map(|server| scope.spawn(move || hear(server, 2 * EACH, before))).into();
        for (server, name) in [(&pair.one, "one"), (&pair.two, "two")] {
            scope.spawn(move || {
                let token = server.token();
                for number in 0..EACH {
                    let request = http().post(format!("{}/v3/organizations", server.url)).bearer_auth(&token);
                    let body = serde_json::json!({ "name": format!("{name}-{number:02}") });
                    let answer = Answer::of(request.json(&body).send().expect("an answer"));
                    assert_eq!(answer.status, 201, "{}", answer.body);
                }
            });
        }
        let mut heard = listening.into_iter().map(|one| one.join().expect("joined"));
        (heard.next().expect("two"), heard.next().expect("two"))
    });
    assert_eq!(first, second, "both hear the same in the same order");
    let positions: Vec<i64> = first.iter().map(|(position, _)| *position).collect();
    // Sign-ins of the listeners themselves may lie in between; nothing is left out or told twice all the same.
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
    let different: BTreeSet<_> = positions.iter().collect();
    assert_eq!(different.len(), positions.len());
    eventually(Duration::from_secs(20), || last_position(&pair.two, &pair.database) >= before + 2 * EACH as i64);
    for (server, other) in [(&pair.one, "two"), (&pair.two, "one")] {
        let orgs = server.ok(&["orgs"]);
        assert!((0..EACH).all(|number| orgs.contains(&format!("{other}-{number:02}"))), "{orgs}");
    }
}

#[test]
fn both_servers_see_every_entry_in_order_and_once_on_postgres() {
    both_see_every_entry("postgres");
}

#[test]
fn both_servers_see_every_entry_in_order_and_once_on_mariadb() {
    both_see_every_entry("mysql");
}

fn ask(pitlane: &Pitlane, method: &str, path: &str) -> Answer {
    let method = method.parse().expect("a method");
    let request = http().request(method, format!("{}{path}", pitlane.url)).bearer_auth(pitlane.token());
    Answer::of(request.send().expect("an answer"))
}

fn instance(pitlane: &Pitlane, app: &str) -> Value {
    let stats = ask(pitlane, "GET", &format!("/v3/apps/{app}/processes/web/stats"));
    assert_eq!(stats.status, 200, "{}", stats.body);
    serde_json::from_str::<Value>(&stats.body).expect("JSON")["resources"][0]["instance_guid"].clone()
}

#[test]
fn the_second_server_asks_the_first_what_only_that_one_knows() {
    let Some(pair) = Pair::start("postgres") else { return };
    let Pair { mut one, two, .. } = pair;
    assert!(two.greeting.iter().any(|line| line.contains("applications run on the server")), "{:?}", two.greeting);
    let info = two.get("", "/env_info");
    assert!(info.status == 200 && info.body.contains("applications run on the server"), "{}", info.body);

    // Asked of the second, done by the first: staging, start, scaling.
    let pushed = two.run_in(&two.sample("static"), &["push", "hello"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    one.get_until_ok("hello", "/?from-outside");
    two.ok(&["scale", "hello", "-i", "2"]);
    eventually(Duration::from_secs(30), || two.ok(&["apps"]).contains("2/2"));
    let app = two.json(&["app", "hello"])["guid"].as_str().expect("a guid").to_owned();
    let before = instance(&two, &app);
    assert!(before.is_string() && before == instance(&one, &app), "the same instances");
    let log = two.ok(&["logs", "hello", "--recent"]);
    assert!(log.contains("Invoking start command.") && log.contains("from-outside"), "{log}");
    // An instance that is to be restarted is restarted once, there.
    assert_eq!(ask(&two, "DELETE", &format!("/v3/apps/{app}/processes/web/instances/0")).status, 204);
    eventually(Duration::from_secs(30), || instance(&one, &app).is_string() && instance(&one, &app) != before);
    eventually(Duration::from_secs(30), || two.ok(&["apps"]).contains("2/2"));
    let jobs = ask(&two, "GET", "/lifecycle/api/v1/job");
    assert_eq!(jobs.status, ask(&one, "GET", "/lifecycle/api/v1/job").status, "{}", jobs.body);
    let instances = std::fs::read_dir(two.data().join("engine/instances")).map_or(0, Iterator::count);
    assert_eq!(instances, 0, "none is started twice");

    // The first server goes, in order and then without warning; its applications run on. The second makes nothing up.
    for ordered in [true, false] {
        if ordered {
            assert!(one.stop(&[]).status.success());
        } else {
            ["serve", "router", "control"].into_iter().for_each(|process| one.kill(process));
        }
        for path in [
            format!("/v3/apps/{app}/processes/web/stats"),
            "/v3/processes?embed=process_instances".into(),
            format!("/api/v1/read/{app}"),
            "/lifecycle/api/v1/job".into(),
        ] {
            let answer = ask(&two, "GET", &path);
            assert!(answer.status == 503 && answer.body.contains("cannot be reached"), "{path}: {}", answer.body);
        }
        if ordered {
            let said = two.run(&["apps"]);
            assert!(!said.status.success() && text(&said).contains("cannot be reached"), "{}", text(&said));
        }
        // What is in the database goes on.
        two.ok(&["create-org", if ordered { "ordered" } else { "sudden" }]);
        assert!(two.ok(&["routes"]).contains("hello"));
        one.serve_again();
        eventually(Duration::from_secs(30), || two.ok(&["apps"]).contains("2/2"));
        assert_eq!(one.get("hello", "/").status, 200);
    }
    let crashes = one.json(&["events", "hello"]).to_string().matches("audit.app.process.crash").count();
    assert_eq!(crashes, 0, "nobody restarted what runs");
}
