//! Pushes with a manifest, and manifests that cannot be applied.

use super::client::Client;
use super::push::{push, stage};
use serde_json::{Value, json};

const YAML: &str = "application/x-yaml";

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_sequence_of_a_push() {
    Client::on_each(|client| async move {
    let space = client.space().await;
    let manifest = "applications:\n- name: dora\n  default-route: true\n  memory: 64M\n  disk-quota: 128M\n  instances: 2\n  env:\n    A: 1\n  health-check-type: http\n  health-check-http-endpoint: /up\n  metadata:\n    labels: {team: blue}\n";
    let diff = client.send("POST", &format!("/v3/spaces/{space}/manifest_diff"), YAML, manifest).await;
    assert_eq!(diff.status, 201, "{}", diff.body);
    assert_eq!(diff.body["diff"][0], json!({"op": "add", "path": "/applications/0/name", "value": "dora"}));
    apply(&client, &space, manifest, "COMPLETE").await;
    let found = client.get(&format!("/v3/apps?names=dora&space_guids={space}")).await;
    let app = found["resources"][0]["guid"].as_str().unwrap().to_owned();
    assert_eq!(found["resources"][0]["metadata"]["labels"], json!({"team": "blue"}));
    let droplet = stage(&client, &app).await;
    client.get(&format!("/v3/droplets/{droplet}")).await;
    let path = format!("/v3/apps/{app}/relationships/current_droplet");
    client.call("PATCH", &path, json!({"data": {"guid": droplet}}), 200).await;
    client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
    // From the first moment all desired instances are listed: an empty list would be read as success.
    let stats = client.get(&format!("/v3/processes/{app}/stats")).await;
    assert_eq!(stats["resources"].as_array().unwrap().len(), 2, "{stats:#}");
    client.until(&format!("/v3/processes/{app}/stats"), |stats| stats["resources"][1]["state"] == "RUNNING").await;
    let route =
        client.until(&format!("/v3/apps/{app}/routes"), |routes| routes["pagination"]["total_results"] == 1).await;
    assert_eq!(route["resources"][0]["url"], "dora.apps.test");
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    while client.world.publisher.table().routes.first().is_none_or(|route| route.backends.len() != 2) {
        assert!(tokio::time::Instant::now() < end, "{:?}", client.world.publisher.table());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // The summary.
    for path in [
        "/v3/apps/A/processes",
        "/v3/processes/A",
        "/v3/processes/A/sidecars",
        "/v3/apps/A/routes",
        "/v3/apps/A/droplets/current",
        "/v3/deployments?app_guids=A&order_by=-created_at&page=1&per_page=1&status_values=ACTIVE",
        "/v3/processes?embed=process_instances&app_guids=A",
        "/v3/packages?app_guids=A&order_by=-created_at&page=1&per_page=1",
        "/v3/audit_events?order_by=-created_at&page=1&target_guids=A",
    ] {
        client.get(&path.replace('A', &app)).await;
    }
    let process = client.get(&format!("/v3/processes/{app}")).await;
    assert_eq!((&process["command"], &process["memory_in_mb"]), (&json!("serve"), &json!(64)));
    assert_eq!(process["health_check"]["data"]["endpoint"], "/up");
    // Applied again it changes nothing, and says so beforehand.
    let diff = client.send("POST", &format!("/v3/spaces/{space}/manifest_diff"), YAML, manifest).await;
    assert_eq!(diff.body["diff"], json!([{"op": "add", "path": "/applications/0/default-route", "value": true}]));
    let generated = client.send("GET", &format!("/v3/apps/{app}/manifest"), "application/json", "").await;
    apply(&client, &space, generated.body.as_str().unwrap(), "COMPLETE").await;
    let again = client.send("GET", &format!("/v3/apps/{app}/manifest"), "application/json", "").await;
    assert_eq!(generated.body, again.body, "what is generated round-trips");
    }).await;
}

/// Applies and answers the job.
async fn apply(client: &Client, space: &str, manifest: &str, state: &str) -> Value {
    let path = format!("/v3/spaces/{space}/actions/apply_manifest");
    let answer = client.send("POST", &path, YAML, manifest.to_owned()).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let job = answer.headers["location"].to_str().unwrap().trim_start_matches("http://api.test").to_owned();
    let job = client.get(&job).await;
    assert_eq!(job["state"], state, "{job:#}");
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stands_of_a_manifest_that_fails() {
    Client::on_each(|client| async move {
    let space = client.space().await;
    let organization = client.get("/v3/organizations").await["resources"][0]["guid"].clone();
    let other = json!({"name": "other", "relationships": {"organization": {"data": {"guid": organization}}}});
    let other = client.call("POST", "/v3/spaces", other, 201).await["guid"].as_str().unwrap().to_owned();
    let taken = "applications:\n- name: first\n  routes:\n  - route: shop.apps.test\n";
    apply(&client, &other, taken, "COMPLETE").await;
    for (manifest, detail) in [
        (
            "applications:\n- name: a\n  env: {X: y}\n- name: b\n  routes:\n  - route: shop.apps.test\n",
            "For application 'b': Routes cannot be mapped to destinations in different spaces: the route is taken by another space",
        ),
        (
            "applications:\n- name: a\n- name: b\n  buildpacks: [nonsense]\n",
            "For application 'b': Buildpack \"nonsense\" must be an existing admin buildpack or a valid git URI",
        ),
        (
            "applications:\n- name: a\n- name: b\n  services: [db]\n",
            "For application 'b': Service instance 'db' not found",
        ),
        (
            "applications:\n- name: a\n- name: b\n  routes:\n  - route: x.example.org\n",
            "For application 'b': The route 'x.example.org' did not match any existing domains.",
        ),
    ] {
        let job = apply(&client, &space, manifest, "FAILED").await;
        assert_eq!(job["errors"][0]["detail"], detail);
        let apps = client.get(&format!("/v3/apps?space_guids={space}")).await;
        assert_eq!(apps["resources"], json!([]), "{manifest}");
    }
    }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typo_is_named_with_its_line() {
    Client::on_each(|client| async move {
        let path = format!("/v3/spaces/{}/actions/apply_manifest", client.space().await);
        let answer =
            client.send("POST", &path, YAML, "applications:\n- name: a\n  memroy: 64M\n  instances: x\n").await;
        assert_eq!(answer.status, 422);
        let details: Vec<&str> =
            answer.body["errors"].as_array().unwrap().iter().map(|error| error["detail"].as_str().unwrap()).collect();
        assert_eq!(
            details,
            [
                "For application 'a': unknown key 'memroy'; did you mean 'memory'? (line 3)",
                "For application 'a': instances must be a whole number, at least 0 (line 4)",
            ]
        );
        let answer = client.send("POST", &path, "application/json", "{}").await;
        assert_eq!(answer.status, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn additive_and_no_route() {
    Client::on_each(|client| async move {
        let space = client.space().await;
        let app = push(&client, "dora").await;
        apply(&client, &space, "applications:\n- name: dora\n  random-route: true\n  env: {A: '1'}\n", "COMPLETE")
            .await;
        let routes = client.get(&format!("/v3/apps/{app}/routes")).await;
        assert!(routes["resources"][0]["host"].as_str().unwrap().starts_with("dora-"), "{routes:#}");
        apply(&client, &space, "applications:\n- name: dora\n  env: {B: '2'}\n  default-route: true\n", "COMPLETE")
            .await;
        let env = client.get(&format!("/v3/apps/{app}/environment_variables")).await;
        assert_eq!(env["var"], json!({"A": "1", "B": "2"}));
        assert_eq!(client.get(&format!("/v3/apps/{app}/routes")).await["pagination"]["total_results"], 1);
        apply(&client, &space, "applications:\n- name: dora\n  no-route: true\n", "COMPLETE").await;
        assert_eq!(client.get(&format!("/v3/apps/{app}/routes")).await["pagination"]["total_results"], 0);
    })
    .await;
}
