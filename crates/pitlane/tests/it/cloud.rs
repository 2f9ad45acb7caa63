//! A small Cloud Foundry: one organization, one space, apps in memory, answers that tests can bend.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The server.
#[derive(Clone)]
pub struct Cloud {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
pub struct Inner {
    /// `METHOD path`, in order, without tokens and polls.
    pub requests: Vec<String>,
    pub manifest: String,
    pub package: Vec<u8>,
    pub apps: BTreeMap<String, Value>,
    pub env: Value,
    pub logs: Vec<(String, &'static str, String)>,
    /// The next refresh token's number; each is good once.
    pub refresh: usize,
    /// Seconds a token is said to live.
    pub lifetime: i64,
    /// Stats of every process, one answer after another, the last one for ever.
    pub stats: Vec<Value>,
    /// Answers of builds, likewise.
    pub builds: Vec<Value>,
    pub task_end: Option<&'static str>,
    /// So many GETs of /v3 answer 503.
    pub away: usize,
    /// Answer to the manifest's job.
    pub job: Option<Value>,
    pub answers: BTreeMap<String, (u16, Value)>,
}

pub fn app_guid(name: &str) -> String {
    format!("guid-of-{name}")
}

pub fn running(index: u32) -> Value {
    json!({"type": "web", "index": index, "state": "RUNNING", "routable": true, "uptime": 42, "details": null,
        "mem_quota": 268_435_456u64, "disk_quota": 1_073_741_824u64, "usage": {"cpu": 0.012, "mem": 20_971_520u64, "disk": 1024}})
}

impl Cloud {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            lifetime: 600,
            stats: vec![json!([running(0)])],
            builds: vec![json!({"state": "STAGED", "error": null, "droplet": {"guid": "droplet"}})],
            job: Some(json!({"state": "COMPLETE", "errors": [], "warnings": []})),
            env: json!({}),
            ..Inner::default()
        };
        let cloud = Self { url, inner: Arc::new(Mutex::new(inner)) };
        let router = Router::new().fallback(answer).with_state(cloud.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        cloud
    }

    pub fn bend<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().unwrap())
    }

    /// An app that is there already.
    pub fn with_app(&self, name: &str, state: &str) {
        let app = json!({"guid": app_guid(name), "name": name, "state": state, "lifecycle": {"type": "buildpack", "data": {}}});
        self.bend(|inner| inner.apps.insert(name.to_owned(), app));
    }

    /// What was asked for; questions side by side in a fixed order.
    pub fn asked(&self) -> String {
        let mut requests = self.bend(|inner| inner.requests.clone());
        requests.chunk_by_mut(|a, b| a.starts_with("GET") && b.starts_with("GET")).for_each(<[String]>::sort);
        requests.join("\n")
    }

    pub fn log(&self, source: &str, stream: &'static str, payload: &str) {
        self.bend(|inner| inner.logs.push((source.to_owned(), stream, payload.to_owned())));
    }
}

async fn answer(
    State(cloud): State<Cloud>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query: BTreeMap<String, String> =
        reqwest::Url::parse(&format!("http://x{uri}")).unwrap().query_pairs().into_owned().collect();
    let mut inner = cloud.inner.lock().unwrap();
    let path = uri.path().to_owned();
    let what = format!("{method} {path}");
    let is_poll =
        what.starts_with("GET /api/v1/read") || what.starts_with("GET /v3/builds/") || path.ends_with("/stats");
    if !is_poll && !path.starts_with("/uaa") && path != "/" {
        inner.requests.push(what.clone());
    }
    if let Some((status, value)) = inner.answers.get(&what) {
        return (StatusCode::from_u16(*status).unwrap(), value.to_string()).into_response();
    }
    if path.starts_with("/v3") {
        if headers
            .get("authorization")
            .is_none_or(|token| !token.to_str().unwrap().to_lowercase().starts_with("bearer ey"))
        {
            return error(401, 1000, "Invalid Auth Token");
        }
        if method == Method::GET && inner.away > 0 {
            inner.away -= 1;
            return (StatusCode::SERVICE_UNAVAILABLE, "starting").into_response();
        }
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let url = &cloud.url;
    match (method.as_str(), parts.as_slice()) {
        ("GET", [""]) => ok(json!({"links": {
            "self": {"href": url}, "cloud_controller_v3": {"href": format!("{url}/v3"), "meta": {"version": "3.200.0"}},
            "login": {"href": format!("{url}/uaa")}, "uaa": {"href": format!("{url}/uaa")}, "log_cache": {"href": url}}})),
        ("POST", ["uaa", "oauth", "token"]) => token(&mut inner, &body),
        ("DELETE", ["uaa", "oauth", "token", "revoke", _]) => ok(json!({})),
        ("GET", ["v3", "organizations"]) => list(vec![json!({"guid": "org", "name": "acme"})]),
        ("POST", ["v3", kind @ ("organizations" | "spaces" | "roles")]) => {
            ok(json!({"guid": format!("new-{kind}"), "name": "new"}))
        }
        ("GET", ["v3", "spaces"]) => list(vec![json!({"guid": "space", "name": "dev"})]),
        ("POST", ["v3", "spaces", "space", "actions", "apply_manifest"]) => {
            inner.manifest = String::from_utf8(body.to_vec()).unwrap();
            let manifest: Value = serde_json::from_str(&inner.manifest).unwrap();
            for entry in manifest["applications"].as_array().unwrap() {
                let name = entry["name"].as_str().unwrap().to_owned();
                let app = json!({"guid": app_guid(&name), "name": name, "state": "STOPPED", "lifecycle": {}});
                inner.apps.entry(name).or_insert(app);
            }
            (StatusCode::ACCEPTED, [("Location", format!("{url}/v3/jobs/1"))]).into_response()
        }
        ("GET", ["v3", "jobs", _]) => ok(inner.job.clone().unwrap()),
        ("DELETE", ["v3", ..]) => (StatusCode::ACCEPTED, [("Location", format!("{url}/v3/jobs/1"))]).into_response(),
        ("GET", ["v3", "apps"]) => {
            let name = query.get("names");
            list(
                inner
                    .apps
                    .values()
                    .filter(|app| name.is_none_or(|name| app["name"] == name.as_str()))
                    .cloned()
                    .collect(),
            )
        }
        ("GET", ["v3", "processes"]) => list(inner.apps.values().map(|app| process(app, &inner)).collect()),
        ("POST", ["v3", "packages"]) => ok(json!({"guid": "package", "state": "AWAITING_UPLOAD", "data": {}})),
        ("POST", ["v3", "packages", _, "upload"]) => {
            assert!(headers.contains_key("content-length"), "uploads are not chunked");
            inner.package = body.to_vec();
            ok(json!({"guid": "package", "state": "READY", "data": {}}))
        }
        ("POST", ["v3", "builds"]) => ok(json!({"guid": "build", "state": "STAGING", "error": null, "droplet": null})),
        ("GET", ["v3", "builds", _]) => {
            let mut build = next(&mut inner.builds);
            build["guid"] = "build".into();
            ok(build)
        }
        ("GET", ["v3", "processes", _, "stats"]) => ok(json!({"resources": next(&mut inner.stats)})),
        ("POST", ["v3", "apps", guid, "actions", action]) => {
            let app = inner.apps.values_mut().find(|app| app["guid"] == *guid).unwrap();
            app["state"] = if *action == "stop" { "STOPPED" } else { "STARTED" }.into();
            ok(app.clone())
        }
        ("POST", ["v3", "apps", _, "processes", "web", "actions", "scale"]) => {
            ok(process(inner.apps.values().next().unwrap(), &inner))
        }
        ("GET", ["v3", "apps", guid, "processes"]) => {
            let app = inner.apps.values().find(|app| app["guid"] == *guid).unwrap();
            list(vec![process(app, &inner)])
        }
        ("GET", ["v3", "apps", guid, "routes"]) => list(vec![route(guid)]),
        ("GET", ["v3", "routes"]) => {
            let host = query.get("hosts");
            let routes = inner.apps.values().map(|app| route(app["guid"].as_str().unwrap()));
            list(routes.filter(|route| host.is_none_or(|host| route["host"] == host.as_str())).collect())
        }
        ("POST", ["v3", "routes"]) => {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let (host, path) = (asked["host"].as_str().unwrap(), asked["path"].as_str().unwrap());
            ok(
                json!({"guid": "new-route", "host": host, "path": path, "url": format!("{host}.apps.localhost{path}"), "destinations": []}),
            )
        }
        ("POST", ["v3", "routes", _, "destinations"]) => ok(json!({"destinations": []})),
        ("GET", ["v3", "organizations", _, "domains", "default"]) => {
            ok(json!({"guid": "domain", "name": "apps.localhost"}))
        }
        ("GET", ["v3", "organizations", _, "domains"]) => list(vec![
            json!({"guid": "domain", "name": "apps.localhost"}),
            json!({"guid": "wide", "name": "localhost"}),
        ]),
        ("GET", ["v3", "apps", _, "droplets", "current"]) => ok(json!({"guid": "droplet", "stack": "host",
            "created_at": "2026-11-20T12:00:00Z", "buildpacks": [{"name": "static", "version": "0.1.0"}]})),
        ("PATCH", ["v3", "apps", _, "environment_variables"]) => {
            inner.env = serde_json::from_slice::<Value>(&body).unwrap()["var"].clone();
            ok(json!({"var": inner.env}))
        }
        ("PATCH", ["v3", "apps", ..]) => ok(json!({})),
        ("GET", ["v3", "apps", _, "env"]) => {
            let own = match inner.env.as_object().is_some_and(|env| !env.is_empty()) {
                true => inner.env.clone(),
                false => json!({"COLOUR": "green", "N": 3}),
            };
            ok(json!({"environment_variables": own, "staging_env_json": {},
            "running_env_json": {}, "system_env_json": {"VCAP_SERVICES": {}}, "application_env_json": {"VCAP_APPLICATION": {"name": "shop"}}}))
        }
        ("POST", ["v3", "apps", _, "tasks"]) => {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let source = format!("APP/TASK/{}", asked["name"].as_str().unwrap());
            inner.logs.push((source, "OUT", "Invoking start command.".to_owned()));
            inner.logs.push((
                format!("APP/TASK/{}", asked["name"].as_str().unwrap()),
                "OUT",
                format!("ran {}", asked["command"].as_str().unwrap()),
            ));
            inner.logs.push(("APP/PROC/WEB".to_owned(), "OUT", "not of the task".to_owned()));
            ok(task(asked["name"].as_str().unwrap(), "RUNNING", None))
        }
        ("GET", ["v3", "tasks", name]) => match inner.task_end {
            None => ok(task(name, "SUCCEEDED", None)),
            Some(reason) => ok(task(name, "FAILED", Some(reason))),
        },
        ("PUT", ["v3", "tasks", name, "cancel"]) => ok(task(name, "CANCELING", None)),
        ("GET", ["v3", "apps", _, "tasks"]) => {
            list(vec![task("a", "SUCCEEDED", None), task("b", "FAILED", Some("out of memory"))])
        }
        ("GET", ["v3", "audit_events"]) => {
            list(vec![json!({"type": "app.crash", "created_at": "2026-11-20T12:00:00Z",
            "actor": {"name": "shop"}, "data": {"index": 0, "reason": "CRASHED", "exit_description": "Exited with status 1"}})])
        }
        ("GET", ["api", "v1", "read", _]) => read_log(&inner, &query),
        _ => error(404, 10_000, "Unknown request"),
    }
}

fn token(inner: &mut Inner, body: &[u8]) -> Response {
    let form: BTreeMap<String, String> =
        reqwest::Url::parse(&format!("http://x/?{}", std::str::from_utf8(body).unwrap()))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
    let right = match form["grant_type"].as_str() {
        "password" => form["username"] == "ada" && form["password"] == "secret",
        _ => form["refresh_token"] == format!("refresh-{}", inner.refresh),
    };
    if !right {
        return (
            StatusCode::UNAUTHORIZED,
            json!({"error": "unauthorized", "error_description": "Bad credentials"}).to_string(),
        )
            .into_response();
    }
    inner.refresh += 1;
    let claims = json!({"user_name": "ada", "user_id": "person", "origin": "uaa", "jti": "1"}).to_string();
    let access = format!("eyJhbGciOiJub25lIn0.{}.x", URL_SAFE_NO_PAD.encode(claims));
    ok(
        json!({"access_token": access, "token_type": "bearer", "refresh_token": format!("refresh-{}", inner.refresh), "expires_in": inner.lifetime}),
    )
}

fn process(app: &Value, inner: &Inner) -> Value {
    let stats = inner.stats.first().unwrap().as_array().unwrap();
    let instances: Vec<Value> =
        stats.iter().map(|stat| json!({"index": stat["index"], "state": stat["state"], "since": 1})).collect();
    json!({"guid": app["guid"], "type": "web", "command": null, "instances": stats.len(), "memory_in_mb": 256, "disk_in_mb": 1024,
        "health_check": {"type": "port"}, "relationships": {"app": {"data": {"guid": app["guid"]}}}, "process_instances": instances})
}

fn route(app: &str) -> Value {
    let host = app.trim_start_matches("guid-of-");
    json!({"guid": format!("route-of-{host}"), "host": host, "path": "", "url": format!("{host}.apps.localhost"), "port": null,
        "destinations": [{"guid": "destination", "app": {"guid": app, "process": {"type": "web"}}}]})
}

fn task(name: &str, state: &str, reason: Option<&str>) -> Value {
    json!({"guid": name, "sequence_id": 1, "name": name, "command": "x", "state": state, "created_at": "2026-11-20T12:00:00Z",
        "result": {"failure_reason": reason}})
}

fn read_log(inner: &Inner, query: &BTreeMap<String, String>) -> Response {
    let start: i64 = query.get("start_time").map_or(i64::MIN, |text| text.parse().unwrap());
    let limit: usize = query["limit"].parse().unwrap();
    let numbered =
        inner.logs.iter().enumerate().map(|(place, line)| (1_800_000_000_000_000_000 + place as i64 * 1_000_000, line));
    let mut batch: Vec<Value> = numbered
        .filter(|(at, _)| *at >= start)
        .map(|(at, (source, stream, payload))| {
            json!({"timestamp": at.to_string(), "source_id": "x", "instance_id": "0", "tags": {"source_type": source},
                "log": {"payload": STANDARD.encode(payload), "type": stream}})
        })
        .collect();
    if query.get("descending").is_some_and(|text| text == "true") {
        batch.reverse();
    }
    batch.truncate(limit);
    ok(json!({"envelopes": {"batch": batch}}))
}

fn next(answers: &mut Vec<Value>) -> Value {
    if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
}

fn ok(value: Value) -> Response {
    value.to_string().into_response()
}

fn list(resources: Vec<Value>) -> Response {
    ok(
        json!({"pagination": {"total_results": resources.len(), "total_pages": 1, "next": null}, "resources": resources}),
    )
}

fn error(status: u16, code: i64, detail: &str) -> Response {
    let body = json!({"errors": [{"code": code, "title": "CF-Error", "detail": detail}]});
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}
