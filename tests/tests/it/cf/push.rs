//! `cf push` in its variants, request by request.

use super::client::{Cf, Reply, string, zip};
use super::shape;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::{Pitlane, eventually};

/// Steps 1 to 4: the manifest, and the apps it names.
#[track_caller]
pub fn apply(cf: &Cf, manifest: &str) {
    let diff = cf.yaml(&format!("/v3/spaces/{}/manifest_diff", cf.space), manifest).is(201);
    assert!(diff.json["diff"].is_array(), "{}", diff.text);
    let applied = cf.yaml(&format!("/v3/spaces/{}/actions/apply_manifest", cf.space), manifest);
    cf.done(&applied);
}

/// Steps 5 to 8.
#[track_caller]
pub fn package(cf: &Cf, app: &str, bits: &Path) -> String {
    let entry = json!({"path": "index.html", "mode": "644", "size_in_bytes": 100_000,
        "checksum": {"value": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}});
    let matched = cf.post("/v3/resource_matches", &json!({"resources": [entry]})).is(201);
    assert_eq!(matched.json["resources"], json!([]));
    let body = json!({"type": "bits", "relationships": {"app": {"data": {"guid": app}}}});
    let package = cf.post("/v3/packages", &body).is(201);
    shape::package(&package.json);
    assert_eq!(package.json["state"], "AWAITING_UPLOAD");
    let guid = package.guid();
    let uploaded = cf.upload(&format!("/v3/packages/{guid}/upload"), Some("[]"), bits, "package.zip").is(200);
    shape::package(&uploaded.json);
    // READY from the upload itself: each poll costs the user three seconds.
    assert_eq!(uploaded.json["state"], "READY");
    guid
}

/// Steps 10 to 13: answers the build as it ended.
#[track_caller]
pub fn build(cf: &Cf, package: &str) -> Value {
    let build = cf.post("/v3/builds", &json!({"package": {"guid": package}})).is(201);
    shape::build(&build.json);
    assert_eq!(build.json["state"], "STAGING");
    let path = format!("/v3/builds/{}", build.guid());
    let mut last = Value::Null;
    eventually(Duration::from_secs(60), || {
        last = cf.get(&path, &[]).json;
        last["state"] != "STAGING"
    });
    shape::build(&last);
    last
}

#[track_caller]
pub fn stage(cf: &Cf, app: &str, bits: &Path) -> String {
    let built = build(cf, &package(cf, app, bits));
    assert_eq!(built["state"], "STAGED", "{built}");
    let droplet = string(&built["droplet"]["guid"]);
    let shown = cf.get(&format!("/v3/droplets/{droplet}"), &[]);
    shape::droplet(&shown.json);
    assert!(shown.json["process_types"]["web"].is_string() || shown.json["process_types"].is_object());
    droplet
}

#[track_caller]
pub fn assign(cf: &Cf, app: &str, droplet: &str) {
    let path = format!("/v3/apps/{app}/relationships/current_droplet");
    let assigned = cf.patch(&path, &json!({"data": {"guid": droplet}})).is(200);
    assert_eq!(assigned.json["data"]["guid"], droplet);
    assert!(assigned.json["links"].is_object());
}

/// Steps 16 and 17: until every process has a running instance.
#[track_caller]
pub fn started(cf: &Cf, app: &str) {
    let processes = cf.list(&format!("/v3/apps/{app}/processes"), &[]);
    for process in processes.resources() {
        shape::process(process);
        let wanted = process["instances"].as_u64().expect("a number");
        let path = format!("/v3/processes/{}/stats", string(&process["guid"]));
        eventually(Duration::from_secs(30), || {
            let stats = cf.get(&path, &[]);
            let all = stats.resources();
            // Empty while it starts would be read as success.
            assert_eq!(all.len() as u64, wanted, "{}", stats.text);
            all.iter().for_each(shape::stats);
            assert!(all.is_empty() || !all.iter().all(|one| one["state"] == "CRASHED"), "{}", stats.text);
            all.is_empty() || all.iter().any(|one| one["state"] == "RUNNING")
        });
    }
}

/// Step 18, which is `cf app NAME`.
#[track_caller]
pub fn summary(cf: &Cf, name: &str) -> Value {
    let app = cf.app(name);
    let guid = string(&app["guid"]);
    let processes = cf.list(&format!("/v3/apps/{guid}/processes"), &[]);
    assert!(!processes.resources().is_empty(), "an app has at least its web process");
    for process in processes.resources() {
        shape::process(process);
        assert_eq!(process["command"], "[PRIVATE DATA HIDDEN IN LISTS]");
        let path = format!("/v3/processes/{}", string(&process["guid"]));
        shape::process(&cf.get(&path, &[]).json);
        cf.list(&format!("{path}/sidecars"), &[]);
        cf.get(&format!("{path}/stats"), &[]).resources().iter().for_each(shape::stats);
    }
    let routes = cf.list(&format!("/v3/apps/{guid}/routes"), &[]);
    for route in routes.resources() {
        shape::route(route);
        route["destinations"].as_array().expect("a list").iter().for_each(shape::destination);
    }
    let droplet = cf.call("GET", &format!("/v3/apps/{guid}/droplets/current"), &[], None);
    if droplet.status == 404 {
        assert_eq!(droplet.detail(), "Droplet not found");
    } else {
        shape::droplet(&droplet.is(200).json);
    }
    cf.list(
        "/v3/deployments",
        &[
            ("app_guids", &guid),
            ("order_by", "-created_at"),
            ("page", "1"),
            ("per_page", "1"),
            ("status_values", "ACTIVE"),
        ],
    );
    app
}

/// The whole default strategy; answers the app's guid.
#[track_caller]
pub fn push(cf: &Cf, name: &str, manifest: &str, bits: &Path) -> String {
    apply(cf, manifest);
    let app = cf.app_guid(name);
    let droplet = stage(cf, &app, bits);
    assign(cf, &app, &droplet);
    let restarted = cf.act(&format!("/v3/apps/{app}/actions/restart")).is(200);
    shape::app(&restarted.json);
    assert_eq!(restarted.json["state"], "STARTED");
    started(cf, &app);
    assert_eq!(summary(cf, name)["guid"], app.as_str());
    let web = cf.get(&format!("/v3/apps/{app}/processes/web"), &[]);
    assert_eq!(web.guid(), app, "the first web process has the app's guid");
    app
}

pub fn page(pitlane: &Pitlane) -> PathBuf {
    zip(pitlane, &pitlane.sample("static"), "static.zip")
}

/// A program that answers with its environment.
pub fn echo(pitlane: &Pitlane) -> PathBuf {
    let folder = pitlane.folder.path().join("echo");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("Procfile"), "web: exec python3 -u echo.py\nworker: exec sleep 1000\n")
        .expect("written");
    let program = "\
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps(dict(os.environ)).encode())
    def log_message(self, *arguments): pass
print('hello from out'); print('hello from err', file=sys.stderr)
http.server.HTTPServer.address_family
http.server.HTTPServer.server_bind = __import__('socketserver').TCPServer.server_bind
http.server.HTTPServer(('0.0.0.0', int(os.environ['PORT'])), Handler).serve_forever()
";
    std::fs::write(folder.join("echo.py"), program).expect("written");
    zip(pitlane, &folder, "echo.zip")
}

pub const PLAIN: &str = "applications:\n- name: page\n  default-route: true\n";

#[test]
fn push_without_a_manifest_then_its_variants() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = page(&pitlane);
    let app = push(&cf, "page", PLAIN, &bits);
    assert!(pitlane.get_until_ok("page", "/").contains("<html"));

    // --strategy rolling: a deployment with explicit nulls, polled to its end.
    let droplet = stage(&cf, &app, &bits);
    let body = json!({"droplet": {"guid": droplet}, "strategy": "rolling",
        "options": {"max_in_flight": 1, "web_instances": null, "memory_in_mb": 96, "disk_in_mb": null,
            "log_rate_limit_in_bytes_per_second": null},
        "relationships": {"app": {"data": {"guid": app}}}});
    let deployed = cf.post("/v3/deployments", &body).is(201);
    shape::deployment(&deployed.json);
    finished(&cf, &deployed, "DEPLOYED");
    started(&cf, &app);
    assert_eq!(cf.get(&format!("/v3/apps/{app}/processes/web"), &[]).json["memory_in_mb"], 96);
    summary(&cf, "page");

    // --no-start: a package, and the app stopped if it ran.
    package(&cf, &app, &bits);
    let stopped = cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    assert_eq!(stopped.json["state"], "STOPPED");
    cf.get(&format!("/v3/apps/{app}/processes/web/stats"), &[])
        .resources()
        .iter()
        .for_each(|one| assert_eq!(one["state"], "DOWN"));

    // --droplet: what was made elsewhere; here, the same downloaded.
    let current = cf.get(&format!("/v3/apps/{app}/droplets/current"), &[]).guid();
    let archive = download(&pitlane, &cf, &format!("/v3/droplets/{current}/download"));
    let made = cf.post("/v3/droplets", &json!({"relationships": {"app": {"data": {"guid": app}}}})).is(201);
    assert_eq!(made.json["state"], "AWAITING_UPLOAD");
    let uploaded = cf.upload(&format!("/v3/droplets/{}/upload", made.guid()), None, &archive, "droplet.tgz");
    cf.done(&uploaded);
    let shown = cf.get(&format!("/v3/droplets/{}", made.guid()), &[]);
    shape::droplet(&shown.json);
    assert!(shown.json["process_types"]["web"].is_string(), "it says itself how it starts: {}", shown.text);
    assign(&cf, &app, &made.guid());
    cf.act(&format!("/v3/apps/{app}/actions/restart")).is(200);
    started(&cf, &app);
    pitlane.get_until_ok("page", "/");
}

pub fn download(pitlane: &Pitlane, cf: &Cf, path: &str) -> PathBuf {
    let request =
        tests::http().get(format!("{}{path}", cf.url)).header("authorization", format!("bearer {}", cf.token));
    let answer = request.send().expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let file = pitlane.folder.path().join("droplet.tgz");
    std::fs::write(&file, answer.bytes().expect("bytes")).expect("written");
    file
}

/// Polls a deployment to its end.
#[track_caller]
pub fn finished(cf: &Cf, deployed: &Reply, reason: &str) {
    let path = format!("/v3/deployments/{}", deployed.guid());
    let mut last = Value::Null;
    eventually(Duration::from_secs(60), || {
        last = cf.get(&path, &[]).json;
        last["status"]["value"] == "FINALIZED"
    });
    shape::deployment(&last);
    assert_eq!(last["status"]["reason"], reason, "{last}");
}

#[test]
fn push_with_manifests() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = echo(&pitlane);
    let manifest = "\
version: 1
applications:
- name: front
  default-route: true
  memory: 64M
  disk-quota: 128M
  instances: 2
  buildpacks: [binary_buildpack]
  health-check-type: http
  health-check-http-endpoint: /well
  health-check-invocation-timeout: 5
  timeout: 40
  env: {GREETING: hello, COUNT: 3, ON: true}
  metadata: {labels: {team: pit}, annotations: {note: 'a, b'}}
  processes:
  - type: worker
    instances: 1
    memory: 32M
    disk_quota: 64M
- name: back
  random-route: true
  buildpack: binary_buildpack
- name: job
  no-route: true
  command: exec sleep 1000
  health-check-type: process
";
    apply(&cf, manifest);
    // Pitfall 16: all named apps in one page.
    let found = cf.list("/v3/apps", &[("names", "front,back,job"), ("space_guids", &cf.space)]);
    assert_eq!(found.resources().len(), 3);
    let front = cf.app_guid("front");
    let droplet = stage(&cf, &front, &bits);
    assign(&cf, &front, &droplet);
    cf.act(&format!("/v3/apps/{front}/actions/restart")).is(200);
    started(&cf, &front);
    summary(&cf, "front");
    let web = cf.get(&format!("/v3/processes/{front}"), &[]).json;
    assert_eq!((&web["instances"], &web["memory_in_mb"], &web["disk_in_mb"]), (&json!(2), &json!(64), &json!(128)));
    assert_eq!(
        web["health_check"],
        json!({"type": "http", "data": {"timeout": 40, "invocation_timeout": 5, "interval": null, "endpoint": "/well"}})
    );
    let environment: Value = serde_json::from_str(&pitlane.get_until_ok("front", "/")).expect("JSON");
    for (name, want) in
        [("GREETING", "hello"), ("COUNT", "3"), ("ON", "true"), ("MEMORY_LIMIT", "64m"), ("PORT", "8080")]
    {
        assert_eq!(environment[name], want, "{name}");
    }
    instance_variables(&pitlane, &environment);
    let routes = cf.list(&format!("/v3/apps/{}/routes", cf.app_guid("back")), &[]);
    let host = string(&routes.first()["host"]);
    assert!(host.starts_with("back-") && host.split('-').count() == 4, "{host}");
    assert!(cf.list(&format!("/v3/apps/{}/routes", cf.app_guid("job")), &[]).resources().is_empty());

    // The same again changes nothing; a routed one keeps its random route.
    let diff = cf.yaml(&format!("/v3/spaces/{}/manifest_diff", cf.space), manifest).is(201).json;
    let changed: Vec<_> =
        diff["diff"].as_array().expect("a list").iter().filter(|one| one["op"] == "replace").collect();
    assert!(changed.is_empty(), "{diff}");
    apply(&cf, manifest);
    assert_eq!(string(&cf.list(&format!("/v3/apps/{}/routes", cf.app_guid("back")), &[]).first()["host"]), host);

    // `cf create-app-manifest`, and Terraform's read: what is generated can be applied.
    let generated = cf.call("GET", &format!("/v3/apps/{front}/manifest"), &[], None).is(200);
    assert_eq!(generated.headers["content-type"], "application/x-yaml");
    for words in ["name: front", "memory: 64M", "disk_quota: 128M", "route: front.apps.localhost", "GREETING: hello"] {
        assert!(generated.text.contains(words), "{words}: {}", generated.text);
    }
    apply(&cf, &generated.text);
    assert_eq!(cf.call("GET", &format!("/v3/apps/{front}/manifest"), &[], None).text, generated.text);

    // A manifest with faults: all of them, by application.
    let bad = "applications:\n- name: front\n  memroy: 64M\n- name: back\n  instances: many\n";
    let refused = cf.yaml(&format!("/v3/spaces/{}/actions/apply_manifest", cf.space), bad).is(422);
    let details: Vec<String> =
        refused.json["errors"].as_array().expect("a list").iter().map(|one| string(&one["detail"])).collect();
    assert!(details.iter().any(|one| one.starts_with("For application 'front': ")), "{details:?}");
    assert!(details.iter().any(|one| one.starts_with("For application 'back': ")), "{details:?}");
    let job = cf.job(&cf.yaml(
        &format!("/v3/spaces/{}/actions/apply_manifest", cf.space),
        "applications:\n- name: front\n  services: [db]\n",
    ));
    assert_eq!((&job["state"], &job["errors"][0]["code"]), (&json!("FAILED"), &json!(10008)), "{job}");
    assert!(string(&job["errors"][0]["detail"]).contains("Service instance 'db' not found"), "{job}");
}

/// What an instance knows of itself (reference, 12.2).
fn instance_variables(pitlane: &Pitlane, environment: &Value) {
    let value = |name: &str| environment[name].as_str().unwrap_or_else(|| panic!("{name}: {environment}"));
    assert_eq!(value("CF_INSTANCE_ADDR"), format!("{}:{}", value("CF_INSTANCE_IP"), value("CF_INSTANCE_PORT")));
    assert!(value("CF_INSTANCE_INTERNAL_IP").parse::<std::net::Ipv4Addr>().is_ok());
    let ports: Value = serde_json::from_str(value("CF_INSTANCE_PORTS")).expect("JSON");
    assert_eq!(ports[0]["internal"], 8080, "{ports}");
    assert_eq!(value("CF_INSTANCE_GUID"), value("INSTANCE_GUID"));
    assert_eq!(value("CF_INSTANCE_INDEX"), value("INSTANCE_INDEX"));
    let usual = std::path::Path::new("/usr/lib/locale/en_US.utf8").is_dir();
    let archive = std::fs::read("/usr/lib/locale/locale-archive").unwrap_or_default();
    let usual = usual || archive.windows(11).any(|name| name == b"en_US.utf8\0");
    assert_eq!(value("LANG"), if usual { "en_US.UTF-8" } else { "C.UTF-8" });
    assert_eq!((value("VCAP_APP_HOST"), value("VCAP_APP_PORT"), value("HOME")), ("0.0.0.0", "8080", "/home/vcap/app"));
    let vcap: Value = serde_json::from_str(value("VCAP_APPLICATION")).expect("JSON");
    assert_eq!(vcap["cf_api"], pitlane.url);
    assert_eq!(vcap["uris"], json!(["front.apps.localhost"]));
    assert_eq!(vcap["limits"], json!({"fds": 16384, "mem": 64, "disk": 128}));
    assert_eq!((&vcap["process_type"], &vcap["host"], &vcap["port"]), (&json!("web"), &json!("0.0.0.0"), &json!(8080)));
}

#[test]
fn a_push_that_cannot_be_staged_says_why() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let folder = pitlane.folder.path().join("nothing");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("notes.md"), "nothing that runs").expect("written");
    let bits = zip(&pitlane, &folder, "nothing.zip");
    apply(&cf, PLAIN);
    let app = cf.app_guid("page");
    // Before any package: the newest one is missing, and starting says what the client looks for.
    let refused = cf.act(&format!("/v3/apps/{app}/actions/start")).is(422);
    assert_eq!(refused.detail(), "Assign a droplet before starting this app.");
    let empty =
        cf.post("/v3/packages", &json!({"type": "bits", "relationships": {"app": {"data": {"guid": app}}}})).is(201);
    let refused = cf.post("/v3/builds", &json!({"package": {"guid": empty.guid()}})).is(400);
    assert_eq!(refused.detail(), "Bad request: Cannot stage package whose state is not ready.", "{}", refused.text);
    let built = build(&cf, &package(&cf, &app, &bits));
    assert_eq!(built["state"], "FAILED");
    assert_eq!(built["error"], "NoAppDetectedError - An app was not successfully detected by any available buildpack");
    summary(&cf, "page");
    // -b of one that is none.
    let manifest = "applications:\n- name: page\n  buildpacks: [nosuch]\n  default-route: true\n";
    let job = cf.job(&cf.yaml(&format!("/v3/spaces/{}/actions/apply_manifest", cf.space), manifest));
    let detail = string(&job["errors"][0]["detail"]);
    assert!(detail.contains("\"nosuch\" must be an existing admin buildpack or a valid git URI"), "{detail}");
}

/// All that a developer does, with the roles that `cf set-space-role` gives and no others.
#[test]
fn a_developer_needs_no_more_than_his_roles() {
    let pitlane = Pitlane::start();
    let admin = Cf::start(&pitlane);
    let body = json!({"userName": "dev@example.com", "password": "a long enough secret", "origin": "uaa",
        "name": {"familyName": "dev", "givenName": "dev"}, "emails": [{"value": "dev@example.com", "primary": true}]});
    let user = string(&admin.post("/uaa/Users", &body).is(201).json["id"]);
    admin.post("/v3/users", &json!({"guid": user})).is(201);
    admin.assign("organization_user", "organization", &admin.org, "dev@example.com").is(201);
    admin.assign("space_developer", "space", &admin.space, "dev@example.com").is(201);
    let mut cf = Cf::sign_in(&pitlane, "dev@example.com", "a long enough secret");
    (cf.org, cf.space) = (admin.org.clone(), admin.space.clone());

    // login's menus, target, org, space, buildpacks, stacks, marketplace, feature flags
    assert_eq!(cf.list("/v3/organizations", &[("order_by", "name")]).names(), ["acme"]);
    assert_eq!(cf.list("/v3/spaces", &[("order_by", "name"), ("organization_guids", &cf.org)]).names(), ["dev"]);
    let organization = cf.get(&format!("/v3/organizations/{}", cf.org), &[]).json;
    shape::organization(&organization);
    let quota = string(&organization["relationships"]["quota"]["data"]["guid"]);
    cf.get(&format!("/v3/organization_quotas/{quota}"), &[]);
    for path in [
        format!("/v3/organizations/{}/relationships/default_isolation_segment", cf.org),
        format!("/v3/spaces/{}/relationships/isolation_segment", cf.space),
    ] {
        assert!(cf.get(&path, &[]).json["data"].is_null());
    }
    let (running, staging) = (
        format!("/v3/spaces/{}/running_security_groups", cf.space),
        format!("/v3/spaces/{}/staging_security_groups", cf.space),
    );
    let domains = format!("/v3/organizations/{}/domains", cf.org);
    for path in [
        &*running,
        &*staging,
        &*domains,
        "/v3/isolation_segments",
        "/v3/buildpacks",
        "/v3/stacks",
        "/v3/service_plans",
        "/v3/service_instances",
        "/v3/feature_flags",
        "/v3/security_groups",
        "/v3/roles",
        "/v3/users",
    ] {
        cf.list(path, &[]);
    }

    let app = push(&cf, "page", PLAIN, &page(&pitlane));
    pitlane.get_until_ok("page", "/");
    cf.patch(&format!("/v3/apps/{app}/environment_variables"), &json!({"var": {"A": "b"}})).is(200);
    assert_eq!(cf.get(&format!("/v3/apps/{app}/env"), &[]).json["environment_variables"]["A"], "b");
    cf.post(&format!("/v3/apps/{app}/processes/web/actions/scale"), &json!({"instances": 2})).is(202);
    started(&cf, &app);
    cf.post(&format!("/v3/apps/{app}/tasks"), &json!({"command": "true"})).is(202);
    let events = cf.list("/v3/audit_events", &[("order_by", "-created_at"), ("page", "1"), ("target_guids", &app)]);
    assert_eq!(events.first()["actor"]["name"], "dev@example.com");
    let query = [("descending", "true"), ("envelope_types", "LOG"), ("limit", "1000")];
    assert!(!shape::envelopes(&cf.get(&format!("/api/v1/read/{app}"), &query).json).is_empty());

    // copy-source
    apply(&cf, "applications:\n- name: copy\n  random-route: true\n");
    let copy = cf.app_guid("copy");
    let ready = [
        ("app_guids", app.as_str()),
        ("order_by", "-created_at"),
        ("page", "1"),
        ("per_page", "1"),
        ("states", "READY"),
    ];
    let source = string(&cf.list("/v3/packages", &ready).first()["guid"]);
    let body = json!({"relationships": {"app": {"data": {"guid": copy}}}});
    let copied = cf.call("POST", "/v3/packages", &[("source_guid", &source)], Some(&body)).is(201);
    eventually(Duration::from_secs(10), || {
        cf.get(&format!("/v3/packages/{}", copied.guid()), &[]).json["state"] == "READY"
    });
    let built = build(&cf, &copied.guid());
    assign(&cf, &copy, &string(&built["droplet"]["guid"]));
    cf.act(&format!("/v3/apps/{copy}/actions/start")).is(200);
    started(&cf, &copy);

    // What he may not: 404 for what he may not read, 403 for what he may not do.
    cf.post("/v3/organizations", &json!({"name": "mine"})).is(403);
    cf.post("/v3/buildpacks", &json!({"name": "mine"})).is(403);
    let body = json!({"name": "more", "relationships": {"organization": {"data": {"guid": cf.org}}}});
    assert_eq!(cf.post("/v3/spaces", &body).is(403).json["errors"][0]["code"], 10003);
    assert_eq!(
        cf.call("GET", "/v3/apps/7d6f9b1e-0000-4000-8000-000000000000", &[], None).is(404).detail(),
        "App not found"
    );
    cf.delete(&format!("/v3/spaces/{}", cf.space)).is(403);

    // delete-space takes what runs in it along
    admin.done(&admin.delete(&format!("/v3/spaces/{}", cf.space)));
    assert!(admin.list("/v3/apps", &[("names", "page,copy")]).resources().is_empty());
    eventually(Duration::from_secs(20), || pitlane.get("page", "/").status == 404);
}
