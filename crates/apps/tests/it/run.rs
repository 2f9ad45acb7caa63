//! What runs: scaling, crashes, tasks, deletion, restarts of the platform.

use super::client::Client;
use super::push::push;
use engine::{ExitKind, InstanceId};
use serde_json::{Value, json};
use std::time::Duration;

/// Waits until `good`; panics after five seconds.
#[track_caller]
fn eventually(good: impl Fn() -> bool) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        let end = tokio::time::Instant::now() + Duration::from_secs(5);
        while !good() {
            assert!(tokio::time::Instant::now() < end, "{at}: it never came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_restart_stop() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
        client.call("POST", &scale, json!({"instances": 3, "memory_in_mb": 128}), 202).await;
        eventually(|| client.world.running(&app).len() == 3).await;
        let first = client.world.running(&app)[0].clone();
        assert_eq!(first.limits.memory_bytes, 1 << 30, "memory counts from the next start");
        client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
        eventually(|| {
            let running = client.world.running(&app);
            running.len() == 3
                && running.iter().all(|spec| spec.version != first.version && spec.limits.memory_bytes == 128 << 20)
        })
        .await;
        client.call("POST", &scale, json!({"instances": 1}), 202).await;
        eventually(|| client.world.running(&app).iter().map(|spec| spec.index).eq([0])).await;
        client.call("POST", &scale, json!({"instances": -1}), 422).await;
        client.call("DELETE", &format!("/v3/apps/{app}/processes/web/instances/0"), Value::Null, 204).await;
        client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 200).await;
        eventually(|| client.world.running(&app).is_empty()).await;
        let stats = client.get(&format!("/v3/processes/{app}/stats")).await;
        assert_eq!(stats["resources"][0]["state"], "DOWN");
        let log = client.log(&app);
        for line in [format!("API Created app with guid {app}"), format!("API Stopping app with guid {app}")] {
            assert!(log.contains(&line), "{log:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_told_twice_and_the_instance_comes_back() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let id = client.world.running(&app)[0].id.clone();
        client.world.end(&id, ExitKind::OutOfMemory);
        let events = format!("/v3/audit_events?target_guids={app}&types=app.crash,audit.app.process.crash");
        let events = client.until(&events, |events| events["pagination"]["total_results"] == 2).await;
        for event in events["resources"].as_array().unwrap() {
            assert_eq!(
                event["data"]["exit_description"], "APP/PROC/WEB: Exited with status 137 (out of memory)",
                "{event:#}"
            );
            assert_eq!(event["data"]["reason"], "CRASHED");
        }
        eventually(|| client.world.running(&app).first().is_some_and(|spec| spec.id != id)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_turns_are_told() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let events = format!(
            "/v3/audit_events?order_by=created_at&target_guids={app}&types=audit.app.process.ready,audit.app.process.not-ready"
        );
        let told = async |wanted: &[&str]| {
            let list = client.until(&events, |list| list["pagination"]["total_results"] == wanted.len()).await;
            let types: Vec<Value> = list["resources"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
            assert_eq!(types, wanted, "{list:#}");
            list["resources"].as_array().unwrap().last().cloned()
        };
        let check = json!({"readiness_health_check": {"type": "http", "data": {"endpoint": "/ready", "interval": 1}}});
        // Nobody runs meanwhile: a new check is put to what runs at once, whose turns would be told too.
        client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 200).await;
        eventually(|| client.world.running(&app).is_empty()).await;
        client.call("PATCH", &format!("/v3/processes/{app}"), check, 200).await;
        client.world.ill.lock().unwrap().insert("http", "503".into());
        client.call("POST", &format!("/v3/apps/{app}/actions/start"), Value::Null, 200).await;
        let stats = format!("/v3/processes/{app}/stats");
        client.until(&stats, |stats| stats["resources"][0]["state"] == "RUNNING").await;
        assert_eq!(client.get(&stats).await["resources"][0]["routable"], false);
        told(&[]).await;
        client.world.ill.lock().unwrap().clear();
        let ready = told(&["audit.app.process.ready"]).await.unwrap();
        let instance = client.world.running(&app)[0].id.0.clone();
        assert_eq!(
            (&ready["data"]["instance"], &ready["data"]["index"], &ready["actor"]["type"]),
            (&json!(instance), &json!(0), &json!("process"))
        );
        client.world.ill.lock().unwrap().insert("http", "503".into());
        told(&["audit.app.process.ready", "audit.app.process.not-ready"]).await;
        let log = client.log(&app);
        assert!(log.iter().any(|line| line.contains("marked not ready and removed from route pool")), "{log:?}");
        // Who stops is not said to be not ready.
        client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 200).await;
        eventually(|| client.world.running(&app).is_empty()).await;
        told(&["audit.app.process.ready", "audit.app.process.not-ready"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_follow_their_exit() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let path = format!("/v3/apps/{app}/tasks");
        let mut guids = Vec::new();
        for sequence in 1..=3 {
            let task = client.call("POST", &path, json!({"command": "rake", "name": "migrate"}), 202).await;
            assert_eq!((&task["sequence_id"], &task["state"]), (&json!(sequence), &json!("PENDING")));
            guids.push(task["guid"].as_str().unwrap().to_owned());
        }
        for guid in &guids {
            eventually(|| client.world.running(guid).len() == 1).await;
        }
        // The platform may go and come back meanwhile.
        let client = client.reborn().await;
        client.world.end(&InstanceId(guids[0].clone()), ExitKind::Code { code: 0 });
        client.world.end(&InstanceId(guids[1].clone()), ExitKind::Code { code: 3 });
        client.call("PUT", &format!("/v3/tasks/{}/cancel", guids[2]), Value::Null, 202).await;
        let of = |guid: &str| format!("/v3/tasks/{guid}");
        client.until(&of(&guids[0]), |task| task["state"] == "SUCCEEDED").await;
        let failed = client.until(&of(&guids[1]), |task| task["state"] == "FAILED").await;
        assert_eq!(failed["result"]["failure_reason"], "APP/TASK/migrate: Exited with status 3");
        let cancelled = client.until(&of(&guids[2]), |task| task["state"] == "FAILED").await;
        assert_eq!(cancelled["result"]["failure_reason"], "task was cancelled");
        let second = client.get(&format!("{path}?page=1&per_page=1&sequence_ids=2")).await;
        assert_eq!(second["resources"][0]["guid"], guids[1].as_str());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_platform_leaves_instances_and_routes() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let space = client.space().await;
        let manifest = "applications:\n- name: dora\n  default-route: true\n";
        client
            .send("POST", &format!("/v3/spaces/{space}/actions/apply_manifest"), "application/x-yaml", manifest)
            .await;
        let before = client.world.running(&app)[0].id.clone();
        let client = client.reborn().await;
        assert_eq!(client.world.running(&app)[0].id, before);
        let table = client.world.publisher.table();
        assert_eq!(table.routes[0].host, "dora.apps.test");
        assert_eq!(table.routes[0].backends[0].instance, before.0, "the first table has who was well before");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_takes_everything_along() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let space = client.space().await;
        let manifest = "applications:\n- name: dora\n  default-route: true\n";
        client
            .send("POST", &format!("/v3/spaces/{space}/actions/apply_manifest"), "application/x-yaml", manifest)
            .await;
        let backends = || client.world.publisher.table().routes.first().map(|route| route.backends.len());
        eventually(|| backends() == Some(1)).await;
        client.call("DELETE", &format!("/v3/apps/{app}"), Value::Null, 202).await;
        eventually(|| client.world.running(&app).is_empty() && backends().is_none()).await;
        for list in ["apps", "processes", "packages", "droplets", "builds", "tasks", "deployments"] {
            assert_eq!(client.get(&format!("/v3/{list}")).await["resources"], json!([]), "{list}");
        }
        eventually(|| client.world.story.lock().unwrap().contains(&format!("forget {app}"))).await;
        // Its log goes too, at the latest when the platform starts again.
        assert!(!client.log(&app).is_empty());
        let client = client.reborn().await;
        assert_eq!(client.log(&app), Vec::<String>::new());
    })
    .await;
}
