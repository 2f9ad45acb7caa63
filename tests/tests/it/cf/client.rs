//! The client: a token, the headers of every request, and what is expected of every answer.

use super::shape;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests::{ADMIN, PASSWORD, Pitlane, eventually, http, text};

pub type Query<'a> = &'a [(&'a str, &'a str)];

/// A signed-in `cf` with a target.
pub struct Cf {
    pub url: String,
    pub token: String,
    pub refresh: String,
    pub org: String,
    pub space: String,
    http: reqwest::blocking::Client,
}

/// An answer: status, headers and JSON (null if empty).
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    pub json: Value,
    what: String,
}

impl Reply {
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        self
    }

    #[track_caller]
    pub fn guid(&self) -> String {
        string(&self.json["guid"])
    }

    /// `errors[0].detail` of a refusal.
    #[track_caller]
    pub fn detail(&self) -> String {
        let first = &self.json["errors"][0];
        assert!(first["code"].is_u64() && first["title"].is_string(), "{}: {}", self.what, self.text);
        string(&first["detail"])
    }

    #[track_caller]
    pub fn resources(&self) -> &Vec<Value> {
        self.json["resources"].as_array().unwrap_or_else(|| panic!("{}: no list in {}", self.what, self.text))
    }

    #[track_caller]
    pub fn first(&self) -> &Value {
        self.resources().first().unwrap_or_else(|| panic!("{}: an empty list", self.what))
    }

    pub fn names(&self) -> Vec<String> {
        self.resources().iter().map(|one| string(&one["name"])).collect()
    }
}

#[track_caller]
pub fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Cf {
    /// `cf api`, `cf auth`: without a target.
    pub fn sign_in(pitlane: &Pitlane, name: &str, password: &str) -> Self {
        let mut cf = Self {
            url: pitlane.url.clone(),
            token: String::new(),
            refresh: String::new(),
            org: String::new(),
            space: String::new(),
            http: http(),
        };
        let form = [("grant_type", "password"), ("username", name), ("password", password)];
        let answer = cf.uaa_token(&form).is(200);
        cf.token = string(&answer.json["access_token"]);
        cf.refresh = string(&answer.json["refresh_token"]);
        cf
    }

    /// The administrator with an organization and a space of his own.
    pub fn start(pitlane: &Pitlane) -> Self {
        let mut cf = Self::sign_in(pitlane, ADMIN, PASSWORD);
        cf.org = cf.post("/v3/organizations", &json!({"name": "acme", "suspended": false})).is(201).guid();
        cf.space = cf.create_space("dev");
        cf
    }

    /// `cf create-space` 8.18: the space, then four roles, of which the third is there already.
    pub fn create_space(&self, name: &str) -> String {
        let body = json!({"name": name, "relationships": {"organization": {"data": {"guid": self.org}}}});
        let space = self.post("/v3/spaces", &body).is(201).guid();
        for (role, place, guid) in [
            ("organization_user", "organization", &self.org),
            ("space_manager", "space", &space),
            ("organization_user", "organization", &self.org),
            ("space_developer", "space", &space),
        ] {
            let answer = self.assign(role, place, guid, ADMIN);
            assert!(answer.status == 201 || answer.detail().contains("already has"), "{role}: {}", answer.text);
        }
        space
    }

    /// `POST /v3/roles` by user name and origin.
    pub fn assign(&self, role: &str, place: &str, guid: &str, user: &str) -> Reply {
        let mut relationships = json!({"user": {"data": {"username": user, "origin": "uaa"}}});
        relationships[place] = json!({"data": {"guid": guid}});
        self.post("/v3/roles", &json!({"type": role, "relationships": relationships}))
    }

    pub fn uaa_token(&self, form: Query<'_>) -> Reply {
        let request = self.http.post(format!("{}/uaa/oauth/token", self.url)).header("authorization", "Basic Y2Y6");
        self.send(request.header("accept", "application/json").form(form), "token")
    }

    fn dressed(&self, request: RequestBuilder) -> RequestBuilder {
        request
            .header("authorization", format!("bearer {}", self.token))
            .header("accept", "application/json")
            .header("user-agent", "cf/8.18.4+abcdef.2026-06-01 (go1.26.1; amd64 linux)")
            .header("x-b3-traceid", "4bf92f3577b34da6a3ce929d0e0e4736")
            .header("x-b3-spanid", "a3ce929d0e0e4736")
    }

    fn send(&self, request: RequestBuilder, what: &str) -> Reply {
        let answer = request.send().unwrap_or_else(|error| panic!("{what}: {error}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().expect("text");
        let kind =
            headers.get("content-type").map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default();
        let json = if text.is_empty() || kind.contains("yaml") {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: {status} is no JSON: {text}"))
        };
        if !what.starts_with("token") && !what.contains("/api/v1/") && !what.contains("/uaa/") {
            assert!(headers.contains_key("x-vcap-request-id"), "{what}: no request id");
            if !json.is_null() {
                assert!(kind.starts_with("application/json"), "{what}: {kind}");
                shape::common(&self.url, what, &json);
            }
            // The policy server has errors of its own.
            if status >= 400 && !what.contains("/networking/") {
                assert!(json["errors"].as_array().is_some_and(|list| !list.is_empty()), "{what}: {text}");
            }
        }
        Reply { status, headers, text, json, what: what.to_owned() }
    }

    /// Any request; `path` may be a whole address, as links are.
    pub fn call(&self, method: &str, path: &str, query: Query<'_>, body: Option<&Value>) -> Reply {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let method_name = method.parse().expect("a method");
        let mut request = self.dressed(self.http.request(method_name, url)).header("content-type", "application/json");
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        self.send(request, &format!("{method} {path} {query:?}"))
    }

    #[track_caller]
    pub fn get(&self, path: &str, query: Query<'_>) -> Reply {
        self.call("GET", path, query, None).is(200)
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, &[], Some(body))
    }

    /// `POST` without a body, as actions are.
    pub fn act(&self, path: &str) -> Reply {
        self.call("POST", path, &[], None)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call("PATCH", path, &[], Some(body))
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, &[], None)
    }

    /// A manifest, as YAML.
    pub fn yaml(&self, path: &str, manifest: &str) -> Reply {
        let request = self.dressed(self.http.post(format!("{}{path}", self.url)));
        self.send(request.header("content-type", "application/x-yaml").body(manifest.to_owned()), path)
    }

    /// A list with its pages: checks that links keep the query and that all is there.
    #[track_caller]
    pub fn list(&self, path: &str, query: Query<'_>) -> Reply {
        let reply = self.get(path, query);
        shape::page(&reply.json, path, query);
        reply
    }

    /// Polls a job as the client does: at once, then at intervals; answers how it ended.
    #[track_caller]
    pub fn job(&self, accepted: &Reply) -> Value {
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let location = accepted.headers.get("location").expect("a job").to_str().expect("text").to_owned();
        assert!(location.starts_with(&format!("{}/v3/jobs/", self.url)), "{location}");
        let mut job = self.get(&location, &[]).json;
        eventually(Duration::from_secs(30), || {
            job = self.get(&location, &[]).json;
            job["state"] != "PROCESSING"
        });
        shape::job(&job);
        job
    }

    /// A job that is complete at the first poll: each further one costs the user three seconds.
    #[track_caller]
    pub fn done(&self, accepted: &Reply) {
        let location = accepted.headers.get("location").unwrap_or_else(|| panic!("{accepted:?}"));
        let job = self.get(location.to_str().expect("text"), &[]).json;
        assert_eq!((accepted.status, &job["state"]), (202, &json!("COMPLETE")), "{job}");
        shape::job(&job);
    }

    /// `multipart/form-data` with a length, as the client makes it.
    pub fn upload(&self, path: &str, resources: Option<&str>, file: &Path, name: &str) -> Reply {
        let mut body = Vec::new();
        if let Some(resources) = resources {
            body.extend(
                format!("--edge\r\nContent-Disposition: form-data; name=\"resources\"\r\n\r\n{resources}\r\n").bytes(),
            );
        }
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(std::fs::read(file).expect("the file"));
        body.extend(b"\r\n--edge--\r\n");
        let request = self.dressed(self.http.post(format!("{}{path}", self.url)));
        self.send(request.header("content-type", "multipart/form-data; boundary=edge").body(body), path)
    }

    /// The app by its name, as every command begins.
    #[track_caller]
    pub fn app(&self, name: &str) -> Value {
        let found = self.list("/v3/apps", &[("names", name), ("space_guids", &self.space)]);
        shape::app(found.first());
        found.first().clone()
    }

    #[track_caller]
    pub fn app_guid(&self, name: &str) -> String {
        string(&self.app(name)["guid"])
    }
}

/// A zip of a folder.
#[expect(clippy::disallowed_methods, reason = "makes a zip with a real program")]
pub fn zip(pitlane: &Pitlane, folder: &Path, name: &str) -> PathBuf {
    let path = pitlane.folder.path().join(name);
    let done = Command::new("zip").arg("-qr").arg(&path).arg(".").current_dir(folder).output().expect("zip runs");
    assert!(done.status.success(), "{}", text(&done));
    path
}
