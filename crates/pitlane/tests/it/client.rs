//! Looking after apps: what is printed, and what is asked of the server.

use super::cloud::{Cloud, running};
use super::program::Person;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

async fn shop() -> (Cloud, Person) {
    let cloud = Cloud::start().await;
    cloud.with_app("shop", "STARTED");
    let person = Person::logged_in(&cloud.url).await;
    cloud.bend(|inner| inner.requests.clear());
    (cloud, person)
}

#[tokio::test]
async fn logging_in_and_out() {
    let cloud = Cloud::start().await;
    let person = Person::new();
    let said = person.says(&["login", &cloud.url, "-u", "ada", "--password-stdin"], "secret\n").await;
    insta::assert_snapshot!("login", said.shown(&cloud.url));
    let mode = std::fs::metadata(person.home.path().join("config.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let target: Value = serde_json::from_str(&person.runs(&["target", "--json"]).await.out).unwrap();
    assert_eq!(target, json!({"target": cloud.url, "user": "ada", "org": "acme", "space": "dev"}));
    assert_eq!(person.runs(&["logout"]).await.status, 0);
    let said = person.runs(&["apps"]).await;
    assert_eq!(
        said.shown(&cloud.url),
        "exit 1\n--- out\n--- err\nerror: you are not logged in to http://server\nhint: run `pitlane login http://server`"
    );
}

#[tokio::test]
async fn what_is_shown() {
    let (cloud, person) = shop().await;
    cloud.bend(|inner| inner.stats = vec![json!([running(0), {"type": "web", "index": 1, "state": "CRASHED", "uptime": 3, "details": "out of memory (limit 256 MB)"}])]);
    cloud.log("APP/PROC/WEB", "OUT", "hello");
    cloud.log("RTR", "ERR", "oh");
    let commands: [&[&str]; 13] = [
        &["apps"],
        &["app", "shop"],
        &["routes"],
        &["events", "shop"],
        &["tasks", "shop"],
        &["env", "shop"],
        &["orgs"],
        &["logs", "shop", "--recent"],
        &["scale", "shop", "-i", "2"],
        &["map", "shop", "Shop2.apps.localhost:80/api/"],
        &["unmap", "shop", "shop"],
        &["delete", "shop", "-f", "-r"],
        &["app", "nothing"],
    ];
    let mut text = String::new();
    for command in commands {
        text += &format!("$ pitlane {}\n{}\n\n", command.join(" "), person.runs(command).await.shown(&cloud.url));
    }
    text += &cloud.asked();
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn json_is_all_of_standard_output() {
    let (_cloud, person) = shop().await;
    for command in [
        &["apps"][..],
        &["app", "shop"],
        &["routes"],
        &["events", "shop"],
        &["tasks", "shop"],
        &["env", "shop"],
        &["orgs"],
        &["spaces"],
        &["scale", "shop", "-i", "2"],
        &["stop", "shop"],
        &["start", "shop"],
        &["restart", "shop"],
        &["set-env", "shop", "A=b"],
        &["unset-env", "shop", "A"],
        &["map", "shop", "x"],
        &["unmap", "shop", "shop"],
        &["rename", "shop", "boutique"],
        &["delete", "shop", "-f"],
    ] {
        let said = person.runs(&[command, &["--json"]].concat()).await;
        assert_eq!(said.status, 0, "{command:?}: {said:?}");
        assert!(serde_json::from_str::<Value>(&said.out).is_ok(), "{command:?}: {}", said.out);
    }
}

#[tokio::test]
async fn variables_are_set_and_removed() {
    let (cloud, person) = shop().await;
    for (arguments, sent) in [
        (&["set-env", "shop", "A=b=c", "D="][..], json!({"A": "b=c", "D": ""})),
        (&["set-env", "shop", "A", "-1"], json!({"A": "-1"})),
        (&["unset-env", "shop", "A", "D"], json!({"A": null, "D": null})),
    ] {
        let said = person.runs(arguments).await;
        assert_eq!((said.status, cloud.bend(|inner| inner.env.clone())), (0, sent));
        assert!(said.err.contains("pitlane restart shop"));
    }
    assert_eq!(person.runs(&["set-env", "shop", "novalue"]).await.status, 2);
}

#[tokio::test]
async fn a_task_shows_its_own_output_and_exits_with_its_status() {
    let (cloud, person) = shop().await;
    let said = person.runs(&["run", "shop", "--name", "m", "--", "python", "manage.py", "a b"]).await;
    assert_eq!((said.status, said.out.as_str(), said.err.as_str()), (0, "ran python manage.py 'a b'\n", ""));
    cloud.bend(|inner| inner.task_end = Some("APP/TASK/m: Exited with status 3"));
    let said = person.runs(&["run", "shop", "--", "false"]).await;
    assert_eq!((said.status, said.out.as_str()), (3, "ran false\n"));
    assert_eq!(said.err, "error: task 1 of `shop` failed: APP/TASK/m: Exited with status 3\n");
}

#[tokio::test]
async fn logs_are_followed_until_the_reader_has_enough() {
    let (cloud, person) = shop().await;
    cloud.log("APP/PROC/WEB", "OUT", "before");
    let mut child = person.command(&["logs", "shop", "--recent", "--follow"]).spawn().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.next_line().await.unwrap().unwrap().ends_with("[APP/PROC/WEB/0] OUT before"));
    for text in ["one", "two", "two"] {
        cloud.log("APP/PROC/WEB", "OUT", text);
        assert!(lines.next_line().await.unwrap().unwrap().ends_with(text));
    }
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}
