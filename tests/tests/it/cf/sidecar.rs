//! Sidecars in real containers: they live, log and die with their process.

use super::client::{Cf, string};
use super::logs::lines;
use super::mini::{Push, push};
use super::push::{echo, started};
use super::shape;
use serde_json::json;
use std::time::Duration;
use tests::{Pitlane, eventually};

#[test]
fn they_live_and_die_with_their_process() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = echo(&pitlane);
    // It sees the process's files, environment and network.
    let command = "echo limit $MEMORY_LIMIT port $PORT; while [ ! -e /tmp/end ]; do \
                   python3 -c 'import urllib.request; urllib.request.urlopen(\"http://127.0.0.1:8080/\").read(); print(\"neighbour answers\", flush=True)' \
                   || true; sleep 0.2; done; exit 7";
    let manifest = json!({"applications": [{
        "name": "pair", "memory": "128M", "buildpacks": ["binary_buildpack"],
        "sidecars": [{"name": "watch dog", "process_types": ["web"], "command": command, "memory": "32M"}],
    }]});
    push(&cf, &Push { manifest: Some(manifest), bits: Some(&bits), ..Push::default() })
        .well()
        .says("sidecars: watch dog");
    let app = cf.app_guid("pair");
    let listed = cf.list(&format!("/v3/processes/{app}/sidecars"), &[]);
    listed.resources().iter().for_each(shape::sidecar);
    assert_eq!(string(&listed.first()["origin"]), "user");
    let path = format!("/api/v1/read/{app}");
    let recent = [("descending", "true"), ("envelope_types", "LOG"), ("limit", "1000")];
    let said = |words: &str| {
        lines(&cf.get(&path, &recent).json)
            .iter()
            .any(|(source, line)| source == "APP/PROC/WEB/SIDECAR/WATCH-DOG" && line.contains(words))
    };
    eventually(Duration::from_secs(30), || said("limit 32m port 8080") && said("neighbour answers"));

    // When it ends, its process ends too, and both come back.
    let instance = |cf: &Cf| cf.get(&format!("/v3/processes/{app}/stats"), &[]).resources()[0]["instance_guid"].clone();
    let before = instance(&cf);
    cf.patch(&format!("/v3/sidecars/{}", string(&listed.first()["guid"])), &json!({"command": "sleep 2; exit 7"}))
        .is(200);
    cf.act(&format!("/v3/apps/{app}/actions/restart")).is(200);
    let query = [("order_by", "-created_at"), ("target_guids", app.as_str()), ("types", "app.crash")];
    eventually(Duration::from_secs(30), || {
        cf.list("/v3/audit_events", &query).resources().iter().any(|one| one["data"]["exit_status"] == 7)
    });
    cf.delete(&format!("/v3/sidecars/{}", string(&listed.first()["guid"]))).is(204);
    cf.act(&format!("/v3/apps/{app}/actions/restart")).is(200);
    started(&cf, &app);
    assert_ne!(instance(&cf), before);
    pitlane.get_until_ok("pair", "/");
}
