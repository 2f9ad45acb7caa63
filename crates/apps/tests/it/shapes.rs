//! Whole shapes of the resources, guids and times replaced.

use super::client::Client;
use super::push::push;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Guids become `G1`, `G2`, … in order of appearance, times `T`, digests `D`.
fn tidy(value: &mut Value, seen: &mut HashMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, seen)),
        Value::Object(map) => map.values_mut().for_each(|value| tidy(value, seen)),
        Value::String(text) => {
            if text.len() == 20 && text.ends_with('Z') {
                *text = "T".into();
            }
            if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                *text = "D".into();
            }
            *text = text
                .split('/')
                .map(|part| {
                    if part.len() != 36 || part.bytes().filter(|byte| *byte == b'-').count() != 4 {
                        return part.to_owned();
                    }
                    let next = format!("G{}", seen.len() + 1);
                    seen.entry(part.to_owned()).or_insert(next).clone()
                })
                .collect::<Vec<_>>()
                .join("/");
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shapes() {
    Client::on_each(|client| async move {
        let app = push(&client, "dora").await;
        let task =
            client.call("POST", &format!("/v3/apps/{app}/tasks"), json!({"command": "true", "name": "t"}), 202).await;
        let mut seen = HashMap::new();
        for (name, path) in [
            ("app", format!("/v3/apps/{app}")),
            ("process", format!("/v3/processes/{app}")),
            ("packages", "/v3/packages".to_owned()),
            ("builds", format!("/v3/apps/{app}/builds")),
            ("current_droplet", format!("/v3/apps/{app}/droplets/current")),
            ("droplets", format!("/v3/apps/{app}/droplets")),
            ("env", format!("/v3/apps/{app}/env")),
            ("features", format!("/v3/apps/{app}/features")),
        ] {
            let mut shown = client.get(&path).await;
            tidy(&mut shown, &mut seen);
            insta::assert_json_snapshot!(name, shown);
        }
        let deployment = json!({"relationships": {"app": {"data": {"guid": app}}}});
        let deployment = client.call("POST", "/v3/deployments", deployment, 201).await;
        for (name, mut shown) in [("task", task), ("deployment", deployment)] {
            tidy(&mut shown, &mut seen);
            insta::assert_json_snapshot!(name, shown);
        }
    })
    .await;
}
