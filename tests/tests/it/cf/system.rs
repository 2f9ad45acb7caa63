//! buildpacks, stacks, feature flags, environment groups, quotas, and the services that are not there.

use super::client::{Cf, string, zip};
use super::shape;
use serde_json::json;
use tests::Pitlane;

#[test]
fn t08_create_buildpack_uploads_a_zip() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    for query in [&[][..], &[("order_by", "position")]] {
        let listed = cf.list("/v3/buildpacks", query);
        listed.resources().iter().for_each(shape::buildpack);
        let positions: Vec<_> =
            listed.resources().iter().map(|one| one["position"].as_u64().expect("a number")).collect();
        assert!(positions.is_sorted() && positions.first() == Some(&1), "{positions:?}");
    }
    let folder = pitlane.folder.path().join("pack");
    std::fs::create_dir_all(folder.join("bin")).expect("a folder");
    for (name, text) in [
        ("detect", "#!/bin/sh\necho mine\n"),
        ("compile", "#!/bin/sh\necho '-----> Mine'\n"),
        ("release", "#!/bin/sh\necho 'default_process_types: {web: sleep 1000}'\n"),
    ] {
        let path = folder.join("bin").join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    }
    let bits = zip(&pitlane, &folder, "mine-v1.zip");
    let made = cf.post("/v3/buildpacks", &json!({"name": "mine", "position": 1, "enabled": true})).is(201);
    shape::buildpack(&made.json);
    assert_eq!(
        (&made.json["state"], &made.json["position"], &made.json["filename"]),
        (&json!("AWAITING_UPLOAD"), &json!(1), &json!(null))
    );
    let uploaded = cf.upload(&format!("/v3/buildpacks/{}/upload", made.guid()), None, &bits, "mine-v1.zip");
    cf.done(&uploaded);
    shape::buildpack(&uploaded.json);
    let shown = cf.get(&format!("/v3/buildpacks/{}/", made.guid()), &[]);
    assert_eq!((&shown.json["state"], &shown.json["filename"]), (&json!("READY"), &json!("mine-v1.zip")));
    let taken = cf.post("/v3/buildpacks", &json!({"name": "mine", "position": 2, "enabled": true})).is(422);
    assert!(taken.detail().contains("Buildpack with name 'mine'"), "{}", taken.detail());

    // What it stages
    super::push::apply(
        &cf,
        "applications:\n- name: app\n  no-route: true\n  buildpacks: [mine]\n  health-check-type: process\n",
    );
    let app = cf.app_guid("app");
    let droplet = super::push::stage(&cf, &app, &super::push::page(&pitlane));
    let droplet = cf.get(&format!("/v3/droplets/{droplet}"), &[]).json;
    assert_eq!(
        (&droplet["buildpacks"][0]["name"], &droplet["process_types"]["web"]),
        (&json!("mine"), &json!("sleep 1000")),
        "{droplet}"
    );

    // update-buildpack, delete-buildpack
    let found = cf.list("/v3/buildpacks", &[("names", "mine")]);
    let path = format!("/v3/buildpacks/{}", string(&found.first()["guid"]));
    let changed = cf.patch(&path, &json!({"position": 3, "enabled": false, "locked": true})).is(200);
    assert_eq!(
        (&changed.json["position"], &changed.json["enabled"], &changed.json["locked"]),
        (&json!(3), &json!(false), &json!(true))
    );
    cf.done(&cf.delete(&path));

    // What is no zip fails its job with words; the client reads the first error.
    let made = cf.post("/v3/buildpacks", &json!({"name": "broken", "enabled": true})).is(201);
    let file = pitlane.folder.path().join("broken.zip");
    std::fs::write(&file, "no zip").expect("written");
    let answer = cf.upload(&format!("/v3/buildpacks/{}/upload", made.guid()), None, &file, "broken.zip");
    if answer.status == 202 {
        assert_eq!(cf.job(&answer)["state"], "FAILED");
    } else {
        assert!(!answer.is(422).detail().is_empty());
    }
}

#[test]
fn stacks_flags_groups_and_absent_services() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let stacks = cf.list("/v3/stacks", &[]);
    stacks.resources().iter().for_each(shape::stack);
    cf.list("/v3/stacks", &[("names", &string(&stacks.first()["name"])), ("page", "1"), ("per_page", "1")]).first();

    let flags = cf.list("/v3/feature_flags", &[]);
    for flag in flags.resources() {
        assert!(flag["name"].is_string() && flag["enabled"].is_boolean(), "{flag}");
        assert!(flag.get("custom_error_message").is_some() && flag.get("updated_at").is_some(), "{flag}");
    }
    for name in ["diego_docker", "route_sharing", "task_creation", "hide_marketplace_from_unauthenticated_users"] {
        assert!(flags.names().iter().any(|have| have == name), "{name}");
    }
    assert_eq!(cf.patch("/v3/feature_flags/route_sharing", &json!({"enabled": true})).is(200).json["enabled"], true);
    let unknown = cf.call("GET", "/v3/feature_flags/none", &[], None).is(404);
    assert_eq!(unknown.detail(), "Feature flag not found");

    for name in ["running", "staging"] {
        let path = format!("/v3/environment_variable_groups/{name}");
        assert!(cf.get(&path, &[]).json["var"].is_object());
        assert_eq!(cf.patch(&path, &json!({"var": {"GROUP": name}})).is(200).json["var"]["GROUP"], name);
    }

    // marketplace, services: empty, in the shape that is asked for
    let plans = cf.list(
        "/v3/service_plans",
        &[
            ("available", "true"),
            ("fields[service_offering.service_broker]", "name,guid"),
            ("include", "service_offering"),
            ("per_page", "5000"),
            ("space_guids", &cf.space),
        ],
    );
    assert!(plans.resources().is_empty());
    let instances = cf.list(
        "/v3/service_instances",
        &[
            ("fields[service_plan]", "guid,name,relationships.service_offering"),
            ("fields[service_plan.service_offering]", "guid,name,relationships.service_broker"),
            ("fields[service_plan.service_offering.service_broker]", "guid,name"),
            ("order_by", "name"),
            ("per_page", "5000"),
            ("space_guids", &cf.space),
        ],
    );
    assert!(instances.resources().is_empty());
    for (path, query) in [
        ("/v3/service_offerings", &[("fields[service_broker]", "name,guid")][..]),
        ("/v3/service_brokers", &[]),
        ("/v3/service_credential_bindings", &[("include", "app")]),
        ("/v3/security_groups", &[]),
        ("/v3/isolation_segments", &[]),
    ] {
        cf.list(path, query);
    }
    for (path, query) in [("/v3/organization_quotas", &[][..]), ("/v3/space_quotas", &[])] {
        cf.list(path, query);
    }
    let body = json!({"name": "small", "apps": {"total_memory_in_mb": 1024, "per_process_memory_in_mb": null, "total_instances": null,
        "log_rate_limit_in_bytes_per_second": null}, "services": {"paid_services_allowed": true, "total_service_instances": null},
        "routes": {"total_routes": null, "total_reserved_ports": null}});
    let quota = cf.post("/v3/organization_quotas", &body).is(201);
    assert_eq!(quota.json["apps"]["total_memory_in_mb"], 1024);
    let path = format!("/v3/organization_quotas/{}", quota.guid());
    cf.post(&format!("{path}/relationships/organizations"), &json!({"data": [{"guid": cf.org}]})).is(200);
    assert!(
        cf.get(&path, &[]).json["relationships"]["organizations"]["data"]
            .as_array()
            .is_some_and(|list| list.len() == 1)
    );
    // What is deprecated or wrong in a request is a warning, each URL-encoded.
    let bad = cf.call("GET", "/v3/apps", &[("nmaes", "x")], None).is(400);
    assert_eq!(bad.json["errors"][0]["code"], 10005);
    assert!(bad.detail().starts_with("The query parameter is invalid: "), "{}", bad.detail());
    for per_page in ["0", "5001", "x"] {
        cf.call("GET", "/v3/apps", &[("per_page", per_page)], None).is(400);
    }
}
