//! Revisions: made by starts, listed, gone back to.

use super::client::Client;
use super::push::{push, stage};
use serde_json::{Value, json};

async fn restart(client: &Client, app: &str) {
    client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
}

async fn set(client: &Client, app: &str, name: &str, value: Value) {
    client.call("PATCH", &format!("/v3/apps/{app}/environment_variables"), json!({"var": {name: value}}), 200).await;
}

/// Version and description of all, newest first.
async fn all(client: &Client, app: &str) -> Vec<(i64, String)> {
    let listed = client.get(&format!("/v3/apps/{app}/revisions?order_by=-created_at")).await;
    let resources = listed["resources"].as_array().unwrap().iter();
    resources.map(|one| (one["version"].as_i64().unwrap(), one["description"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_changes_something_is_a_revision() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        assert_eq!(all(&client, &app).await, [(1, "Initial revision.".to_owned())]);
        restart(&client, &app).await;
        assert_eq!(all(&client, &app).await.len(), 1, "the same again is no new one");
        set(&client, &app, "COLOUR", json!("papaya")).await;
        client.call("PATCH", &format!("/v3/processes/{app}"), json!({"command": "serve --fast"}), 200).await;
        assert_eq!(all(&client, &app).await.len(), 1, "it counts with the next start");
        restart(&client, &app).await;
        let words = "New environment variables deployed. Custom start command added for 'web' process.";
        assert_eq!(all(&client, &app).await[0], (2, words.to_owned()));

        // What a process runs, and what the revision keeps.
        let deployed = client.get(&format!("/v3/apps/{app}/revisions/deployed")).await;
        assert_eq!(deployed["pagination"]["total_results"], 1);
        let revision = &deployed["resources"][0];
        assert_eq!(revision["version"], 2);
        let process = client.get(&format!("/v3/processes/{app}")).await;
        assert_eq!(process["relationships"]["revision"]["data"]["guid"], revision["guid"]);
        assert_eq!(revision["processes"]["web"]["command"], "serve --fast");
        assert_eq!((&revision["deployable"], &revision["sidecars"]), (&json!(true), &json!([])));
        let path = format!("/v3/revisions/{}", revision["guid"].as_str().unwrap());
        let variables = client.get(&format!("{path}/environment_variables")).await;
        assert_eq!(variables["var"], json!({"COLOUR": "papaya"}));
        let labelled = client.call("PATCH", &path, json!({"metadata": {"labels": {"good": "yes"}}}), 200).await;
        assert_eq!(labelled["metadata"]["labels"], json!({"good": "yes"}));
        let versions = client.get(&format!("/v3/apps/{app}/revisions?versions=1,7")).await;
        assert_eq!(versions["pagination"]["total_results"], 1);
        client.call("GET", &format!("/v3/apps/{app}/revisions?versions=one"), Value::Null, 400).await;

        // Switched off: none is made, none is shown as running.
        let feature = format!("/v3/apps/{app}/features/revisions");
        client.call("PATCH", &feature, json!({"enabled": false}), 200).await;
        set(&client, &app, "COLOUR", Value::Null).await;
        restart(&client, &app).await;
        assert_eq!(all(&client, &app).await.len(), 2);
        let deployed = client.get(&format!("/v3/apps/{app}/revisions/deployed")).await;
        assert_eq!(deployed["resources"], json!([]));
        client.call("DELETE", &format!("/v3/apps/{app}"), Value::Null, 202).await;
        client.call("GET", &path, Value::Null, 404).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let first = client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"].clone();
        set(&client, &app, "COLOUR", json!("papaya")).await;
        let sidecar = json!({"name": "s", "command": "beside", "process_types": ["web"]});
        client.call("POST", &format!("/v3/apps/{app}/sidecars"), sidecar, 201).await;
        client.call("PATCH", &format!("/v3/processes/{app}"), json!({"command": "serve --fast"}), 200).await;
        let droplet = stage(&client, &app).await;
        let of = |revision: &Value| json!({"revision": {"guid": revision["guid"]}, "strategy": "rolling", "relationships": {"app": {"data": {"guid": app}}}});
        let body = json!({"droplet": {"guid": droplet}, "relationships": {"app": {"data": {"guid": app}}}});
        let deployment = client.call("POST", "/v3/deployments", body, 201).await;
        assert_eq!(deployment["revision"]["version"], 2);
        let path = format!("/v3/deployments/{}", deployment["guid"].as_str().unwrap());
        client.until(&path, |one| one["status"]["reason"] == "DEPLOYED").await;
        let listed = client.get(&format!("/v3/apps/{app}/revisions")).await;
        let revisions = listed["resources"].as_array().unwrap();
        assert_eq!(
            revisions[1]["description"],
            "New droplet deployed. New environment variables deployed. Custom start command added for 'web' process. Sidecars updated."
        );

        let refused = client.call("POST", "/v3/deployments", of(&revisions[1]), 422).await;
        let detail = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("Unable to rollback."), "{detail}");
        let mut both = of(&revisions[0]);
        both["droplet"] = json!({"guid": droplet});
        client.call("POST", "/v3/deployments", both, 422).await;
        client.call("POST", "/v3/deployments", of(&json!({"guid": "none"})), 422).await;

        let back = client.call("POST", "/v3/deployments", of(&revisions[0]), 201).await;
        assert_eq!((&back["revision"]["version"], &back["droplet"]["guid"]), (&json!(3), &first));
        let path = format!("/v3/deployments/{}", back["guid"].as_str().unwrap());
        client.until(&path, |one| one["status"]["reason"] == "DEPLOYED").await;
        assert_eq!(all(&client, &app).await[0], (3, "Rolled back to revision 1.".to_owned()));
        assert_eq!(client.get(&format!("/v3/apps/{app}/environment_variables")).await["var"], json!({}));
        assert_eq!(client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"], first);
        assert_eq!(client.get(&format!("/v3/apps/{app}/sidecars")).await["resources"], json!([]));
        let web = client.get(&format!("/v3/apps/{app}/processes/web")).await;
        assert_eq!((&web["guid"], &web["command"]), (&back["new_processes"][0]["guid"], &json!("serve")));
        let deployed = client.get(&format!("/v3/apps/{app}/revisions/deployed")).await;
        assert_eq!(deployed["resources"][0]["version"], 3);

        // A droplet that is gone cannot be gone back to.
        client.call("DELETE", &format!("/v3/droplets/{droplet}"), Value::Null, 202).await;
        let second = client.get(&format!("/v3/revisions/{}", revisions[1]["guid"].as_str().unwrap())).await;
        assert_eq!(second["deployable"], false);
        let refused = client.call("POST", "/v3/deployments", of(&revisions[1]), 422).await;
        let detail = "Unable to deploy this revision, the droplet for this revision no longer exists.";
        assert_eq!(refused["errors"][0]["detail"], detail);
    })
    .await;
}
