//! run-task, tasks, task, terminate-task.

use super::client::{Cf, string};
use super::push::{apply, assign, echo, stage};
use super::shape;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Pitlane, eventually};

#[test]
fn tasks_of_an_app_that_was_pushed_with_task() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    // push --task: no route, staged, stopped, with a droplet
    apply(&cf, "applications:\n- name: job\n  no-route: true\n  buildpacks: [binary_buildpack]\n");
    let app = cf.app_guid("job");
    let tasks = format!("/v3/apps/{app}/tasks");
    let early = cf.post(&tasks, &json!({"command": "true"})).is(422);
    assert!(early.detail().contains("droplet"), "{}", early.detail());
    let droplet = stage(&cf, &app, &echo(&pitlane));
    cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    assign(&cf, &app, &droplet);

    // Explicit nulls, and a droplet of one's choice.
    let body = json!({"command": "echo $CF_INSTANCE_GUID-$CF_INSTANCE_IP-$CF_INSTANCE_PORTS; exit 0", "name": null,
        "memory_in_mb": null, "disk_in_mb": null, "log_rate_limit_in_bytes_per_second": null, "template": null,
        "user": null, "droplet_guid": droplet, "metadata": null});
    let first = cf.post(&tasks, &body).is(202);
    shape::task(&first.json);
    assert_eq!(first.json["sequence_id"], 1);
    assert_eq!(ended(&cf, &first.guid())["state"], "SUCCEEDED");
    let second = cf.post(&tasks, &json!({"command": "exit 4", "name": "four", "memory_in_mb": 64})).is(202);
    assert_eq!(
        (&second.json["sequence_id"], &second.json["name"], &second.json["memory_in_mb"]),
        (&json!(2), &json!("four"), &json!(64))
    );
    let failed = ended(&cf, &second.guid());
    assert_eq!(failed["state"], "FAILED");
    let reason = string(&failed["result"]["failure_reason"]);
    assert!(reason.contains("status 4"), "{reason}");
    let lasting = json!({"command": "sleep 1000"});
    cf.call("PATCH", &format!("/v3/processes/{app}"), &[], Some(&lasting)).is(200);
    let process = cf.post(&tasks, &json!({"template": {"process": {"guid": app}}, "name": "as-web"})).is(202);

    // terminate-task
    let third = cf.post(&tasks, &json!({"command": "sleep 1000", "name": "long"})).is(202);
    let found = cf.list(&tasks, &[("page", "1"), ("per_page", "1"), ("sequence_ids", "4")]);
    assert_eq!(found.first()["guid"], third.json["guid"]);
    for guid in [third.guid(), process.guid()] {
        let cancelled = cf.call("PUT", &format!("/v3/tasks/{guid}/cancel"), &[], None).is(202);
        assert_eq!(cancelled.json["state"], "CANCELING");
        assert_eq!(ended(&cf, &guid)["state"], "FAILED");
    }
    let over = cf.call("PUT", &format!("/v3/tasks/{}/cancel", third.guid()), &[], None).is(422);
    assert!(over.detail().contains("cannot be canceled"), "{}", over.detail());

    let all = cf.list(&tasks, &[("per_page", "5000")]);
    assert_eq!(all.resources().len(), 4);
    all.resources().iter().for_each(shape::task);
    let words =
        cf.get(&format!("/api/v1/read/{app}"), &[("descending", "true"), ("envelope_types", "LOG"), ("limit", "1000")]);
    let lines = super::logs::lines(&words.json);
    assert!(
        lines.iter().any(|(from, line)| from.starts_with("APP/TASK/") && line.starts_with(&first.guid())),
        "{lines:?}"
    );
    cf.done(&cf.delete(&format!("/v3/apps/{app}")));
}

/// `cf run-task --wait`.
fn ended(cf: &Cf, guid: &str) -> Value {
    let mut last = Value::Null;
    eventually(Duration::from_secs(30), || {
        last = cf.get(&format!("/v3/tasks/{guid}"), &[]).json;
        last["state"] == "SUCCEEDED" || last["state"] == "FAILED"
    });
    shape::task(&last);
    last
}
