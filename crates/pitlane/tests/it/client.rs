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
        &["create-org", "new"],
        &["create-space", "new"],
        &["target"],
        &["logout"],
    ] {
        let said = person.runs(&[&["--json"], command].concat()).await;
        assert_eq!(said.status, 0, "{command:?}: {said:?}");
        assert!(serde_json::from_str::<Value>(&said.out).is_ok(), "{command:?}: {}", said.out);
    }
}

/// Scripts live by these names.
#[tokio::test]
async fn keys_of_json_stay_as_they_are() {
    let (cloud, person) = shop().await;
    cloud.log("APP/PROC/WEB", "OUT", "hello");
    for (command, wanted) in [
        (&["apps"][..], "guid name processes state urls"),
        (&["app", "shop"], "droplet guid lifecycle name processes state urls"),
        (&["routes"], "apps guid host path url"),
        (&["events", "shop"], "actor data time type"),
        (&["tasks", "shop"], "command created_at failure_reason guid id name state"),
        (&["tasks", "shop", "--stop", "1"], "command created_at failure_reason guid id name state"),
        (&["orgs"], "current guid name"),
        (&["spaces"], "current guid name"),
        (&["target"], "org space target user"),
        (&["map", "shop", "x"], "app route url"),
        (&["unmap", "shop", "shop"], "app deleted url"),
        (&["logs", "shop", "--recent"], "instance payload source_type stream time"),
        (&["run", "shop", "--detach", "--", "x"], "command created_at failure_reason guid id name state"),
        (&["rename", "shop", "boutique"], "guid name"),
        (&["delete", "shop", "-f"], "deleted"),
        (&["create-org", "new"], "guid name"),
        (&["logout"], "target user"),
    ] {
        let said = person.runs(&[&["--json"], command].concat()).await;
        let value: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{command:?}: {error}: {said:?}"));
        let one = value.as_array().map_or(&value, |all| &all[0]);
        let mut keys: Vec<&str> =
            one.as_object().unwrap_or_else(|| panic!("{command:?}: {said:?}")).keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys.join(" "), wanted, "{command:?}");
    }
}

#[tokio::test]
async fn what_looks_secret_is_masked_for_eyes_only() {
    let (cloud, person) = shop().await;
    cloud.bend(|inner| inner.env = json!({"API_KEY": "k3y", "DB": "postgres://a:s3cret@db/x", "COLOUR": "green"}));
    let said = person.runs(&["env", "shop"]).await;
    assert!(said.out.contains("API_KEY=********") && said.out.contains("postgres://a:********@db/x"), "{said:?}");
    assert!(said.out.contains("COLOUR=green") && said.err.contains("pitlane env shop --reveal"), "{said:?}");
    for more in ["--reveal", "--json"] {
        let said = person.runs(&["env", "shop", more]).await;
        assert!(said.out.contains("k3y") && said.out.contains("s3cret"), "{said:?}");
    }
}

#[tokio::test]
async fn names_are_quoted_where_a_shell_would_split_them() {
    let (cloud, person) = shop().await;
    cloud.with_app("it's a shop", "STARTED");
    let said = person.runs(&["set-env", "it's a shop", "A=b"]).await;
    assert!(said.err.contains(r"`pitlane restart 'it'\''s a shop'`"), "{said:?}");
}

#[tokio::test]
async fn completion_knows_every_command() {
    let person = Person::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = person.runs(&["completion", shell]).await;
        assert_eq!(said.status, 0);
        for word in ["create-space", "skip-ssl-validation", "createsuperuser"] {
            assert!(said.out.contains(word), "{shell}: {word}");
        }
        assert!(!said.out.contains("keeper"), "{shell}");
    }
    assert_eq!(person.runs(&["completion", "sh"]).await.status, 2);
}

#[tokio::test]
async fn a_locale_without_our_letters_gets_none() {
    let (_cloud, person) = shop().await;
    let scale = |locale: &'static str| {
        let mut command = person.command(&["scale", "shop", "-m", "64M"]);
        command.env("LC_ALL", locale);
        async move { super::program::said(command.output().await.unwrap()).err }
    };
    assert!(scale("C").await.starts_with("> Restarting"));
    assert!(scale("de_CH.UTF-8").await.starts_with("› Restarting"));
}

#[tokio::test]
async fn following_ends_when_nobody_reads() {
    let (cloud, person) = shop().await;
    let mut child = person.command(&["logs", "shop", "--recent", "--follow"]).spawn().unwrap();
    cloud.log("APP/PROC/WEB", "OUT", "one");
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.next_line().await.unwrap().unwrap().ends_with("one"));
    drop(lines);
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "as with `pitlane logs shop | head -1`");
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
