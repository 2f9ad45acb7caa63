//! Quotas hold wherever something could go beyond them: start, scale, task, deployment, manifest.

use super::client::Client;
use super::push::push;
use serde_json::{Value, json};

/// A quota of the first organization (or its first space) with these `apps` limits.
async fn limit(client: &Client, of: &str, apps: Value) -> String {
    let organization = client.get("/v3/organizations").await["resources"][0]["guid"].clone();
    let space = client.space().await;
    let relationships = match of {
        "space" => json!({"organization": {"data": {"guid": organization}}, "spaces": {"data": [{"guid": space}]}}),
        _ => json!({"organizations": {"data": [{"guid": organization}]}}),
    };
    let body = json!({"name": format!("{of}-{apps}"), "apps": apps, "relationships": relationships});
    let path = if of == "space" { "/v3/space_quotas" } else { "/v3/organization_quotas" };
    let made = client.call("POST", path, body, 201).await;
    format!("{path}/{}", made["guid"].as_str().unwrap())
}

#[track_caller]
fn refused<'a>(client: &'a Client, path: &'a str, body: Value, detail: &'a str) -> impl Future<Output = ()> + 'a {
    let call = client.call("POST", path, body, 422);
    async move { assert_eq!(call.await["errors"][0]["detail"], detail) }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_beyond_a_quota() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let (scale, tasks) = (format!("/v3/apps/{app}/processes/web/actions/scale"), format!("/v3/apps/{app}/tasks"));
        let deploy = json!({"relationships": {"app": {"data": {"guid": app}}}, "options": {"memory_in_mb": 2000}});
        let manifest = format!("/v3/spaces/{}/actions/apply_manifest", client.space().await);
        for (of, place) in [("organization", "organization 'main'"), ("space", "space 'dev'")] {
            let quota = limit(&client, of, json!({"total_memory_in_mb": 1500, "per_app_tasks": 1, "total_instances": 2})).await;
            let memory = format!("Memory (MB) quota exceeded for {place}: 1500 allowed");
            refused(&client, &scale, json!({"instances": 2}), &memory).await;
            refused(&client, &scale, json!({"memory_in_mb": 1501}), &memory).await;
            refused(&client, &tasks, json!({"command": "rake", "memory_in_mb": 477}), &memory).await;
            refused(&client, "/v3/deployments", deploy.clone(), &memory).await;
            refused(&client, &scale, json!({"instances": 3, "memory_in_mb": 1}), &format!("App instance quota exceeded for {place}: 2 allowed")).await;
            let task = client.call("POST", &tasks, json!({"command": "rake", "memory_in_mb": 1}), 202).await;
            refused(&client, &tasks, json!({"command": "rake", "memory_in_mb": 1}), &format!("App task quota exceeded for {place}: 1 allowed")).await;
            let task = format!("/v3/tasks/{}", task["guid"].as_str().unwrap());
            client.call("POST", &format!("{task}/actions/cancel"), Value::Null, 202).await;
            client.until(&task, |task| task["state"] == "FAILED").await;
            let yaml = "applications:\n- name: dora\n  no-route: true\n  instances: 2\n";
            let answer = client.send("POST", &manifest, "application/x-yaml", yaml).await;
            let job = answer.headers["location"].to_str().unwrap().trim_start_matches("http://api.test").to_owned();
            assert_eq!(client.get(&job).await["errors"][0]["detail"], memory.as_str());

            client.call("PATCH", &quota, json!({"apps": {"total_memory_in_mb": null, "per_process_memory_in_mb": 1024, "total_instances": null}}), 200).await;
            client.call("POST", &scale, json!({"instances": 2}), 202).await;
            refused(&client, &scale, json!({"memory_in_mb": 1025}), &format!("Instance memory (MB) quota exceeded for {place}: 1024 allowed")).await;
            // What stops frees what it had; starting asks again.
            client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 200).await;
            client.call("PATCH", &quota, json!({"apps": {"per_process_memory_in_mb": 1023}}), 200).await;
            refused(&client, &format!("/v3/apps/{app}/actions/start"), Value::Null, &format!("Instance memory (MB) quota exceeded for {place}: 1023 allowed")).await;
            client.call("PATCH", &quota, json!({"apps": {"per_process_memory_in_mb": null, "log_rate_limit_in_bytes_per_second": 1000}}), 200).await;
            refused(&client, &format!("/v3/apps/{app}/actions/restart"), Value::Null, &format!("log_rate_limit cannot be unlimited in {place}.")).await;
            client.call("POST", &scale, json!({"log_rate_limit_in_bytes_per_second": 500}), 202).await;
            client.call("POST", &format!("/v3/apps/{app}/actions/start"), Value::Null, 200).await;
            refused(&client, &scale, json!({"instances": 3}), &format!("Log rate (bytes per second) quota exceeded for {place}: 1000 allowed")).await;
            client.call("POST", &scale, json!({"instances": 1, "log_rate_limit_in_bytes_per_second": -1}), 422).await;
            client.call("PATCH", &quota, json!({"apps": {"log_rate_limit_in_bytes_per_second": null}}), 200).await;
            client.call("POST", &scale, json!({"instances": 1, "log_rate_limit_in_bytes_per_second": -1}), 202).await;
            if of == "space" {
                client.call("DELETE", &quota, Value::Null, 202).await;
            } else {
                client.call("PATCH", &quota, json!({"apps": {"per_app_tasks": null}}), 200).await;
            }
        }
    })
    .await;
}
