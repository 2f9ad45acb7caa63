//! Usage events: what ran in which size, from when on, in order.

use super::client::Client;
use super::push::push;
use engine::{ExitKind, InstanceId};
use serde_json::{Value, json};

const ALL: &str = "/v3/app_usage_events?per_page=5000";

/// State, previous state and what else tells them apart, in order.
fn told(list: &Value) -> Vec<String> {
    let one = |event: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let change = |name: &str| format!("{}<{}", event[name]["current"], event[name]["previous"]);
        let of = ["process", "task", "buildpack"].map(|name| {
            let name = &event[name];
            name["type"].as_str().or(name["name"].as_str()).unwrap_or_default().to_owned()
        });
        format!(
            "{}<{} {} {} {}",
            text(&event["state"]["current"]),
            text(&event["state"]["previous"]),
            of.concat(),
            change("instance_count"),
            change("memory_in_mb_per_instance")
        )
    };
    list["resources"].as_array().unwrap().iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_an_app_in_events() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
        client.call("POST", &scale, json!({"instances": 3}), 202).await;
        client.call("POST", &scale, json!({"memory_in_mb": 64}), 202).await;
        client
            .call("POST", &format!("/v3/apps/{app}/processes/worker/actions/scale"), json!({"memory_in_mb": 32}), 202)
            .await;
        let task = json!({"command": "rake", "name": "migrate", "memory_in_mb": 16});
        let task =
            client.call("POST", &format!("/v3/apps/{app}/tasks"), task, 202).await["guid"].as_str().unwrap().to_owned();
        client.until(&format!("/v3/tasks/{task}"), |task| task["state"] == "RUNNING").await;
        while client.world.running(&task).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        client.world.end(&InstanceId(task.clone()), ExitKind::Code { code: 0 });
        client.until(&format!("/v3/tasks/{task}"), |task| task["state"] == "SUCCEEDED").await;
        client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
        client.call("POST", &format!("/v3/apps/{app}/actions/stop"), Value::Null, 200).await;
        client.call("POST", &format!("/v3/apps/{app}/actions/start"), Value::Null, 200).await;
        client.call("DELETE", &format!("/v3/apps/{app}"), Value::Null, 202).await;
        let expected = [
            "STAGING_STARTED<STAGING_STOPPED  1<1 1024<1024",
            "STAGING_STOPPED<STAGING_STARTED  1<1 1024<1024",
            "BUILDPACK_SET<STOPPED staticfile_buildpack null<null null<null",
            "STARTED<STOPPED web 1<1 1024<1024",
            "STARTED<STARTED web 3<1 1024<1024",
            "STARTED<STARTED web 3<3 64<1024",
            "TASK_STARTED<TASK_STOPPED migrate 1<1 16<16",
            "TASK_STOPPED<TASK_STARTED migrate 1<1 16<16",
            "STOPPED<STARTED web 3<3 64<64",
            "STARTED<STOPPED web 3<3 64<64",
            "STOPPED<STARTED web 0<3 0<64",
        ];
        let list = client.until(ALL, |list| list["pagination"]["total_results"] == expected.len()).await;
        assert_eq!(told(&list), expected);
        let first = &list["resources"][3];
        assert_eq!((&first["app"], &first["process"]["guid"]), (&json!({"guid": app, "name": "dora"}), &json!(app)));
        assert!(first["space"]["name"] == "dev" && first["organization"]["guid"].is_string(), "{first:#}");
        let guid = |index: usize| list["resources"][index]["guid"].as_str().unwrap().to_owned();
        let path = format!("/v3/app_usage_events/{}", guid(3));
        assert_eq!(client.get(&path).await, *first);
        assert_eq!(first["links"]["self"]["href"], format!("http://api.test{path}"));

        // Consumers go on after the last one they have seen.
        let rest = client.get(&format!("{ALL}&after_guid={}", guid(8))).await;
        assert_eq!(told(&rest), expected[9..]);
        let paged = client.get(&format!("/v3/app_usage_events?per_page=2&page=2&after_guid={}", guid(0))).await;
        assert_eq!(told(&paged), expected[3..5]);
        assert_eq!(paged["pagination"]["total_results"], expected.len() - 1);
        let newest = client.get("/v3/app_usage_events?order_by=-created_at&per_page=1").await;
        assert_eq!(newest["resources"][0]["guid"], list["resources"][10]["guid"]);
        client.call("GET", "/v3/app_usage_events?after_guid=none", Value::Null, 400).await;
        client.call("GET", "/v3/app_usage_events/none", Value::Null, 404).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_series_begins_anew_with_what_runs() {
    Client::on_each(|client| async move {
        push(&client, "dora").await;
        let old = client.until(ALL, |list| list["pagination"]["total_results"] == 4).await;
        let path = "/v3/app_usage_events/actions/destructively_purge_all_and_reseed";
        client.call("POST", path, Value::Null, 200).await;
        let list = client
            .until(ALL, |list| {
                list["resources"][0]["guid"] != old["resources"][0]["guid"] && list["resources"][0].is_object()
            })
            .await;
        assert_eq!(told(&list), ["STARTED<STOPPED web 1<1 1024<1024"]);
        let before = old["resources"][0]["guid"].as_str().unwrap();
        client.call("GET", &format!("/v3/app_usage_events/{before}"), Value::Null, 404).await;
    })
    .await;
}
