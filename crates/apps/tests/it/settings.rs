//! Quotas that hold, flags, environment groups, stacks, buildpacks, and what is truthfully absent.

use super::house::{on_each, to};
use serde_json::{Value, json};
use std::io::Write;

#[tokio::test]
async fn quotas_hold() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let domain = house.domain().await;
        let quota = json!({ "name": "small", "routes": { "total_routes": 2 }, "domains": { "total_domains": 0 }, "apps": { "total_memory_in_mb": null } });
        let quota = admin.post("/v3/organization_quotas", quota, 201).await.guid();
        admin.refused("POST", "/v3/organization_quotas", json!({ "name": "small" }), 422, "Organization Quota 'small' already exists.").await;
        let apply = format!("/v3/organization_quotas/{quota}/relationships/organizations");
        admin.post(&apply, json!({ "data": [{ "guid": organization }] }), 200).await;
        let tiny = json!({ "name": "tiny", "routes": { "total_routes": 1 }, "relationships": { "organization": to(&organization), "spaces": { "data": [{ "guid": space }] } } });
        let tiny = admin.post("/v3/space_quotas", tiny, 201).await.guid();
        let route = |host: &str| json!({ "host": host, "relationships": { "space": to(&space), "domain": to(&domain) } });
        admin.post("/v3/routes", route("a"), 201).await;
        admin.refused("POST", "/v3/routes", route("b"), 422, "Routes quota exceeded for space 'dev'.").await;
        admin.call("DELETE", &format!("/v3/space_quotas/{tiny}/relationships/spaces/{space}"), Value::Null, 204).await;
        admin.post("/v3/routes", route("b"), 201).await;
        admin.refused("POST", "/v3/routes", route("c"), 422, "Routes quota exceeded for organization 'main'.").await;
        let private = json!({ "name": "a.org", "relationships": { "organization": to(&organization) } });
        let words = "The number of private domains exceeds the quota for organization \"main\"";
        admin.refused("POST", "/v3/domains", private, 422, words).await;
        let path = format!("/v3/organization_quotas/{quota}");
        let words = "This quota is applied to one or more organizations. Apply different quotas to those organizations before deleting.";
        admin.refused("DELETE", &path, Value::Null, 422, words).await;
        let body = admin.call("PATCH", &path, json!({ "routes": { "total_routes": null } }), 200).await.body;
        assert_eq!((&body["routes"]["total_routes"], &body["domains"]["total_domains"]), (&Value::Null, &json!(0)));
        admin.post("/v3/routes", route("c"), 201).await;
        admin.call("DELETE", &format!("/v3/space_quotas/{tiny}"), Value::Null, 202).await;
        let used = admin.get(&format!("/v3/spaces/{space}/usage_summary")).await;
        assert_eq!(used["usage_summary"]["routes"], 3);
    })
    .await;
}

#[tokio::test]
async fn flags_and_groups() {
    on_each(|house| async move {
        let admin = house.admin();
        admin.refused("GET", "/v3/feature_flags/nonsense", Value::Null, 404, "Feature flag not found").await;
        let words =
            "Feature flag 'diego_docker' cannot be changed: applications run from buildpacks; images are not run yet.";
        admin.refused("PATCH", "/v3/feature_flags/diego_docker", json!({ "enabled": true }), 422, words).await;
        let body = json!({ "enabled": false, "custom_error_message": "ask Bob" });
        assert_eq!(admin.call("PATCH", "/v3/feature_flags/route_creation", body, 200).await.body["enabled"], false);
        let (organization, space) = house.first().await;
        let dev = house.person("dev").await;
        house.role(&dev, "space_developer", &organization, &space).await;
        let route =
            json!({ "host": "a", "relationships": { "space": to(&space), "domain": to(&house.domain().await) } });
        dev.refused("POST", "/v3/routes", route.clone(), 403, "Feature Disabled: ask Bob").await;
        admin.post("/v3/routes", route, 201).await;

        let running = "/v3/environment_variable_groups/running";
        admin.call("PATCH", running, json!({ "var": { "A": "secret-1", "B": "2" } }), 200).await;
        let body = admin.call("PATCH", running, json!({ "var": { "B": null } }), 200).await.body;
        assert_eq!(body["var"], json!({ "A": "secret-1" }));
        admin.call("PATCH", running, json!({ "var": { "VCAP_X": "1" } }), 422).await;
        admin.call("PATCH", running, json!({ "var": { "X": 1 } }), 422).await;
        house.sealed().await;
        let (entries, _) = house
            .apps
            .db
            .read(|tx| ledger::find(tx, &ledger::Filter { limit: 1000, ..Default::default() }))
            .await
            .unwrap();
        let text = serde_json::to_string(&entries).unwrap();
        assert!(!text.contains("secret-1"), "no secret reaches the ledger");
    })
    .await;
}

fn zip(name: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"#!/bin/sh\n").unwrap();
    zip.finish().unwrap().into_inner()
}

fn form(filename: &str, bytes: &[u8]) -> Vec<u8> {
    let mut form =
        format!("--X\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"{filename}\"\r\n\r\n").into_bytes();
    form.extend_from_slice(bytes);
    form.extend_from_slice(b"\r\n--X--\r\n");
    form
}

#[tokio::test]
async fn buildpacks_keep_their_order() {
    on_each(|house| async move {
        let admin = house.admin();
        assert_eq!(admin.names("/v3/buildpacks", "name").await, ["staticfile_buildpack", "python_buildpack"]);
        let own = admin.post("/v3/buildpacks", json!({ "name": "own", "position": 2, "enabled": true }), 201).await;
        assert_eq!((&own.body["state"], &own.body["position"]), (&json!("AWAITING_UPLOAD"), &json!(2)));
        admin.refused("POST", "/v3/buildpacks", json!({ "name": "own" }), 422, "Buildpack with name 'own' and an unassigned stack already exists").await;
        admin.refused("POST", "/v3/buildpacks", json!({ "name": "x", "stack": "none" }), 422, "Stack 'none' does not exist").await;
        admin.post("/v3/buildpacks", json!({ "name": "last", "position": 99 }), 201).await;
        assert_eq!(admin.names("/v3/buildpacks", "name").await, ["staticfile_buildpack", "own", "python_buildpack", "last"]);
        let path = format!("/v3/buildpacks/{}", own.guid());
        let upload = format!("{path}/upload");
        let kind = "multipart/form-data; boundary=X";
        let answer = admin.send_raw("POST", &upload, kind, form("own.txt", b"hello")).await;
        assert_eq!((answer.status.as_u16(), answer.details()), (422, vec!["own.txt is not a zip file"]));
        let answer = admin.send_raw("POST", &upload, kind, form("own.zip", b"no zip")).await;
        assert_eq!((answer.status.as_u16(), answer.details()), (422, vec!["own.zip is not a zip file"]));
        let answer = admin.send_raw("POST", &upload, kind, b"--X--\r\n".to_vec()).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        let answer = admin.send_raw("POST", &upload, kind, form("own.zip", &zip("bin/detect"))).await;
        assert_eq!((answer.status.as_u16(), &answer.body["state"]), (202, &json!("READY")), "{}", answer.body);
        let job = answer.headers["location"].to_str().unwrap().trim_start_matches("http://api.test").to_owned();
        assert_eq!(admin.get(&job).await["state"], "COMPLETE");
        assert_eq!(admin.call("PATCH", &path, json!({ "position": 1, "stack": "host", "locked": true }), 200).await.body["position"], 1);
        let answer = admin.send_raw("POST", &upload, kind, form("own.zip", &zip("bin/detect"))).await;
        assert_eq!(answer.details(), ["Buildpack 'own' is locked: its archive stays as it is."]);
        assert_eq!(admin.names("/v3/buildpacks?order_by=-position&per_page=1", "name").await, ["last"]);
        admin.call("DELETE", &path, Value::Null, 202).await;
        let body = admin.get("/v3/buildpacks").await;
        let places: Vec<_> = body["resources"].as_array().unwrap().iter().map(|one| one["position"].clone()).collect();
        assert_eq!(places, [1, 2, 3]);
        let builtin = body["resources"][0]["guid"].as_str().unwrap();
        let words = "Buildpack 'staticfile_buildpack' is built in. Disable it instead.";
        admin.refused("DELETE", &format!("/v3/buildpacks/{builtin}"), Value::Null, 422, words).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_absent_is_empty_and_refused_with_words() {
    on_each(|house| async move {
        let admin = house.admin();
        for list in [
            "security_groups", "isolation_segments", "service_brokers", "service_offerings", "service_plans", "service_instances",
            "service_credential_bindings", "service_route_bindings", "service_usage_events",
        ] {
            assert_eq!(admin.get(&format!("/v3/{list}")).await["resources"], json!([]));
            admin.call("GET", &format!("/v3/{list}/x"), Value::Null, 404).await;
        }
        // As `cf marketplace`, `cf services` and `cf routes` ask.
        admin.get("/v3/service_plans?available=true&fields[service_offering.service_broker]=name,guid&include=service_offering&per_page=5000&space_guids=x").await;
        admin.get("/v3/service_instances?fields[service_plan]=guid,name,relationships.service_offering&fields[service_plan.service_offering]=guid,name&fields[service_plan.service_offering.service_broker]=guid,name&order_by=name&per_page=5000&space_guids=x").await;
        admin.get("/v3/service_route_bindings?include=service_instance&route_guids=x").await;
        let words = "Data services are not offered yet: give the app what it needs as environment variables.";
        admin.refused("POST", "/v3/service_instances", json!({ "type": "managed" }), 422, words).await;
        let matches = admin.post("/v3/resource_matches", json!({ "resources": [] }), 201).await;
        assert_eq!(matches.body, json!({ "resources": [] }));
    })
    .await;
}
