//! What is told in which words: clients read them.

use super::house::{House, house};
use identity::PersonState;
use serde_json::{Value, json};

const API: &str = "/lifecycle/api/v1";

async fn with_administrator() -> (House, String) {
    let house = house().await;
    let kim = house.person("kim", PersonState::Active, true).await;
    let token = house.token(&kim).await;
    (house, token)
}

fn error(text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    body["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_told_with_its_place() {
    let (house, token) = with_administrator().await;
    house.job("adder").await;
    for (method, path, name, input) in [
        ("GET", "/job/adder/1.0.0/logs?tail=abc", "tail", "abc"),
        ("GET", "/job/adder/1.0.0/logs/plain?tail=-1", "tail", "-1"),
        ("GET", "/job/adder/1.0.0/logs/stream?since=now", "since", "now"),
        ("GET", "/job/adder/1.0.0/build-logs?tail=1.5", "tail", "1.5"),
        ("GET", "/deploy?limit=x%20y", "limit", "x y"),
        ("POST", "/job/adder/1.0.0/redeploy?wait=yes", "wait", "yes"),
    ] {
        let (status, text) = house.ask(method, &format!("{API}{path}"), Some(&token)).await;
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: no JSON: {text}"));
        let detail = &body["detail"][0];
        assert_eq!((status.as_u16(), &detail["loc"]), (422, &json!(["query", name])), "{path}: {text}");
        assert_eq!(detail["input"], input, "{path}");
        assert!(detail["msg"].is_string() && detail["type"].is_string(), "{path}: {text}");
    }
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_told_as_other_gateways_do() {
    let house = house().await;
    for path in ["/pub", "/pub/", "/pub/nope", "/pub/job/", "/pub/job/adder", "/pub/async/task"] {
        let (status, text) = house.ask("GET", path, None).await;
        assert_eq!((status.as_u16(), text.as_str()), (404, "404 page not found"), "{path}");
    }
    for path in ["", "/", "/live", "/nope"] {
        let (own, other) = (format!("/lifecycle{path}"), format!("/lifecycle-supervisor{path}"));
        assert_eq!(house.ask("GET", &other, None).await, house.ask("GET", &own, None).await, "{path}");
    }
}

#[tokio::test]
async fn aliases_find_what_is_changed_and_not_what_is_removed() {
    let (house, token) = with_administrator().await;
    house.job("adder").await;
    for version in ["latest", "1.x"] {
        let at = |rest: &str| format!("{API}/job/adder/{version}{rest}");
        let (_, text) = house.send("POST", &at("/move"), Some(&token), Some(json!({}))).await;
        assert_eq!(error(&text), "infrastructure target has to be specified", "{version}");
        let edit = json!({ "manifest_yaml": "[" });
        let (_, text) = house.send("PUT", &at("/manifest"), Some(&token), Some(edit)).await;
        assert!(error(&text).starts_with("manifest validation: it is no YAML"), "{version}: {text}");
        let decision = json!({ "active": true });
        let (_, text) = house.send("PUT", &at("/public-endpoints/requests/none"), Some(&token), Some(decision)).await;
        assert_eq!(error(&text), "no request none of that job", "{version}");
        assert_eq!(house.ask("DELETE", &at(""), Some(&token)).await.0, 404, "{version}");
    }
    for what in ["redeploy", "reprovision"] {
        house.job(what).await;
        let (status, text) = house.ask("POST", &format!("{API}/job/{what}/latest/{what}?wait=0"), Some(&token)).await;
        assert!(status.is_success(), "{what}: {text}");
    }
}

#[tokio::test]
async fn a_name_that_no_job_has_is_told_the_same_everywhere() {
    let (house, token) = with_administrator().await;
    house.job("adder").await;
    for (name, version, why) in [
        ("nope", "latest", "No job named nope"),
        ("nope", "1.x", "No job named nope"),
        ("nope", "1.0.0", "No job named nope"),
        ("adder", "2.x", "Not found any stable version matching pattern: 2.x"),
        ("adder", "2.0.0", "Job record not found for given name, version: adder 2.0.0"),
    ] {
        for path in [format!("{API}/job/{name}/{version}"), format!("{API}/auth/can-call-job/{name}/{version}/live")] {
            let (status, text) = house.ask("GET", &path, Some(&token)).await;
            assert_eq!((status.as_u16(), error(&text).as_str()), (404, why), "{path}");
        }
        let path = format!("/pub/async/new/job/{name}/{version}/api/v1/perform");
        let (status, text) = house.ask("POST", &path, Some(&token)).await;
        let why = format!("Proxy request error: Job was not found: Authorizing Job caller: {why}");
        assert_eq!((status.as_u16(), error(&text)), (404, why), "{path}");
    }
    let (_, text) = house.ask("GET", &format!("{API}/plugin/nope/docs"), None).await;
    assert_eq!(error(&text), "plugin named \"nope\" was not found");
}

#[tokio::test]
async fn when_all_tokens_are_made_anew_the_callers_is_no_exception() {
    let (house, token) = with_administrator().await;
    let shop = house.consumer("shop").await;
    let shops = house.token(&shop).await;
    let path = format!("{API}/auth/token/user/all/regenerate");
    assert_eq!(house.ask("POST", &path, Some(&token)).await.0, 200);
    assert_eq!(house.ask("GET", &format!("{API}/users/validate_user_auth"), Some(&token)).await.0, 401);
    let (_, text) = house.ask("GET", &format!("{API}/users/validate_user_auth"), Some(&shops)).await;
    assert!(!error(&text).contains("token"), "consumers keep theirs: {text}");
}

#[tokio::test]
async fn a_password_that_everybody_has_is_refused() {
    let house = house().await;
    let new = json!({ "username": "lee@example.com", "password": "Password123" });
    let (status, text) = house.send("POST", &format!("{API}/users/register"), None, Some(new)).await;
    assert_eq!((status.as_u16(), error(&text).as_str()), (400, "Invalid password: This password is too common."));
}
