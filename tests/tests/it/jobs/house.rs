//! A platform with an administrator, and what jobs are made of.
#![expect(clippy::disallowed_methods, reason = "tests drive real programs")]

use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::{ADMIN, Answer, PASSWORD, Pitlane, http, new_folder, repository, text};

pub const ADDER: &str =
    "class Adder:\n    def perform(self, numbers):\n        print('adding', numbers)\n        return sum(numbers)\n";

/// The platform, and the administrator's token.
pub struct House {
    pub pitlane: Pitlane,
    pub token: String,
}

impl House {
    pub fn new() -> Self {
        Self::with(Pitlane::start())
    }

    pub fn with(pitlane: Pitlane) -> Self {
        let mut house = Self { pitlane, token: String::new() };
        house.token = house.login(ADMIN, PASSWORD);
        house
    }

    pub fn login(&self, user: &str, password: &str) -> String {
        let answer = self.api("POST", "/users/login", None, Some(json!({ "username": user, "password": password })));
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        body["token"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
    }

    /// A call of the Lifecycle API.
    pub fn api(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        self.send(method, &format!("/lifecycle/api/v1{path}"), token, body)
    }

    /// The same as the administrator; must be 200.
    #[track_caller]
    pub fn ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.api(method, path, Some(&self.token), body);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    pub fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let method = method.parse().expect("a method");
        let mut request =
            http().request(method, format!("{}{path}", self.pitlane.url)).timeout(Duration::from_secs(300));
        if let Some(token) = token {
            request = request.header("x-racetrack-auth", token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().expect("an answer"))
    }

    /// One request as the administrator, its first line as it is; answers all that comes back until the end.
    pub fn raw(&self, line: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.pitlane.url.trim_start_matches("http://")).expect("it listens");
        let token = &self.token;
        let head = format!("{line}\r\nHost: x\r\nConnection: close\r\nX-Racetrack-Auth: {token}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Calls a job with a JSON body as the administrator.
    pub fn call(&self, path: &str, body: Value) -> Answer {
        self.send("POST", &format!("/pub/job{path}"), Some(&self.token), Some(body))
    }

    /// `POST /deploy` of files, as the administrator; answers how it ended.
    pub fn deploy(&self, manifest: Value, files: &[(&str, &str)]) -> Value {
        let answer = self.begin(&self.token, manifest, Some(files), json!({}));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let id: Value = serde_json::from_str(&answer.body).expect("JSON");
        self.ended(id["id"].as_str().expect("an id"))
    }

    /// The same; must end well.
    #[track_caller]
    pub fn deployed(&self, manifest: Value, files: &[(&str, &str)]) {
        let ended = self.deploy(manifest, files);
        assert_eq!(ended["status"], "done", "{}", ended["error"].as_str().unwrap_or_default());
    }

    pub fn begin(&self, token: &str, manifest: Value, files: Option<&[(&str, &str)]>, more: Value) -> Answer {
        let mut body = json!({ "manifest": manifest, "git_credentials": null, "secret_vars": null, "force": false, "build_flags": [] });
        body["build_context"] = files.map_or(Value::Null, |files| context(files).into());
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.api("POST", "/deploy", Some(token), Some(body))
    }

    /// Waits for the end of a deployment.
    pub fn ended(&self, id: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(420);
        loop {
            let deployment = self.ok("GET", &format!("/deploy/{id}"), None);
            if deployment["status"] != "in_progress" {
                return deployment;
            }
            assert!(Instant::now() < end, "goes on: {deployment}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Runs a conversation of the real client.
    pub fn converse(&self, conversation: &str, git: &str) {
        let folder = new_folder();
        let output = Command::new(repository().join("target/clients/bin/python"))
            .arg(repository().join("tests/clients/racetrack.py"))
            .args([&self.pitlane.url, ADMIN, PASSWORD, folder.path().to_str().expect("text"), conversation, git])
            .stdin(Stdio::null())
            .output()
            .expect("`tools/install test` has made target/clients");
        assert!(output.status.success(), "{}", text(&output));
    }
}

/// A manifest of a Python job.
pub fn manifest(name: &str, version: &str) -> Value {
    json!({
        "name": name,
        "version": version,
        "owner_email": "kim@example.com",
        "jobtype": "python3:latest",
        "git": { "remote": "https://git.example.com/nowhere" },
        "jobtype_extra": { "entrypoint_path": "main.py" },
    })
}

/// Files as clients send them: a gzip tar, in base64.
pub fn context(files: &[(&str, &str)]) -> String {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content.as_bytes()).expect("it fits");
    }
    let bytes = tar.into_inner().and_then(GzEncoder::finish).expect("in memory");
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

/// Repositories over TLS; ended with this value.
pub struct GitServer {
    pub folder: tempfile::TempDir,
    pub url: String,
    pub authority: PathBuf,
    child: Child,
}

impl GitServer {
    pub fn start() -> Self {
        let folder = new_folder();
        let mut child = Command::new(repository().join("target/clients/bin/python"))
            .arg(repository().join("tests/clients/git_server.py"))
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`tools/install test` has made target/clients");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it is");
        let (url, authority) = line.trim().split_once(' ').expect("address and file");
        Self { url: url.into(), authority: authority.into(), child, folder }
    }

    /// Makes `NAME.git` with one commit of `files` on the branch `main`.
    pub fn repository(&self, name: &str, files: &[(&str, &str)]) {
        let work = new_folder();
        for (file, content) in files {
            let path = work.path().join(file);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
            std::fs::write(path, content).expect("written");
        }
        let bare = self.folder.path().join(format!("{name}.git"));
        git(work.path(), &["init", "-q", "-b", "main"]);
        git(work.path(), &["add", "."]);
        git(work.path(), &["-c", "user.name=kim", "-c", "user.email=kim@example.com", "commit", "-q", "-m", "first"]);
        git(work.path(), &["clone", "-q", "--bare", ".", bare.to_str().expect("text")]);
    }

    /// A platform that trusts it.
    pub fn house(&self) -> House {
        let authority = self.authority.to_str().expect("text");
        House::with(Pitlane::start_with_env(&[], &[("GIT_SSL_CAINFO", authority)]))
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git").args(arguments).current_dir(folder).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output));
}
