//! Who may do what: every endpoint is asked by everybody. An endpoint without a case fails the test.
//!
//! A case has one letter a caller, in the order of [`WHO`]: `O` done, `E` done and the list is empty, `F` 403, `N` 404,
//! `I` allowed or not told apart, but refused for its content (400, 422). Nobody (no token) gets 401 but for [`PUBLIC`].

use super::house::{Asker, House, to};
use identity::Authentication;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use store::DbUrl;

const WHO: [&str; 8] = [
    "stranger",
    "organization_user",
    "space_auditor",
    "space_supporter",
    "space_developer",
    "space_manager",
    "organization_manager",
    "admin",
];

const PUBLIC: [&str; 4] = ["GET /", "GET /v3", "GET /v3/info", "GET /api/v1/info"];

/// `$app` and the like stand for guids of the fixture, in paths and bodies.
const CASES: &[(&str, &str, &str)] = &[
    ("GET /", "", "OOOOOOOO"),
    ("GET /v3", "", "OOOOOOOO"),
    ("GET /v3/info", "", "OOOOOOOO"),
    ("GET /v3/info/usage_summary", "", "FFFFFFFO"),
    ("GET /v3/jobs/{guid}", "", "OOOOOOOO"),
    ("GET /v3/audit_events", "", "EEOOOEEO"),
    ("GET /v3/audit_events/{guid}", "", "NNOOONNO"),
    ("POST /v3/resource_matches", r#"{"resources":[]}"#, "OOOOOOOO"),
    ("GET /api/v1/info", "", "OOOOOOOO"),
    ("GET /api/v1/meta", "", "OOOOOOOO"),
    ("GET /api/v1/read/{source}", "", "NNOOOOOO"),
    ("GET /v2/read", "", "NNOOOOOO"),
    // Organizations and spaces.
    ("GET /v3/organizations", "", "EOOOOOOO"),
    ("POST /v3/organizations", r#"{"name":"new"}"#, "FFFFFFFO"),
    ("GET /v3/organizations/{guid}", "", "NOOOOOOO"),
    ("PATCH /v3/organizations/{guid}", r#"{"name":"renamed"}"#, "NFFFFFOO"),
    ("DELETE /v3/organizations/{guid}", "", "NFFFFFFO"),
    ("GET /v3/organizations/{guid}/domains", "", "NOOOOOOO"),
    ("GET /v3/organizations/{guid}/domains/default", "", "NOOOOOOO"),
    ("GET /v3/organizations/{guid}/users", "", "NOOOOOOO"),
    ("GET /v3/organizations/{guid}/usage_summary", "", "NOOOOOOO"),
    ("GET /v3/organizations/{guid}/relationships/default_isolation_segment", "", "NOOOOOOO"),
    ("PATCH /v3/organizations/{guid}/relationships/default_isolation_segment", r#"{"data":null}"#, "NFFFFFOO"),
    ("GET /v3/spaces", "", "EEOOOOOO"),
    (
        "POST /v3/spaces",
        r#"{"name":"new","relationships":{"organization":{"data":{"guid":"$organization"}}}}"#,
        "IFFFFFOO",
    ),
    ("GET /v3/spaces/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/spaces/{guid}", r#"{"name":"renamed"}"#, "NNFFFOOO"),
    ("DELETE /v3/spaces/{guid}", "", "NNFFFFOO"),
    ("GET /v3/spaces/{guid}/features", "", "NNOOOOOO"),
    ("GET /v3/spaces/{guid}/features/{name}", "", "NNOOOOOO"),
    ("PATCH /v3/spaces/{guid}/features/{name}", r#"{"enabled":false}"#, "NNFFFOOO"),
    ("GET /v3/spaces/{guid}/users", "", "NNOOOOOO"),
    ("GET /v3/spaces/{guid}/usage_summary", "", "NNOOOOOO"),
    ("GET /v3/spaces/{guid}/running_security_groups", "", "NNEEEEEE"),
    ("GET /v3/spaces/{guid}/staging_security_groups", "", "NNEEEEEE"),
    ("GET /v3/spaces/{guid}/relationships/isolation_segment", "", "NNOOOOOO"),
    ("PATCH /v3/spaces/{guid}/relationships/isolation_segment", r#"{"data":null}"#, "NNFFFOOO"),
    ("DELETE /v3/spaces/{guid}/routes", "", "NNFFOFFO"),
    ("POST /v3/spaces/{guid}/actions/apply_manifest", "applications:\n- name: made\n", "NNFFOFFO"),
    ("POST /v3/spaces/{guid}/manifest_diff", "applications:\n- name: made\n", "NNFFOFFO"),
    // Roles and users.
    ("GET /v3/roles", "", "EOOOOOOO"),
    (
        "POST /v3/roles",
        r#"{"type":"space_auditor","relationships":{"space":{"data":{"guid":"$space"}},"user":{"data":{"username":"organization_user"}}}}"#,
        "IIFFFOOO",
    ),
    ("GET /v3/roles/{guid}", "", "NNOOOOOO"),
    ("DELETE /v3/roles/{guid}", "", "NNFFFOOO"),
    ("GET /v3/users", "", "OOOOOOOO"),
    ("POST /v3/users", r#"{"guid":"$user"}"#, "FFFFFFFO"),
    ("GET /v3/users/{guid}", "", "NOOOOOOO"),
    ("PATCH /v3/users/{guid}", "{}", "NFFFFFFO"),
    ("DELETE /v3/users/{guid}", "", "NFFFFFFO"),
    // Domains and routes.
    ("GET /v3/domains", "", "OOOOOOOO"),
    (
        "POST /v3/domains",
        r#"{"name":"new.org","relationships":{"organization":{"data":{"guid":"$organization"}}}}"#,
        "IFFFFFOO",
    ),
    ("GET /v3/domains/{guid}", "", "NOOOOOOO"),
    ("PATCH /v3/domains/{guid}", "{}", "NFFFFFOO"),
    ("DELETE /v3/domains/{guid}", "", "NFFFFFII"),
    ("GET /v3/domains/{guid}/route_reservations", "", "NOOOOOOO"),
    ("GET /v3/domains/{guid}/relationships/shared_organizations", "", "NOOOOOOO"),
    ("POST /v3/domains/{guid}/relationships/shared_organizations", r#"{"data":[{"guid":"$other"}]}"#, "NFFFFFIO"),
    ("DELETE /v3/domains/{guid}/relationships/shared_organizations/{organization}", "", "NNNNNNOO"),
    ("GET /v3/routes", "", "EEOOOOOO"),
    (
        "POST /v3/routes",
        r#"{"host":"new","relationships":{"space":{"data":{"guid":"$space"}},"domain":{"data":{"guid":"$domain"}}}}"#,
        "IIFFOFFO",
    ),
    ("GET /v3/routes/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/routes/{guid}", r#"{"options":{}}"#, "NNFOOFFO"),
    ("DELETE /v3/routes/{guid}", "", "NNFFOFFO"),
    ("GET /v3/routes/{guid}/destinations", "", "NNOOOOOO"),
    ("POST /v3/routes/{guid}/destinations", r#"{"destinations":[{"app":{"guid":"$app"}}]}"#, "NNFOOFFO"),
    ("PATCH /v3/routes/{guid}/destinations", r#"{"destinations":[]}"#, "NNFOOFFO"),
    ("PATCH /v3/routes/{guid}/destinations/{destination}", r#"{"protocol":"http2"}"#, "NNFOOFFO"),
    ("DELETE /v3/routes/{guid}/destinations/{destination}", "", "NNFOOFFO"),
    ("GET /v3/routes/{guid}/relationships/shared_spaces", "", "NNOOOOOO"),
    ("POST /v3/routes/{guid}/relationships/shared_spaces", r#"{"data":[{"guid":"$other_space"}]}"#, "NNFFFFFO"),
    ("DELETE /v3/routes/{guid}/relationships/shared_spaces/{space}", "", "NNFFIFFI"),
    ("PATCH /v3/routes/{guid}/relationships/space", r#"{"data":{"guid":"$other_space"}}"#, "NNFFFFFO"),
    ("GET /v3/apps/{guid}/routes", "", "NNOOOOOO"),
    // What administrators set.
    ("GET /v3/feature_flags", "", "OOOOOOOO"),
    ("GET /v3/feature_flags/{name}", "", "OOOOOOOO"),
    ("PATCH /v3/feature_flags/{name}", r#"{"enabled":false}"#, "FFFFFFFO"),
    ("GET /v3/environment_variable_groups/{name}", "", "OOOOOOOO"),
    ("PATCH /v3/environment_variable_groups/{name}", r#"{"var":{"A":"b"}}"#, "FFFFFFFO"),
    ("GET /v3/stacks", "", "OOOOOOOO"),
    ("POST /v3/stacks", r#"{"name":"x"}"#, "FFFFFFFI"),
    ("GET /v3/stacks/{guid}", "", "OOOOOOOO"),
    ("PATCH /v3/stacks/{guid}", "{}", "FFFFFFFO"),
    ("DELETE /v3/stacks/{guid}", "", "FFFFFFFI"),
    ("GET /v3/stacks/{guid}/apps", "", "EEOOOOOO"),
    ("GET /v3/buildpacks", "", "OOOOOOOO"),
    ("POST /v3/buildpacks", r#"{"name":"x"}"#, "FFFFFFFO"),
    ("GET /v3/buildpacks/{guid}", "", "OOOOOOOO"),
    ("PATCH /v3/buildpacks/{guid}", "{}", "FFFFFFFO"),
    ("DELETE /v3/buildpacks/{guid}", "", "FFFFFFFO"),
    ("POST /v3/buildpacks/{guid}/upload", "zip", "FFFFFFFO"),
    ("GET /v3/organization_quotas", "", "EOOOOOOO"),
    ("POST /v3/organization_quotas", r#"{"name":"x"}"#, "FFFFFFFO"),
    ("GET /v3/organization_quotas/{guid}", "", "NOOOOOOO"),
    ("PATCH /v3/organization_quotas/{guid}", "{}", "NFFFFFFO"),
    ("DELETE /v3/organization_quotas/{guid}", "", "NFFFFFFI"),
    (
        "POST /v3/organization_quotas/{guid}/relationships/organizations",
        r#"{"data":[{"guid":"$organization"}]}"#,
        "NFFFFFFO",
    ),
    ("GET /v3/space_quotas", "", "EEOOOOOO"),
    (
        "POST /v3/space_quotas",
        r#"{"name":"x","relationships":{"organization":{"data":{"guid":"$organization"}}}}"#,
        "IFFFFFOO",
    ),
    ("GET /v3/space_quotas/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/space_quotas/{guid}", "{}", "NNFFFFOO"),
    ("DELETE /v3/space_quotas/{guid}", "", "NNFFFFOO"),
    ("POST /v3/space_quotas/{guid}/relationships/spaces", r#"{"data":[{"guid":"$space"}]}"#, "NNFFFFOO"),
    ("DELETE /v3/space_quotas/{guid}/relationships/spaces/{space}", "", "NNFFFFOO"),
    // Usage events are for who sees the whole platform.
    ("GET /v3/app_usage_events", "", "FFFFFFFO"),
    ("GET /v3/app_usage_events/{guid}", "", "NNNNNNNO"),
    ("POST /v3/app_usage_events/actions/destructively_purge_all_and_reseed", "", "FFFFFFFO"),
    // What is absent.
    ("GET /routing/v1/router_groups", "", "OOOOOOOO"),
    ("GET /networking/v1/external/policies", "", "OOOOOOOO"),
    ("POST /networking/v1/external/policies", r#"{"policies":[]}"#, "IIIIIIII"),
    ("POST /networking/v1/external/policies/delete", r#"{"policies":[]}"#, "OOOOOOOO"),
    ("GET /v3/security_groups", "", "EEEEEEEE"),
    ("POST /v3/security_groups", "{}", "FFFFFFFI"),
    ("GET /v3/security_groups/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/security_groups/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/security_groups/{guid}", "", "NNNNNNNN"),
    ("GET /v3/isolation_segments", "", "EEEEEEEE"),
    ("POST /v3/isolation_segments", "{}", "FFFFFFFI"),
    ("GET /v3/isolation_segments/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/isolation_segments/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/isolation_segments/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_brokers", "", "EEEEEEEE"),
    ("POST /v3/service_brokers", "{}", "FFFFFFFI"),
    ("GET /v3/service_brokers/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/service_brokers/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/service_brokers/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_instances", "", "EEEEEEEE"),
    ("POST /v3/service_instances", "{}", "IIIIIIII"),
    ("GET /v3/service_instances/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/service_instances/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/service_instances/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_credential_bindings", "", "EEEEEEEE"),
    ("POST /v3/service_credential_bindings", "{}", "IIIIIIII"),
    ("GET /v3/service_credential_bindings/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/service_credential_bindings/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/service_credential_bindings/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_route_bindings", "", "EEEEEEEE"),
    ("POST /v3/service_route_bindings", "{}", "IIIIIIII"),
    ("GET /v3/service_route_bindings/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/service_route_bindings/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/service_route_bindings/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_offerings", "", "EEEEEEEE"),
    ("GET /v3/service_offerings/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/service_offerings/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/service_offerings/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_plans", "", "EEEEEEEE"),
    ("GET /v3/service_plans/{guid}", "", "NNNNNNNN"),
    ("PATCH /v3/service_plans/{guid}", "{}", "NNNNNNNN"),
    ("DELETE /v3/service_plans/{guid}", "", "NNNNNNNN"),
    ("GET /v3/service_usage_events", "", "EEEEEEEE"),
    ("GET /v3/service_usage_events/{guid}", "", "NNNNNNNN"),
    // Apps.
    ("GET /v3/apps", "", "EEOOOOOO"),
    ("POST /v3/apps", r#"{"name":"new","relationships":{"space":{"data":{"guid":"$space"}}}}"#, "IIFFOFFO"),
    ("GET /v3/apps/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/apps/{guid}", r#"{"name":"renamed"}"#, "NNFFOFFO"),
    ("DELETE /v3/apps/{guid}", "", "NNFFOFFO"),
    ("POST /v3/apps/{guid}/actions/clear_buildpack_cache", "", "NNFOOFFO"),
    ("POST /v3/apps/{guid}/actions/start", "", "NNFOOFFO"),
    ("POST /v3/apps/{guid}/actions/stop", "", "NNFOOFFO"),
    ("POST /v3/apps/{guid}/actions/restart", "", "NNFOOFFO"),
    ("GET /v3/apps/{guid}/droplets/current", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/relationships/current_droplet", "", "NNOOOOOO"),
    ("PATCH /v3/apps/{guid}/relationships/current_droplet", r#"{"data":{"guid":"$droplet"}}"#, "NNFOOFFO"),
    ("GET /v3/apps/{guid}/env", "", "NNFOOFFO"),
    ("GET /v3/apps/{guid}/environment_variables", "", "NNFOOFFO"),
    ("PATCH /v3/apps/{guid}/environment_variables", r#"{"var":{"A":"b"}}"#, "NNFOOFFO"),
    ("GET /v3/apps/{guid}/features", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/features/{name}", "", "NNOOOOOO"),
    ("PATCH /v3/apps/{guid}/features/{name}", r#"{"enabled":false}"#, "NNFFOFFO"),
    ("GET /v3/apps/{guid}/permissions", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/ssh_enabled", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/traffic", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/manifest", "", "NNFFOFFO"),
    ("GET /v3/apps/{guid}/processes", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/processes/{kind}", "", "NNOOOOOO"),
    ("PATCH /v3/apps/{guid}/processes/{kind}", "{}", "NNFFOFFO"),
    ("POST /v3/apps/{guid}/processes/{kind}/actions/scale", r#"{"instances":2}"#, "NNFOOFFO"),
    ("DELETE /v3/apps/{guid}/processes/{kind}/instances/{index}", "", "NNFOOFFO"),
    ("GET /v3/apps/{guid}/processes/{kind}/process_instances", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/processes/{kind}/stats", "", "NNOOOOOO"),
    ("GET /v3/processes", "", "EEOOOOOO"),
    ("GET /v3/processes/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/processes/{guid}", "{}", "NNFFOFFO"),
    ("POST /v3/processes/{guid}/actions/scale", r#"{"instances":2}"#, "NNFOOFFO"),
    ("DELETE /v3/processes/{guid}/instances/{index}", "", "NNFOOFFO"),
    ("GET /v3/processes/{guid}/process_instances", "", "NNOOOOOO"),
    ("GET /v3/processes/{guid}/sidecars", "", "NNOOOOOO"),
    ("GET /v3/processes/{guid}/stats", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/sidecars", "", "NNOOOOOO"),
    ("POST /v3/apps/{guid}/sidecars", r#"{"name":"s","command":"true","process_types":["web"]}"#, "NNFFOFFO"),
    ("GET /v3/sidecars/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/sidecars/{guid}", "{}", "NNFFOFFO"),
    ("DELETE /v3/sidecars/{guid}", "", "NNFFOFFO"),
    ("GET /v3/apps/{guid}/revisions", "", "NNOOOOOO"),
    ("GET /v3/apps/{guid}/revisions/deployed", "", "NNOOOOOO"),
    ("GET /v3/revisions/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/revisions/{guid}", "{}", "NNFFOFFO"),
    ("GET /v3/revisions/{guid}/environment_variables", "", "NNFOOFFO"),
    // Packages, builds, droplets.
    ("GET /v3/packages", "", "EEOOOOOO"),
    ("POST /v3/packages", r#"{"type":"bits","relationships":{"app":{"data":{"guid":"$app"}}}}"#, "IIFFOFFO"),
    ("GET /v3/packages/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/packages/{guid}", "{}", "NNFFOFFO"),
    ("DELETE /v3/packages/{guid}", "", "NNFFOFFO"),
    ("POST /v3/packages/{guid}/upload", "zip", "NNFFIFFI"),
    ("GET /v3/packages/{guid}/download", "", "NNFFOFFO"),
    ("GET /v3/packages/{guid}/droplets", "", "NNEEEEEE"),
    ("GET /v3/apps/{guid}/packages", "", "NNOOOOOO"),
    ("GET /v3/builds", "", "EEOOOOOO"),
    ("POST /v3/builds", r#"{"package":{"guid":"$package"}}"#, "IIFIIFFI"),
    ("GET /v3/builds/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/builds/{guid}", "{}", "NNFFOFFO"),
    ("GET /v3/apps/{guid}/builds", "", "NNOOOOOO"),
    ("GET /v3/droplets", "", "EEOOOOOO"),
    ("POST /v3/droplets", r#"{"relationships":{"app":{"data":{"guid":"$app"}}}}"#, "IIFFOFFO"),
    ("GET /v3/droplets/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/droplets/{guid}", "{}", "NNFFOFFO"),
    ("DELETE /v3/droplets/{guid}", "", "NNFFIFFI"),
    ("POST /v3/droplets/{guid}/upload", "zip", "NNFFIFFI"),
    ("GET /v3/droplets/{guid}/download", "", "NNOFOOOO"),
    ("GET /v3/apps/{guid}/droplets", "", "NNOOOOOO"),
    // Tasks and deployments.
    ("GET /v3/tasks", "", "EEOOOOOO"),
    ("GET /v3/tasks/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/tasks/{guid}", "{}", "NNFFOFFO"),
    ("PUT /v3/tasks/{guid}/cancel", "", "NNFFOFFO"),
    ("POST /v3/tasks/{guid}/actions/cancel", "", "NNFFOFFO"),
    ("GET /v3/apps/{guid}/tasks", "", "NNOOOOOO"),
    ("POST /v3/apps/{guid}/tasks", r#"{"command":"true"}"#, "NNFFOFFO"),
    ("GET /v3/deployments", "", "EEOOOOOO"),
    ("POST /v3/deployments", r#"{"relationships":{"app":{"data":{"guid":"$app"}}}}"#, "IIFOOFFO"),
    ("GET /v3/deployments/{guid}", "", "NNOOOOOO"),
    ("PATCH /v3/deployments/{guid}", "{}", "NNFFOFFO"),
    ("POST /v3/deployments/{guid}/actions/cancel", "", "NNFIIFFI"),
    ("POST /v3/deployments/{guid}/actions/continue", "", "NNFIIFFI"),
];

#[test]
fn every_endpoint_has_a_case() {
    let routes = apps::api::routes();
    let built: BTreeSet<String> = routes.list().iter().map(|(method, path)| format!("{method} {path}")).collect();
    let cases: BTreeSet<String> = CASES.iter().map(|(endpoint, ..)| (*endpoint).to_owned()).collect();
    let missing: Vec<_> = built.difference(&cases).collect();
    let gone: Vec<_> = cases.difference(&built).collect();
    assert!(missing.is_empty() && gone.is_empty(), "without a case: {missing:#?}; case without endpoint: {gone:#?}");
    assert_eq!(cases.len(), CASES.len(), "a case stands twice");
}

/// A platform with one of everything, on disk, to be copied for each case.
struct Fixture {
    /// Open while it is copied, so that no file of the database comes or goes.
    _house: House,
    folder: tempfile::TempDir,
    guids: BTreeMap<&'static str, String>,
    people: BTreeMap<&'static str, Authentication>,
}

fn zip() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("index.html", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"hello").unwrap();
    zip.finish().unwrap().into_inner()
}

fn form(filename: &str, bytes: &[u8]) -> Vec<u8> {
    let mut form =
        format!("--X\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"{filename}\"\r\n\r\n").into_bytes();
    form.extend_from_slice(bytes);
    form.extend_from_slice(b"\r\n--X--\r\n");
    form
}

async fn upload(asker: &Asker, path: &str, filename: &str, bytes: &[u8]) -> super::house::Answer {
    asker.send_raw("POST", path, "multipart/form-data; boundary=X", form(filename, bytes)).await
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), folder.path()).await;
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let mut people = BTreeMap::from([("admin", admin.who.clone())]);
        let mut user = String::new();
        for role in &WHO[..7] {
            let person = house.person(role).await;
            if *role != "stranger" {
                house.role(&person, role, &organization, &space).await;
            }
            if *role == "space_auditor" {
                user = person.guid().to_owned();
            }
            people.insert(role, person.who.clone());
        }
        let guid = |path: &'static str, body: Value| {
            let admin = admin.clone();
            async move { admin.post(path, body, 201).await.guid() }
        };
        let other = guid("/v3/organizations", json!({ "name": "other" })).await;
        let other_space =
            guid("/v3/spaces", json!({ "name": "other", "relationships": { "organization": to(&other) } })).await;
        let private = json!({ "name": "example.org", "relationships": { "organization": to(&organization), "shared_organizations": { "data": [{ "guid": other }] } } });
        let private = guid("/v3/domains", private).await;
        let domain = house.domain().await;
        let app = house.app("app", &space).await;
        let route = guid(
            "/v3/routes",
            json!({ "host": "www", "relationships": { "space": to(&space), "domain": to(&domain) } }),
        )
        .await;
        let path = format!("/v3/routes/{route}/destinations");
        let mapped = admin.post(&path, json!({ "destinations": [{ "app": { "guid": app } }] }), 200).await.body;
        let destination = mapped["destinations"][0]["guid"].as_str().unwrap().to_owned();
        let of_app = json!({ "app": to(&app) });
        let package = guid("/v3/packages", json!({ "type": "bits", "relationships": of_app })).await;
        let answer = upload(&admin, &format!("/v3/packages/{package}/upload"), "package.zip", &zip()).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        let droplet =
            guid("/v3/droplets", json!({ "relationships": of_app, "process_types": { "web": "serve" } })).await;
        let answer = upload(&admin, &format!("/v3/droplets/{droplet}/upload"), "droplet.tgz", &tgz()).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        let current = format!("/v3/apps/{app}/relationships/current_droplet");
        admin.call("PATCH", &current, json!({ "data": { "guid": droplet } }), 200).await;
        let build = guid("/v3/builds", json!({ "package": { "guid": package } })).await;
        let task = admin.post(&format!("/v3/apps/{app}/tasks"), json!({ "command": "true" }), 202).await.guid();
        let sidecar = json!({ "name": "beside", "command": "true", "process_types": ["web"] });
        let sidecar = admin.post(&format!("/v3/apps/{app}/sidecars"), sidecar, 201).await.guid();
        let deployment = guid("/v3/deployments", json!({ "relationships": of_app })).await;
        let buildpack = guid("/v3/buildpacks", json!({ "name": "own" })).await;
        let space_quota = json!({ "name": "q", "relationships": { "organization": to(&organization), "spaces": { "data": [{ "guid": space }] } } });
        let space_quota = guid("/v3/space_quotas", space_quota).await;
        let first = |body: Value| body["resources"][0]["guid"].as_str().unwrap().to_owned();
        let role = first(admin.get("/v3/roles?types=space_auditor").await);
        let quota = first(admin.get("/v3/organization_quotas").await);
        let stack = first(admin.get("/v3/stacks").await);
        let event = first(admin.get(&format!("/v3/audit_events?target_guids={app}")).await);
        let revision = first(admin.get(&format!("/v3/apps/{app}/revisions")).await);
        let usage = first(admin.get("/v3/app_usage_events").await);
        let job = house.apps.db.write(|tx| apps::repo::job::job_completed(tx, "test")).await.unwrap().guid;
        let guids = BTreeMap::from([
            ("organizations", organization.clone()),
            ("organization", organization),
            ("spaces", space.clone()),
            ("space", space),
            ("other", other),
            ("other_space", other_space),
            ("domains", private),
            ("domain", domain),
            ("apps", app.clone()),
            ("app", app.clone()),
            ("source", app.clone()),
            ("processes", app),
            ("routes", route),
            ("destination", destination),
            ("packages", package.clone()),
            ("package", package),
            ("droplets", droplet.clone()),
            ("droplet", droplet),
            ("builds", build),
            ("tasks", task),
            ("deployments", deployment),
            ("sidecars", sidecar),
            ("revisions", revision),
            ("app_usage_events", usage),
            ("buildpacks", buildpack),
            ("space_quotas", space_quota),
            ("roles", role),
            ("organization_quotas", quota),
            ("stacks", stack),
            ("audit_events", event),
            ("jobs", job),
            ("users", user.clone()),
            ("user", user),
            ("kind", "web".into()),
            ("index", "0".into()),
        ]);
        Self { _house: house, folder, guids, people }
    }

    /// A platform of its own for a case that changes something.
    async fn copy(&self) -> (House, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        (House::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), folder.path()).await, folder)
    }

    fn path(&self, template: &str) -> String {
        let resource = template.split('/').nth(2).unwrap_or_default();
        let name = match resource {
            "feature_flags" => "task_creation",
            "environment_variable_groups" => "running",
            _ => "ssh",
        };
        let mut path = template.replace("{name}", name);
        path = path.replace("{guid}", self.guids.get(resource).map_or("x", String::as_str));
        if template.ends_with("shared_organizations/{organization}") {
            path = path.replace("{organization}", &self.guids["other"]);
        }
        for (key, guid) in &self.guids {
            path = path.replace(&format!("{{{key}}}"), guid);
        }
        match template {
            "/v3/spaces/{guid}/routes" => path + "?unmapped=true",
            "/v2/read" => format!("{path}?log=&source_id={}", self.guids["app"]),
            _ => path,
        }
    }

    fn body(&self, template: &str) -> String {
        let mut keys: Vec<_> = self.guids.iter().collect();
        keys.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
        keys.iter()
            .fold(template.to_owned(), |body, (key, guid)| body.replace(&format!("\"${key}\""), &format!("\"{guid}\"")))
    }
}

fn tgz() -> Vec<u8> {
    // An empty archive: two zero blocks, as gzip.
    let raw = [0_u8; 1024];
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&raw).unwrap();
    gz.finish().unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        // SQLite's shared memory is of the process that has it open.
        if entry.file_name().to_string_lossy().ends_with("-shm") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

async fn outcome(asker: &Asker, method: &str, path: &str, body: &str) -> (char, String) {
    let answer = if path.starts_with("/v2/read") {
        // A stream has no end: its head is enough.
        let status = asker.head_of_stream(path).await;
        return (if status == 200 { 'O' } else { letter(status, &Value::Null) }, status.to_string());
    } else if body == "zip" {
        upload(asker, path, "bits.zip", &zip()).await
    } else {
        let kind = if body.starts_with("applications") { "application/x-yaml" } else { "application/json" };
        asker.send_raw(method, path, kind, body.to_owned()).await
    };
    (letter(answer.status.as_u16(), &answer.body), format!("{} {}", answer.status, answer.body))
}

fn letter(status: u16, body: &Value) -> char {
    match status {
        200..300 if body["resources"].as_array().is_some_and(Vec::is_empty) && body["pagination"].is_object() => 'E',
        200..300 => 'O',
        401 => 'U',
        403 => 'F',
        404 => 'N',
        400 | 422 => 'I',
        _ => '?',
    }
}

async fn walk(index: usize) {
    let fixture = Fixture::new().await;
    let who = WHO[index];
    let (shared, _folder) = fixture.copy().await;
    let mut wrong = Vec::new();
    for (endpoint, body, expected) in CASES {
        let (method, template) = endpoint.split_once(' ').unwrap();
        let (path, body) = (fixture.path(template), fixture.body(body));
        let expected = expected.chars().nth(index).unwrap();
        let (got, answer) = if method == "GET" {
            outcome(&shared.ask(fixture.people[who].clone()), method, &path, &body).await
        } else {
            let (house, _folder) = fixture.copy().await;
            outcome(&house.ask(fixture.people[who].clone()), method, &path, &body).await
        };
        if got != expected {
            wrong.push(format!("{endpoint} as {who}: expected {expected}, got {got}: {answer:.300}"));
        }
        let nobody = shared.ask(Authentication::Anonymous);
        let (got, answer) = outcome(&nobody, method, &path, &body).await;
        if got != if PUBLIC.contains(endpoint) { 'O' } else { 'U' } {
            wrong.push(format!("{endpoint} without a token: {answer:.300}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! walks {
    ($($name:ident = $index:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            walk($index).await;
        }
    )*};
}

walks! {
    as_stranger = 0;
    as_organization_user = 1;
    as_space_auditor = 2;
    as_space_supporter = 3;
    as_space_developer = 4;
    as_space_manager = 5;
    as_organization_manager = 6;
    as_admin = 7;
}
