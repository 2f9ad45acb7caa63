//! What `cf push` does, call by call.

use super::client::Client;
use serde_json::{Value, json};

/// Creates, uploads, stages, starts; answers the app's guid.
pub async fn push(client: &Client, name: &str) -> String {
    let space = client.space().await;
    let app = client
        .call("POST", "/v3/apps", json!({"name": name, "relationships": {"space": {"data": {"guid": space}}}}), 201)
        .await;
    let app = app["guid"].as_str().unwrap().to_owned();
    let droplet = stage(client, &app).await;
    client
        .call(
            "PATCH",
            &format!("/v3/apps/{app}/relationships/current_droplet"),
            json!({"data": {"guid": droplet}}),
            200,
        )
        .await;
    client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
    client.until(&format!("/v3/processes/{app}/stats"), |stats| stats["resources"][0]["state"] == "RUNNING").await;
    app
}

/// Uploads and stages; answers the droplet's guid.
pub async fn stage(client: &Client, app: &str) -> String {
    let package = package(client, app).await;
    let build = client.call("POST", "/v3/builds", json!({"package": {"guid": package}}), 201).await;
    let path = format!("/v3/builds/{}", build["guid"].as_str().unwrap());
    let build = client.until(&path, |build| build["state"] != "STAGING").await;
    assert_eq!(build["state"], "STAGED", "{build:#}");
    build["droplet"]["guid"].as_str().unwrap().to_owned()
}

pub async fn package(client: &Client, app: &str) -> String {
    let made = client
        .call("POST", "/v3/packages", json!({"type": "bits", "relationships": {"app": {"data": {"guid": app}}}}), 201)
        .await;
    let guid = made["guid"].as_str().unwrap().to_owned();
    let answer = client.upload(&guid, &[("index.html", "hello")]).await;
    assert_eq!((answer.status.as_u16(), &answer.body["state"]), (200, &json!("READY")), "{}", answer.body);
    guid
}

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_running() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let stats = client.get(&format!("/v3/apps/{app}/processes/web/stats")).await;
        assert_eq!(stats["resources"].as_array().unwrap().len(), 1);
        let spec = &client.world.running(&app)[0];
        let env = |name: &str| spec.env.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
        assert_eq!(env("PORT"), Some("8080"));
        assert_eq!(env("CF_INSTANCE_INDEX"), Some("0"));
        assert!(env("VCAP_APPLICATION").unwrap().contains("\"application_name\":\"dora\""));
    })
    .await;
}
