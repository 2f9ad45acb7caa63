//! Sidecars: by the API, by a manifest, by a buildpack; and what the engine is told of them.

use super::client::Client;
use super::push::{push, stage};
use serde_json::{Value, json};

async fn apply(client: &Client, manifest: &str) -> Value {
    let path = format!("/v3/spaces/{}/actions/apply_manifest", client.space().await);
    let answer = client.send("POST", &path, "application/x-yaml", manifest.to_owned()).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    client.get(answer.headers["location"].to_str().unwrap().trim_start_matches("http://api.test")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn they_run_beside_the_processes_of_their_types() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let path = format!("/v3/apps/{app}/sidecars");
        let body = json!({"name": "auth proxy", "command": "bundle exec proxy", "process_types": ["web", "worker"], "memory_in_mb": 300});
        let made = client.call("POST", &path, body, 201).await;
        assert_eq!((&made["origin"], &made["memory_in_mb"]), (&json!("user"), &json!(300)));
        assert!(client.world.running(&app)[0].companions.is_empty(), "it counts with the next start");
        client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
        while client.world.running(&app).first().is_none_or(|spec| spec.companions.is_empty()) {
            assert!(tokio::time::Instant::now() < end);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let companion = client.world.running(&app)[0].companions[0].clone();
        assert_eq!(companion.source_type, "APP/PROC/WEB/SIDECAR/AUTH-PROXY");
        assert_eq!(companion.argv.last().map(String::as_str), Some("bundle exec proxy"));
        assert_eq!(companion.env, [("MEMORY_LIMIT".to_owned(), "300m".to_owned())]);
        let beside = client.get(&format!("/v3/processes/{app}/sidecars")).await;
        assert_eq!(beside["resources"], json!([made]));

        let one = format!("/v3/sidecars/{}", made["guid"].as_str().unwrap());
        let changed = client.call("PATCH", &one, json!({"process_types": ["worker"], "memory_in_mb": null}), 200).await;
        assert_eq!((&changed["name"], &changed["memory_in_mb"]), (&json!("auth proxy"), &Value::Null));
        assert_eq!(client.get(&format!("/v3/processes/{app}/sidecars")).await["resources"], json!([]));
        assert_eq!(client.get(&path).await["pagination"]["total_results"], 1);

        let other = json!({"name": "auth proxy", "command": "x", "process_types": ["web"]});
        for (body, detail) in [
            (other.clone(), "Sidecar with name 'auth proxy' already exists for given app"),
            (json!({"name": "b", "command": "", "process_types": ["web"]}), "Command must have 1 to 4096 characters"),
            (json!({"name": "b", "command": "x", "process_types": []}), "Process types must have at least 1 process_type"),
            (json!({"name": "b", "command": "x", "process_types": ["web"], "memory_in_mb": 0}), "Memory in mb must be greater than 0"),
            (
                json!({"name": "b", "command": "x", "process_types": ["web"], "memory_in_mb": 1024}),
                "The memory allocation defined is too large to run with the dependent \"web\" process",
            ),
        ] {
            let refused = client.call("POST", &path, body, 422).await;
            assert_eq!(refused["errors"][0]["detail"], detail);
        }
        client.call("DELETE", &one, Value::Null, 204).await;
        client.call("GET", &one, Value::Null, 404).await;
        assert_eq!(client.get(&path).await["resources"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_have_them_by_name() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let manifest = "applications:\n- name: dora\n  no-route: true\n  sidecars:\n  - name: one\n    command: first\n    process_types: [web]\n    memory: 64M\n  - name: two\n    command: second\n    process_types: [web, worker]\n";
        assert_eq!(apply(&client, manifest).await["state"], "COMPLETE");
        let path = format!("/v3/apps/{app}/sidecars");
        let first = client.get(&path).await;
        assert_eq!(first["pagination"]["total_results"], 2);
        assert_eq!(apply(&client, &manifest.replace("first", "other")).await["state"], "COMPLETE");
        let second = client.get(&path).await;
        assert_eq!(second["resources"][0]["guid"], first["resources"][0]["guid"], "changed, not made anew");
        assert_eq!(second["resources"][0]["command"], "other");
        let job = apply(&client, &manifest.replace("64M", "2G")).await;
        assert_eq!(
            job["errors"][0]["detail"],
            "For application 'dora': The memory allocation defined is too large to run with the dependent \"web\" process"
        );
        // What is generated is the same again.
        let generated = client.send("GET", &format!("/v3/apps/{app}/manifest"), "application/json", "").await.body;
        let generated = generated.as_str().unwrap();
        for words in ["name: one", "command: other", "memory: 64M", "command: second"] {
            assert!(generated.contains(words), "{words}: {generated}");
        }
        assert_eq!(apply(&client, generated).await["state"], "COMPLETE");
        assert_eq!(client.get(&path).await["resources"][0]["updated_at"], second["resources"][0]["updated_at"]);
        let space = client.space().await;
        let diff = client
            .send("POST", &format!("/v3/spaces/{space}/manifest_diff"), "application/x-yaml", manifest.to_owned())
            .await;
        let changed = json!({"op": "replace", "path": "/applications/0/sidecars/0/command", "was": "other", "value": "first"});
        assert!(diff.body["diff"].as_array().unwrap().contains(&changed), "{}", diff.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buildpacks_bring_their_own() {
    Client::on_each(|client| async move {
        client.world.sidecars.lock().unwrap().push("agent");
        let app = push(&client, "dora").await;
        let path = format!("/v3/apps/{app}/sidecars");
        let listed = client.get(&path).await;
        assert_eq!(
            (&listed["resources"][0]["name"], &listed["resources"][0]["origin"]),
            (&json!("agent"), &json!("buildpack"))
        );
        // The next droplet has another one; what people made of the name is theirs.
        *client.world.sidecars.lock().unwrap() = vec!["agent", "tracer"];
        let guid = listed["resources"][0]["guid"].as_str().unwrap();
        let mine = client.call("PATCH", &format!("/v3/sidecars/{guid}"), json!({"command": "mine"}), 200).await;
        assert_eq!(mine["origin"], "user");
        let droplet = stage(&client, &app).await;
        let current = format!("/v3/apps/{app}/relationships/current_droplet");
        client.call("PATCH", &current, json!({"data": {"guid": droplet}}), 200).await;
        let listed = client.get(&path).await;
        let names: Vec<_> =
            listed["resources"].as_array().unwrap().iter().map(|one| (&one["name"], &one["origin"])).collect();
        assert_eq!(names, [(&json!("agent"), &json!("user")), (&json!("tracer"), &json!("buildpack"))]);
    })
    .await;
}
