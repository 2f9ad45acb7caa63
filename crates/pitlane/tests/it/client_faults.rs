//! Servers that are away, strange, or refuse; tokens that end; commands side by side.

use super::cloud::Cloud;
use super::program::Person;
use serde_json::{Value, json};

#[tokio::test]
async fn whatever_answers_is_told_in_words() {
    let cloud = Cloud::start().await;
    cloud.with_app("shop", "STARTED");
    let person = Person::logged_in(&cloud.url).await;
    let error = |status: u16, details: &[&str]| {
        (
            status,
            json!({"errors": details.iter().map(|detail| json!({"code": 10008, "title": "CF-X", "detail": detail})).collect::<Vec<_>>()}),
        )
    };
    let mut text = String::new();
    for answer in [
        error(422, &["Name must be unique"]),
        error(422, &["one", "two"]),
        error(401, &["Invalid Auth Token"]),
        error(500, &[]),
        (
            403,
            json!({"errors": [{"code": 10003, "title": "CF-NotAuthorized", "detail": "You are not authorized to perform the requested action"}]}),
        ),
        (200, json!("no list")),
        (429, json!({})),
    ] {
        cloud.bend(|inner| inner.answers.insert("GET /v3/apps".to_owned(), answer));
        text += &format!("{}\n\n", person.runs(&["app", "shop"]).await.shown(&cloud.url));
    }
    cloud.bend(|inner| inner.answers = [("GET /".to_owned(), (200, json!({"hello": 1})))].into());
    for (arguments, input) in [
        (&["login", &cloud.url, "-u", "ada", "--password-stdin"][..], "secret"),
        (&["login", "http://127.0.0.1:1", "-u", "a", "-p", "b"], ""),
    ] {
        text += &format!("{}\n\n", person.says(arguments, input).await.shown(&cloud.url));
    }
    cloud.bend(|inner| inner.answers.clear());
    text += &person.says(&["login", &cloud.url, "-u", "ada", "--password-stdin"], "wrong\n").await.shown(&cloud.url);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn commands_side_by_side_renew_a_token_that_is_good_once() {
    let cloud = Cloud::start().await;
    cloud.bend(|inner| inner.lifetime = 1);
    let person = Person::logged_in(&cloud.url).await;
    let before = cloud.bend(|inner| {
        inner.lifetime = 600;
        inner.refresh
    });
    let all = futures_util::future::join_all((0..8).map(|_| person.runs(&["apps", "--json"]))).await;
    for said in &all {
        assert_eq!((said.status, said.out.as_str()), (0, "[]\n"), "{said:?}");
    }
    assert_eq!(cloud.bend(|inner| inner.refresh) - before, 1, "one renewed it, the others found it renewed");
}

#[tokio::test]
async fn an_ended_log_in_says_so() {
    let cloud = Cloud::start().await;
    cloud.bend(|inner| inner.lifetime = 1);
    let person = Person::logged_in(&cloud.url).await;
    cloud.bend(|inner| inner.refresh += 100);
    let said = person.runs(&["apps"]).await;
    assert_eq!(
        said.shown(&cloud.url),
        "exit 1\n--- out\n--- err\nerror: your log-in to http://server has ended\nhint: run `pitlane login http://server`"
    );
}

#[tokio::test]
async fn a_push_survives_the_servers_restart() {
    let cloud = Cloud::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "x").unwrap();
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    cloud.bend(|inner| inner.away = 5);
    assert_eq!(person.runs(&["push", "shop"]).await.status, 0);
}

#[tokio::test]
async fn the_environment_chooses_the_server_and_each_keeps_its_log_in() {
    let (one, two) = (Cloud::start().await, Cloud::start().await);
    two.with_app("there", "STARTED");
    let person = Person::logged_in(&one.url).await;
    let there = |arguments: &'static [&'static str]| {
        let mut command = person.command(arguments);
        command.env("PITLANE_TARGET", &two.url);
        async move { super::program::said(command.output().await.unwrap()) }
    };
    assert!(there(&["apps"]).await.err.contains("you are not logged in"));
    assert_eq!(there(&["login", "-u", "ada", "-p", "secret"]).await.status, 0);
    assert!(there(&["apps"]).await.out.contains("there"));
    person.runs(&["login", &one.url, "-u", "ada", "-p", "secret"]).await;
    let apps: Value = serde_json::from_str(&person.runs(&["apps", "--json"]).await.out).unwrap();
    assert_eq!(apps, json!([]));
}

#[tokio::test]
async fn a_damaged_memory_says_what_to_do() {
    let person = Person::new();
    std::fs::write(person.home.path().join("config.json"), "{").unwrap();
    let said = person.runs(&["apps"]).await;
    assert!(said.status == 1 && said.err.contains("is damaged") && said.err.contains("pitlane login URL"), "{said:?}");
}
