//! Bad input and failing stagings.

use super::client::Client;
use super::push::{package, push, stage};
use serde_json::{Value, json};
use std::io::{Cursor, Write};

async fn app(client: &Client, name: &str) -> String {
    let body = json!({"name": name, "relationships": {"space": {"data": {"guid": client.space().await}}}});
    client.call("POST", "/v3/apps", body, 201).await["guid"].as_str().unwrap().to_owned()
}

fn error(body: &Value) -> (u64, &str) {
    (body["errors"][0]["code"].as_u64().unwrap(), body["errors"][0]["detail"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn wordings_that_clients_compare() {
    Client::on_each(|client| async move {
        let app = app(&client, "dora").await;
        let body = json!({"name": "dora", "relationships": {"space": {"data": {"guid": client.space().await}}}});
        let answer = client.call("POST", "/v3/apps", body, 422).await;
        assert_eq!(error(&answer), (10008, "App with the name 'dora' already exists."));
        let answer = client.call("POST", &format!("/v3/apps/{app}/actions/start"), Value::Null, 422).await;
        assert_eq!(error(&answer), (10008, "Assign a droplet before starting this app."));
        let answer = client.call("GET", &format!("/v3/apps/{app}/droplets/current"), Value::Null, 404).await;
        assert_eq!(error(&answer), (10010, "Droplet not found"));
        let package = json!({"type": "bits", "relationships": {"app": {"data": {"guid": app}}}});
        let package = client.call("POST", "/v3/packages", package, 201).await["guid"].clone();
        let answer = client.call("POST", "/v3/builds", json!({"package": {"guid": package}}), 400).await;
        assert_eq!(error(&answer), (1004, "Bad request: Cannot stage package whose state is not ready."));
        let answer =
            client.call("DELETE", &format!("/v3/apps/{app}/processes/web/instances/7"), Value::Null, 404).await;
        assert_eq!(error(&answer), (10010, "Instance not found"));
        for (path, detail) in
            [("apps", "App"), ("processes", "Process"), ("deployments", "Deployment"), ("droplets", "Droplet")]
        {
            let answer = client.call("GET", &format!("/v3/{path}/nobody"), Value::Null, 404).await;
            assert_eq!(error(&answer), (10010, &*format!("{detail} not found")));
        }
        let answer = client
            .call("PATCH", &format!("/v3/apps/{app}/environment_variables"), json!({"var": {"PORT": "1"}}), 422)
            .await;
        assert_eq!(error(&answer), (10008, "Environment variables: env cannot set PORT"));
        let answer = client.call("PATCH", &format!("/v3/apps/{app}"), json!({"nmae": "x"}), 422).await;
        assert_eq!(error(&answer), (10008, "Unknown field(s): 'nmae'"));
        let answer = client.call("GET", "/v3/apps?nmaes=x", Value::Null, 400).await;
        assert_eq!(error(&answer).0, 10005);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::large_futures, reason = "a test, once a database")]
async fn archives_that_are_refused() {
    Client::on_each(|client| async move {
        let app = app(&client, "dora").await;
        let body = json!({"type": "bits", "relationships": {"app": {"data": {"guid": app}}}});
        let package = client.call("POST", "/v3/packages", body, 201).await["guid"].as_str().unwrap().to_owned();
        let path = format!("/v3/packages/{package}/upload");
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("../escape", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
        let escape = zip.finish().unwrap().into_inner();
        for bytes in [escape.as_slice(), b"no zip at all"] {
            let answer = client.upload_bytes(&path, bytes).await;
            assert_eq!((answer.status.as_u16(), error(&answer.body).0), (400, 160_001), "{}", answer.body);
        }
        let answer = client.send("POST", &path, "multipart/form-data; boundary=X", "--X--\r\n").await;
        assert_eq!(error(&answer.body), (10008, "Upload must include either resources or bits"));
        // A form that breaks off.
        let torn = "--X\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"a\"\r\n\r\nhalf";
        let answer = client.send("POST", &path, "multipart/form-data; boundary=X", torn).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        // None of these spent the package.
        let answer = client.upload(&package, &[("index.html", "hello")]).await;
        assert_eq!((answer.status.as_u16(), &answer.body["state"]), (200, &json!("READY")));
        let answer = client.upload(&package, &[("index.html", "other")]).await;
        assert_eq!(answer.status, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pushes_of_one_app() {
    Client::on_each(|client| async move {
        let app = app(&client, "dora").await;
        let (one, two) = (package(&client, &app).await, package(&client, &app).await);
        *client.world.staging.lock().unwrap() = Some("hang");
        let build = client.call("POST", "/v3/builds", json!({"package": {"guid": one}}), 201).await;
        let answer = client.call("POST", "/v3/builds", json!({"package": {"guid": two}}), 422).await;
        assert_eq!(error(&answer), (170_017, "Only one build can be STAGING at a time per application."));
        // Deleting the app ends its build.
        client.until("/v3/builds", |builds| builds["resources"][0]["state"] == "STAGING").await;
        client.call("DELETE", &format!("/v3/apps/{app}"), Value::Null, 202).await;
        client.call("GET", &format!("/v3/builds/{}", build["guid"].as_str().unwrap()), Value::Null, 404).await;
        *client.world.staging.lock().unwrap() = None;
        push(&client, "dora").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_staging_says_why_and_the_next_one_may_work() {
    Client::on_each(|client| async move {
        let app = app(&client, "dora").await;
        let package = package(&client, &app).await;
        *client.world.staging.lock().unwrap() = Some("fail");
        let build = client.call("POST", "/v3/builds", json!({"package": {"guid": package}}), 201).await;
        let path = format!("/v3/builds/{}", build["guid"].as_str().unwrap());
        let build = client.until(&path, |build| build["state"] != "STAGING").await;
        assert_eq!(build["state"], "FAILED");
        let words = "NoAppDetectedError - An app was not successfully detected by any available buildpack";
        assert_eq!(build["error"], words);
        assert!(client.log(&app).contains(&format!("STG Staging failed: {words}")), "{:?}", client.log(&app));
        *client.world.staging.lock().unwrap() = None;
        stage(&client, &app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_goes_on_after_a_restart() {
    Client::on_each(|client| async move {
        let app = app(&client, "dora").await;
        let package = package(&client, &app).await;
        *client.world.staging.lock().unwrap() = Some("hang");
        let build = client.call("POST", "/v3/builds", json!({"package": {"guid": package}}), 201).await;
        let path = format!("/v3/builds/{}", build["guid"].as_str().unwrap());
        let client = client.reborn().await;
        assert_eq!(client.get(&path).await["state"], "STAGING");
        *client.world.staging.lock().unwrap() = None;
        let client = client.reborn().await;
        client.until(&path, |build| build["state"] == "STAGED").await;
    })
    .await;
}
