//! Rolling deployments.

use super::client::Client;
use super::push::{push, stage};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Watches the front door's table: fewer backends than `least` at any time is a failure.
fn watch(client: &Client, least: usize) -> (Arc<AtomicBool>, tokio::task::JoinHandle<usize>) {
    let (over, publisher) = (Arc::new(AtomicBool::new(false)), client.world.publisher.clone());
    let stop = over.clone();
    let watching = tokio::spawn(async move {
        let mut fewest = usize::MAX;
        while !stop.load(Ordering::Relaxed) {
            let now = publisher.table().routes.first().map_or(0, |route| route.backends.len());
            fewest = fewest.min(now);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(fewest >= least, "there were only {fewest} backends for a while");
        fewest
    });
    (over, watching)
}

async fn two_instances(client: &Client) -> String {
    let app = push(client, "dora").await;
    let space = client.space().await;
    let manifest = "applications:\n- name: dora\n  default-route: true\n  instances: 2\n";
    client.send("POST", &format!("/v3/spaces/{space}/actions/apply_manifest"), "application/x-yaml", manifest).await;
    client.until(&format!("/v3/processes/{app}/stats"), |stats| stats["resources"][1]["state"] == "RUNNING").await;
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    while client.world.publisher.table().routes.first().is_none_or(|route| route.backends.len() != 2) {
        assert!(tokio::time::Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn no_gap() {
    Client::on_each(|client| async move {
    let app = two_instances(&client).await;
    let droplet = stage(&client, &app).await;
    let (over, watching) = watch(&client, 2);
    let body = json!({
        "droplet": {"guid": droplet}, "strategy": "rolling", "relationships": {"app": {"data": {"guid": app}}},
        "options": {"web_instances": null, "memory_in_mb": 256, "disk_in_mb": null, "log_rate_limit_in_bytes_per_second": null},
    });
    let deployment = client.call("POST", "/v3/deployments", body, 201).await;
    assert_eq!(deployment["status"]["value"], "ACTIVE");
    let path = format!("/v3/deployments/{}", deployment["guid"].as_str().unwrap());
    let deployment = client.until(&path, |deployment| deployment["status"]["value"] == "FINALIZED").await;
    assert_eq!(deployment["status"]["reason"], "DEPLOYED", "{deployment:#}");
    over.store(true, Ordering::Relaxed);
    watching.await.unwrap();
    let processes = client.get(&format!("/v3/apps/{app}/processes?types=web")).await;
    assert_eq!(processes["pagination"]["total_results"], 1);
    let process = &processes["resources"][0];
    assert_eq!(process["guid"], deployment["new_processes"][0]["guid"]);
    assert_eq!((&process["instances"], &process["memory_in_mb"]), (&json!(2), &json!(256)));
    assert_eq!(client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"], droplet.as_str());
    }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_one_is_cancelled_and_the_old_goes_on() {
    Client::on_each(|client| async move {
        let app = two_instances(&client).await;
        let before = client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"].clone();
        let droplet = stage(&client, &app).await;
        client.world.ill.lock().unwrap().insert("port", "nobody listens".into());
        let (over, watching) = watch(&client, 2);
        let body = json!({"droplet": {"guid": droplet}, "relationships": {"app": {"data": {"guid": app}}}});
        let deployment = client.call("POST", "/v3/deployments", body.clone(), 201).await;
        let new = deployment["new_processes"][0]["guid"].as_str().unwrap().to_owned();
        let path = format!("/v3/deployments/{}", deployment["guid"].as_str().unwrap());
        client.until(&format!("/v3/processes/{new}/stats"), |stats| stats["resources"][0]["state"] == "STARTING").await;
        client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 422).await;
        client.call("POST", &format!("/v3/apps/{app}/processes/web/actions/scale"), json!({"instances": 5}), 422).await;
        client.call("POST", &format!("{path}/actions/cancel"), Value::Null, 200).await;
        let end = client.until(&path, |deployment| deployment["status"]["value"] == "FINALIZED").await;
        assert_eq!(end["status"]["reason"], "CANCELED");
        over.store(true, Ordering::Relaxed);
        watching.await.unwrap();
        assert_eq!(client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"], before);
        assert_eq!(
            client.get(&format!("/v3/apps/{app}/processes?types=web")).await["resources"][0]["guid"],
            app.as_str()
        );
        client.call("GET", &format!("/v3/processes/{new}"), Value::Null, 404).await;
    })
    .await;
}
