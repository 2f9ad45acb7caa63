//! What older command lines and other clients do differently (reference, 15.2 to 15.4).

use super::client::{Cf, string};
use super::push::{PLAIN, apply, assign, package, page, push, stage, started};
use super::shape;
use serde_json::json;
use tests::Pitlane;

#[test]
fn an_older_client_walks_every_list_to_its_end() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = page(&pitlane);
    let app = push(&cf, "page", PLAIN, &bits);
    apply(&cf, "applications:\n- name: other\n  no-route: true\n");
    let other = cf.app_guid("other");
    for app in [&app, &other, &app] {
        package(&cf, app, &bits);
    }

    // cf start: all packages of the app, one by one, by `next`, which keeps filter and order
    let mut seen = Vec::new();
    let query = [("app_guids", app.as_str()), ("order_by", "-created_at"), ("per_page", "1")];
    let mut reply = cf.list("/v3/packages", &query);
    loop {
        for one in reply.resources() {
            shape::package(one);
            assert_eq!(one["relationships"]["app"]["data"]["guid"], app.as_str(), "a foreign package");
            seen.push((string(&one["created_at"]), string(&one["guid"])));
        }
        let Some(next) = reply.json["pagination"]["next"]["href"].as_str() else { break };
        let next = next.to_owned();
        reply = cf.get(&next, &[]);
    }
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().map(|(at, _)| at).is_sorted_by(|a, b| a >= b), "{seen:?}");

    // look-ups without a page; cf apps by stats of each process
    assert_eq!(cf.list("/v3/organizations", &[("names", "acme")]).resources().len(), 1);
    let processes = cf.list("/v3/processes", &[("app_guids", &format!("{app},{other}"))]);
    assert_eq!(processes.resources().len(), 2);
    for process in processes.resources() {
        let path = format!("/v3/processes/{}/stats", string(&process["guid"]));
        cf.get(&path, &[]).resources().iter().for_each(shape::stats);
    }
    // a deployment without strategy is a rolling one
    let body = json!({"droplet": {"guid": stage(&cf, &app, &bits)}, "relationships": {"app": {"data": {"guid": app}}}});
    let deployed = cf.post("/v3/deployments", &body).is(201);
    assert_eq!(deployed.json["strategy"], "rolling");
    super::push::finished(&cf, &deployed, "DEPLOYED");
    started(&cf, &app);
    let organization = cf.post("/v3/organizations", &json!({"name": "old"})).is(201);
    shape::organization(&organization.json);
}

#[test]
fn other_clients_send_nulls() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let none = json!({"labels": null, "annotations": null});
    let place = json!({"space": {"data": {"guid": cf.space}}});
    let body = json!({"name": "nulls", "relationships": place, "environment_variables": null, "metadata": none,
        "lifecycle": {"type": "buildpack", "data": {"buildpacks": null, "stack": null}}});
    let app = cf.post("/v3/apps", &body).is(201);
    shape::app(&app.json);
    assert_eq!(app.json["lifecycle"]["data"]["buildpacks"], json!([]));
    let guid = app.guid();
    cf.patch(&format!("/v3/apps/{guid}"), &json!({"name": "nulls", "lifecycle": null, "metadata": none})).is(200);
    let process = format!("/v3/processes/{guid}");
    cf.patch(
        &process,
        &json!({"command": null, "health_check": null, "readiness_health_check": null, "metadata": none}),
    )
    .is(200);
    let check = json!({"type": "http", "data": {"timeout": null, "invocation_timeout": null, "interval": null, "endpoint": null}});
    cf.patch(&process, &json!({"health_check": check})).is(200);
    let scale =
        json!({"instances": 1, "memory_in_mb": null, "disk_in_mb": null, "log_rate_limit_in_bytes_per_second": null});
    cf.post(&format!("{process}/actions/scale"), &scale).is(202);
    let space =
        json!({"name": "null-space", "relationships": {"organization": {"data": {"guid": cf.org}}}, "metadata": none});
    let space = cf.post("/v3/spaces", &space).is(201);
    shape::space(&space.json);
    let body =
        json!({"name": "null.test", "internal": null, "router_group": null, "relationships": null, "metadata": none});
    shape::domain(&cf.post("/v3/domains", &body).is(201).json);
    let body =
        json!({"type": "bits", "data": null, "metadata": none, "relationships": {"app": {"data": {"guid": guid}}}});
    let made = cf.post("/v3/packages", &body).is(201);
    let bits = page(&pitlane);
    cf.upload(&format!("/v3/packages/{}/upload", made.guid()), None, &bits, "package.zip").is(200);
    let body = json!({"package": {"guid": made.guid()}, "lifecycle": null, "staging_memory_in_mb": null, "staging_disk_in_mb": null, "metadata": none});
    let build = cf.post("/v3/builds", &body).is(201);
    shape::build(&build.json);
    let body = json!({"name": "null-pack", "position": null, "enabled": null, "locked": null, "stack": null, "lifecycle": null, "metadata": none});
    shape::buildpack(&cf.post("/v3/buildpacks", &body).is(201).json);
    tests::eventually(std::time::Duration::from_secs(60), || {
        cf.get(&format!("/v3/builds/{}", build.guid()), &[]).json["state"] == "STAGED"
    });
    let droplet = string(&cf.get(&format!("/v3/builds/{}", build.guid()), &[]).json["droplet"]["guid"]);
    assign(&cf, &guid, &droplet);
    let body = json!({"relationships": {"app": {"data": {"guid": guid}}}, "droplet": {"guid": droplet}, "revision": null,
        "strategy": null, "options": null, "metadata": none});
    let deployed = cf.post("/v3/deployments", &body).is(201);
    super::push::finished(&cf, &deployed, "DEPLOYED");
    // Lists in its way
    for path in ["/v3/apps", "/v3/spaces", "/v3/domains", "/v3/organizations", "/v3/users", "/v3/roles", "/v3/tasks"] {
        cf.list(path, &[("page", "1"), ("per_page", "50")]);
    }
    cf.get(&format!("/v3/spaces/{}", space.guid()), &[("include", "organization")]);
}
