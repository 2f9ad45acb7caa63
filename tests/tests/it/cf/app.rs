//! apps, app, start, stop, restart, restage, scale, env, events, health checks, rename, delete.

use super::client::{Cf, string};
use super::push::{PLAIN, assign, build, echo, package, page, push, started, summary};
use super::shape;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Pitlane, eventually};

#[test]
fn the_life_of_an_app() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let app = push(&cf, "page", PLAIN, &page(&pitlane));

    apps(&cf);
    scale(&cf, &app);
    environment(&cf, &app);
    health_check(&cf, &app);
    stop_and_start(&cf, &app);

    // restart-app-instance
    cf.delete(&format!("/v3/apps/{app}/processes/web/instances/0")).is(204);
    started(&cf, &app);
    let missing = cf.delete(&format!("/v3/apps/{app}/processes/web/instances/9")).is(404);
    assert_eq!(missing.detail(), "Instance not found");
    let missing = cf.call("GET", &format!("/v3/apps/{app}/processes/none"), &[], None).is(404);
    assert_eq!(missing.detail(), "Process not found");

    // packages, droplets, builds
    let listed = cf.list("/v3/packages", &[("app_guids", &app), ("order_by", "-created_at")]);
    listed.resources().iter().for_each(shape::package);
    let listed = cf.list("/v3/droplets", &[("app_guids", &app), ("order_by", "-created_at")]);
    assert_eq!(listed.first()["process_types"], json!({"redacted_message": "[PRIVATE DATA HIDDEN IN LISTS]"}));
    assert_eq!(listed.first()["execution_metadata"], "[PRIVATE DATA HIDDEN IN LISTS]");
    let used = &listed.first()["buildpacks"][0];
    assert!(used["name"].is_string(), "{used}");

    // features, ssh
    for (path, name) in [("features/ssh", "ssh"), ("features/revisions", "revisions")] {
        let feature = cf.get(&format!("/v3/apps/{app}/{path}"), &[]);
        assert_eq!(feature.json["name"], name);
        assert!(feature.json["enabled"].is_boolean() && feature.json["description"].is_string());
    }
    // ssh-enabled says why not; enable-ssh fails with the reason, disable-ssh finds it off.
    let ssh = cf.get(&format!("/v3/apps/{app}/ssh_enabled"), &[]).json;
    assert_eq!(ssh, json!({"enabled": false, "reason": "Disabled globally"}));
    assert_eq!(cf.get(&format!("/v3/apps/{app}/features/ssh"), &[]).json["enabled"], false);
    let refused = cf.patch(&format!("/v3/apps/{app}/features/ssh"), &json!({"enabled": true})).is(422);
    assert!(refused.detail().starts_with("SSH is not available here"), "{}", refused.detail());
    cf.list(&format!("/v3/apps/{app}/revisions"), &[("order_by", "-created_at")]);
    cf.get(&format!("/v3/apps/{app}/permissions"), &[]);

    // set-label, rename; a taken name in the words that are looked for
    let labelled = cf.patch(&format!("/v3/apps/{app}"), &json!({"metadata": {"labels": {"k": "v"}}})).is(200);
    assert_eq!(labelled.json["metadata"]["labels"], json!({"k": "v"}));
    cf.list(
        "/v3/apps",
        &[("label_selector", "k=v"), ("order_by", "name"), ("per_page", "5000"), ("space_guids", &cf.space)],
    )
    .first();
    let body = json!({"metadata": {"labels": {"k": null}, "annotations": null}});
    assert_eq!(cf.patch(&format!("/v3/apps/{app}"), &body).is(200).json["metadata"]["labels"], json!({}));
    let taken =
        cf.post("/v3/apps", &json!({"name": "page", "relationships": {"space": {"data": {"guid": cf.space}}}})).is(422);
    assert_eq!(taken.detail(), "App with the name 'page' already exists.");
    assert_eq!(cf.patch(&format!("/v3/apps/{app}"), &json!({"name": "paper"})).is(200).json["name"], "paper");

    events(&cf, &app);

    // delete -r: the app, then its routes
    let app = cf.app_guid("paper");
    let routes = cf.list(&format!("/v3/apps/{app}/routes"), &[]);
    let route = string(&routes.first()["guid"]);
    cf.done(&cf.delete(&format!("/v3/apps/{app}")));
    cf.done(&cf.delete(&format!("/v3/routes/{route}")));
    assert_eq!(cf.call("GET", &format!("/v3/apps/{app}"), &[], None).is(404).detail(), "App not found");
    assert!(cf.list("/v3/apps", &[("names", "paper"), ("space_guids", &cf.space)]).resources().is_empty());
    eventually(Duration::from_secs(15), || pitlane.get("page", "/").status == 404);
}

/// `cf apps` from API 3.211 on.
fn apps(cf: &Cf) {
    let listed = cf.list("/v3/apps", &[("order_by", "name"), ("per_page", "5000"), ("space_guids", &cf.space)]);
    listed.resources().iter().for_each(shape::app);
    let processes = cf.list("/v3/processes", &[("embed", "process_instances"), ("space_guids", &cf.space)]);
    for process in processes.resources() {
        shape::process(process);
        let instances = process["process_instances"].as_array().expect("embedded");
        assert_eq!(Some(instances.len() as u64), process["instances"].as_u64());
        for one in instances {
            assert!(one["index"].is_u64() && one["state"].is_string() && one["since"].is_u64(), "{one}");
        }
    }
    let guids: Vec<_> = listed.resources().iter().map(|one| string(&one["guid"])).collect();
    let routes = cf.list("/v3/routes", &[("app_guids", &guids.join(","))]);
    routes.resources().iter().for_each(shape::route);
}

fn scale(cf: &Cf, app: &str) {
    let path = format!("/v3/apps/{app}/processes/web/actions/scale");
    let scaled = cf.post(&path, &json!({"instances": 2})).is(202);
    shape::process(&scaled.json);
    assert_eq!(scaled.json["instances"], 2);
    started(cf, app);
    // -m and -k with restart
    let scaled = cf.post(&path, &json!({"memory_in_mb": 128, "disk_in_mb": 256})).is(202);
    assert_eq!((&scaled.json["memory_in_mb"], &scaled.json["disk_in_mb"]), (&json!(128), &json!(256)));
    cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    cf.act(&format!("/v3/apps/{app}/actions/start")).is(200);
    started(cf, app);
    let mut quota = Value::Null;
    eventually(Duration::from_secs(20), || {
        quota = cf.get(&format!("/v3/processes/{app}/stats"), &[]).json["resources"][0]["mem_quota"].clone();
        quota == 128 << 20
    });
    cf.post(&path, &json!({"instances": 1, "memory_in_mb": null})).is(202);
}

fn environment(cf: &Cf, app: &str) {
    let path = format!("/v3/apps/{app}/environment_variables");
    let set = cf.patch(&path, &json!({"var": {"GREETING": "hello", "JSON": "{\"a\":1}"}})).is(200);
    assert_eq!(set.json["var"]["GREETING"], "hello");
    let env = cf.get(&format!("/v3/apps/{app}/env"), &[]).json;
    for member in ["environment_variables", "staging_env_json", "running_env_json"] {
        assert!(env[member].is_object(), "{env}");
    }
    assert_eq!(env["environment_variables"]["GREETING"], "hello");
    assert_eq!(env["system_env_json"]["VCAP_SERVICES"], json!({}));
    let vcap = &env["application_env_json"]["VCAP_APPLICATION"];
    assert_eq!((&vcap["cf_api"], &vcap["application_name"]), (&json!(cf.url), &json!("page")), "{vcap}");
    let unset = cf.patch(&path, &json!({"var": {"GREETING": null, "JSON": null}})).is(200);
    assert_eq!(unset.json["var"], json!({}));
    for name in ["VCAP_X", "VMC_X", "PORT"] {
        cf.patch(&path, &json!({"var": {name: "1"}})).is(422);
    }
}

fn health_check(cf: &Cf, app: &str) {
    let process = string(&cf.get(&format!("/v3/apps/{app}/processes/web"), &[]).json["guid"]);
    let path = format!("/v3/processes/{process}");
    for check in [
        json!({"type": "http", "data": {"endpoint": "/index.html", "invocation_timeout": 3}}),
        json!({"type": "process", "data": {}}),
        json!({"type": "port", "data": {}}),
    ] {
        let changed = cf.patch(&path, &json!({"health_check": check})).is(200);
        shape::process(&changed.json);
        assert_eq!(changed.json["health_check"]["type"], check["type"]);
    }
    let refused = cf.patch(&path, &json!({"health_check": {"type": "none-such"}})).is(422);
    assert!(refused.detail().contains("Health check"), "{}", refused.detail());
    assert!(
        cf.patch(&path, &json!({"command": null})).is(200).json["command"].is_string(),
        "back to what was detected"
    );
}

fn stop_and_start(cf: &Cf, app: &str) {
    let stopped = cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    shape::app(&stopped.json);
    // start: is the newest package staged?
    let newest =
        cf.list("/v3/packages", &[("app_guids", app), ("order_by", "-created_at"), ("page", "1"), ("per_page", "1")]);
    let package_guid = string(&newest.first()["guid"]);
    let droplets = cf.list(
        &format!("/v3/packages/{package_guid}/droplets"),
        &[("page", "1"), ("per_page", "1"), ("states", "STAGED")],
    );
    assert_eq!(droplets.resources().len(), 1);
    cf.act(&format!("/v3/apps/{app}/actions/start")).is(200);
    started(cf, app);
    // restart --strategy rolling
    let body = json!({"strategy": "rolling", "relationships": {"app": {"data": {"guid": app}}}});
    super::push::finished(cf, &cf.post("/v3/deployments", &body).is(201), "DEPLOYED");
    started(cf, app);
    // restage
    let ready = cf.list(
        "/v3/packages",
        &[("app_guids", app), ("order_by", "-created_at"), ("page", "1"), ("per_page", "1"), ("states", "READY")],
    );
    let built = build(cf, &string(&ready.first()["guid"]));
    cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    assign(cf, app, &string(&built["droplet"]["guid"]));
    cf.act(&format!("/v3/apps/{app}/actions/start")).is(200);
    started(cf, app);
    summary(cf, "page");
}

fn events(cf: &Cf, app: &str) {
    let events = cf.list("/v3/audit_events", &[("order_by", "-created_at"), ("page", "1"), ("target_guids", app)]);
    events.resources().iter().for_each(shape::event);
    let types: Vec<_> = events.resources().iter().map(|one| string(&one["type"])).collect();
    for wanted in [
        "audit.app.update",
        "audit.app.process.terminate_instance",
        "audit.app.process.scale",
        "audit.app.process.update",
        "audit.app.start",
        "audit.app.stop",
        "audit.app.droplet.mapped",
        "audit.app.build.create",
        "audit.app.upload-bits",
        "audit.app.deployment.create",
    ] {
        assert!(types.iter().any(|have| have == wanted), "{wanted}: {types:?}");
    }
    assert_eq!(events.first()["actor"]["name"], tests::ADMIN);
}

#[test]
fn an_app_that_crashes_is_shown_crashed_with_its_events() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let manifest =
        "applications:\n- name: quits\n  default-route: true\n  command: exit 3\n  buildpacks: [binary_buildpack]\n";
    super::push::apply(&cf, manifest);
    let app = cf.app_guid("quits");
    let built = build(&cf, &package(&cf, &app, &echo(&pitlane)));
    assign(&cf, &app, &string(&built["droplet"]["guid"]));
    cf.act(&format!("/v3/apps/{app}/actions/restart")).is(200);
    eventually(Duration::from_secs(30), || {
        let stats = cf.get(&format!("/v3/processes/{app}/stats"), &[]);
        stats.resources().iter().for_each(shape::stats);
        stats.resources().iter().all(|one| one["state"] == "CRASHED")
    });
    summary(&cf, "quits");
    let query = [("order_by", "-created_at"), ("page", "1"), ("target_guids", app.as_str())];
    let mut types = Vec::new();
    eventually(Duration::from_secs(5), || {
        let events = cf.list("/v3/audit_events", &query);
        events.resources().iter().for_each(shape::event);
        types = events.resources().iter().map(|one| (string(&one["type"]), one["data"].clone())).collect();
        types.iter().any(|(kind, _)| kind == "app.crash")
            && types.iter().any(|(kind, _)| kind == "audit.app.process.crash")
    });
    let (_, data) = types.iter().find(|(kind, _)| kind == "app.crash").expect("seen above");
    assert_eq!(
        (&data["index"], &data["exit_status"], &data["reason"]),
        (&json!(0), &json!(3), &json!("CRASHED")),
        "{data}"
    );
    assert_eq!(data["exit_description"], "APP/PROC/WEB: Exited with status 3");
}
