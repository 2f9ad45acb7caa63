//! Canary deployments: they wait at each step until they are continued or cancelled.

use super::client::Client;
use super::push::{push, stage};
use serde_json::{Value, json};

/// An app with `instances` web instances that run, and a second droplet for it.
async fn prepared(client: &Client, instances: u32) -> (String, String) {
    let app = push(client, "dora").await;
    let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
    client.call("POST", &scale, json!({"instances": instances}), 202).await;
    let last = instances as usize - 1;
    client.until(&format!("/v3/processes/{app}/stats"), |stats| stats["resources"][last]["state"] == "RUNNING").await;
    let droplet = stage(client, &app).await;
    (app, droplet)
}

async fn begin(client: &Client, app: &str, droplet: &str, options: Value) -> (String, String) {
    let body = json!({"droplet": {"guid": droplet}, "strategy": "canary", "options": options,
        "relationships": {"app": {"data": {"guid": app}}}});
    let deployment = client.call("POST", "/v3/deployments", body, 201).await;
    assert_eq!((&deployment["strategy"], &deployment["status"]["value"]), (&json!("canary"), &json!("ACTIVE")));
    let new = deployment["new_processes"][0]["guid"].as_str().unwrap().to_owned();
    (format!("/v3/deployments/{}", deployment["guid"].as_str().unwrap()), new)
}

async fn paused(client: &Client, path: &str, step: u32, of: u32) -> Value {
    let wanted = json!({"steps": {"current": step, "total": of}});
    client.until(path, move |one| one["status"]["reason"] == "PAUSED" && one["status"]["canary"] == wanted).await
}

async fn sizes(client: &Client, processes: [&str; 2]) -> [Value; 2] {
    let mut sizes = [Value::Null, Value::Null];
    for (size, guid) in sizes.iter_mut().zip(processes) {
        *size = client.get(&format!("/v3/processes/{guid}")).await["instances"].clone();
    }
    sizes
}

#[tokio::test(flavor = "multi_thread")]
async fn one_new_instance_beside_all_old_ones_until_it_is_continued() {
    Client::on_each(|client| async move {
        let (app, droplet) = prepared(&client, 3).await;
        let (path, new) = begin(&client, &app, &droplet, Value::Null).await;
        let waiting = paused(&client, &path, 1, 1).await;
        assert_eq!(waiting["options"], json!({"max_in_flight": 1}));
        assert_eq!(sizes(&client, [&app, &new]).await, [json!(3), json!(1)]);
        // It waits through a restart of the platform.
        let client = client.reborn().await;
        paused(&client, &path, 1, 1).await;
        client.call("POST", &format!("{path}/actions/continue"), Value::Null, 200).await;
        let end = client.until(&path, |one| one["status"]["value"] == "FINALIZED").await;
        assert_eq!(end["status"]["reason"], "DEPLOYED", "{end:#}");
        let processes = client.get(&format!("/v3/apps/{app}/processes?types=web")).await;
        assert_eq!(processes["pagination"]["total_results"], 1);
        assert_eq!(
            (&processes["resources"][0]["guid"], &processes["resources"][0]["instances"]),
            (&json!(new), &json!(3))
        );
        let types =
            client.get(&format!("/v3/audit_events?target_guids={app}&types=audit.app.deployment.continue")).await;
        assert_eq!(types["pagination"]["total_results"], 1);
        let detail = client.call("POST", &format!("{path}/actions/continue"), Value::Null, 422).await;
        assert_eq!(
            detail["errors"][0]["detail"],
            "Cannot continue a deployment with status: FINALIZED and reason: DEPLOYED"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn step_by_step_by_weights() {
    Client::on_each(|client| async move {
        let (app, droplet) = prepared(&client, 4).await;
        let options = json!({"max_in_flight": 2, "web_instances": null, "memory_in_mb": null, "disk_in_mb": null,
            "log_rate_limit_in_bytes_per_second": null,
            "canary": {"steps": [{"instance_weight": 25}, {"instance_weight": 75}]}});
        let (path, new) = begin(&client, &app, &droplet, options.clone()).await;
        let waiting = paused(&client, &path, 1, 2).await;
        assert_eq!(waiting["options"]["canary"], options["canary"]);
        assert_eq!(sizes(&client, [&app, &new]).await, [json!(4), json!(1)]);
        client.call("POST", &format!("{path}/actions/continue"), Value::Null, 200).await;
        paused(&client, &path, 2, 2).await;
        assert_eq!(sizes(&client, [&app, &new]).await, [json!(2), json!(3)]);
        // Scaling and stopping wait for it, as during any deployment.
        client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 422).await;
        client.call("POST", &format!("{path}/actions/continue"), Value::Null, 200).await;
        client.until(&path, |one| one["status"]["reason"] == "DEPLOYED").await;
        assert_eq!(client.get(&format!("/v3/processes/{new}")).await["instances"], 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_one_is_cancelled() {
    Client::on_each(|client| async move {
        let (app, droplet) = prepared(&client, 2).await;
        let before = client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"].clone();
        let options = json!({"canary": {"steps": [{"instance_weight": 100}]}});
        let (path, new) = begin(&client, &app, &droplet, options).await;
        paused(&client, &path, 1, 1).await;
        assert_eq!(sizes(&client, [&app, &new]).await, [json!(0), json!(2)]);
        client.call("POST", &format!("{path}/actions/cancel"), Value::Null, 200).await;
        let end = client.until(&path, |one| one["status"]["value"] == "FINALIZED").await;
        assert_eq!(end["status"]["reason"], "CANCELED");
        assert_eq!(client.get(&format!("/v3/processes/{app}")).await["instances"], 2);
        client.call("GET", &format!("/v3/processes/{new}"), Value::Null, 404).await;
        assert_eq!(client.get(&format!("/v3/apps/{app}/droplets/current")).await["guid"], before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_be() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let steps = |weights: &[i64]| {
            let steps: Vec<Value> = weights.iter().map(|weight| json!({"instance_weight": weight})).collect();
            json!({"canary": {"steps": steps}})
        };
        let between = "Options canary steps instance_weight must be an integer between 1-100 (inclusive)";
        for (strategy, options, detail) in [
            ("rolling", steps(&[20]), "Canary options are only valid for Canary deployments"),
            ("canary", steps(&[]), "Options canary steps must be a list with at least one step"),
            ("canary", steps(&[0]), between),
            ("canary", steps(&[101]), between),
            ("canary", steps(&[50, 20]), "Options canary steps instance_weight must be sorted in ascending order"),
            ("canary", json!({"max_in_flight": 0}), "Max in flight must be greater than 0"),
            ("rolling", json!({"web_instances": 0}), "Web instances must be greater than 0"),
            ("blue-green", json!({}), "Strategy 'blue-green' is not a supported deployment strategy"),
        ] {
            let body =
                json!({"strategy": strategy, "options": options, "relationships": {"app": {"data": {"guid": app}}}});
            let refused = client.call("POST", "/v3/deployments", body, 422).await;
            assert_eq!(refused["errors"][0]["detail"], detail);
        }
        let found = client.get("/v3/deployments").await;
        assert_eq!(found["resources"], json!([]), "nothing of them was begun");
    })
    .await;
}
