//! A running Pitlane to talk to: started from the built binary, on a port and a data folder of its own, ended with it.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    reason = "tests drive real programs, and say what they skip"
)]

pub mod processes;
pub mod servers;
mod watchdog;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const ADMIN: &str = "ada";
pub const PASSWORD: &str = "correct horse battery";

/// The binary under test: `PITLANE_BINARY`, or the one that was built beside the tests.
pub fn binary() -> PathBuf {
    std::env::var_os("PITLANE_BINARY").map_or_else(|| repository().join("target/debug/pitlane"), PathBuf::from)
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository")
}

/// A server, its data folder, and a home for a signed-in administrator's command line.
pub struct Pitlane {
    pub folder: tempfile::TempDir,
    pub url: String,
    pub greeting: Vec<String>,
    serve: Child,
    arguments: Vec<String>,
    _watchdog: watchdog::Watchdog,
}

impl Pitlane {
    /// A fresh server with an administrator who is signed in.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of `pitlane serve`.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_in(new_folder(), options)
    }

    /// The same with these variables in the server's environment.
    pub fn start_with_env(options: &[&str], env: &[(&str, &str)]) -> Self {
        let folder = new_folder();
        let listen = format!("127.0.0.1:{}", free_port());
        let mut arguments = vec!["serve".to_owned(), "--listen".into(), listen.clone()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        Self::spawned(folder, &listen, arguments, env).with_administrator()
    }

    /// The same in a given folder (the data folder is `data` in it).
    pub fn start_in(folder: tempfile::TempDir, options: &[&str]) -> Self {
        Self::start_empty_in(folder, options).with_administrator()
    }

    fn with_administrator(self) -> Self {
        let done = self.with_input(
            &["admin", "createsuperuser", ADMIN, "--email", "ada@example.com", "--password-stdin"],
            PASSWORD,
        );
        assert!(done.status.success(), "createsuperuser: {}", text(&done));
        self.login();
        self
    }

    /// Signs the administrator in.
    pub fn login(&self) {
        let done = self.with_input(&["login", &self.url, "-u", ADMIN, "--password-stdin"], PASSWORD);
        assert!(done.status.success(), "login: {}", text(&done));
    }

    /// A fresh server without anybody.
    pub fn start_empty(options: &[&str]) -> Self {
        Self::start_empty_in(new_folder(), options)
    }

    /// The same in a given folder.
    pub fn start_empty_in(folder: tempfile::TempDir, options: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut arguments = vec!["serve".to_owned(), "--listen".into(), listen.clone()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        Self::spawned(folder, &listen, arguments, &[])
    }

    fn spawned(folder: tempfile::TempDir, listen: &str, arguments: Vec<String>, env: &[(&str, &str)]) -> Self {
        let watchdog = watchdog::Watchdog::over(folder.path());
        let (serve, greeting) = spawn(folder.path(), &arguments, env);
        Self { folder, url: format!("http://{listen}"), greeting, serve, arguments, _watchdog: watchdog }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self) -> Command {
        command(self.folder.path())
    }

    /// Runs `pitlane ARGUMENTS` as the administrator.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().expect("pitlane runs")
    }

    /// Runs it in `folder`.
    pub fn run_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.command().args(arguments).current_dir(folder).stdin(Stdio::null()).output().expect("pitlane runs")
    }

    /// Runs it and insists on success; answers standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "pitlane {}: {}", arguments.join(" "), text(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs it with `--json` and insists on success.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        serde_json::from_str(&self.ok(&all)).expect("--json prints JSON")
    }

    pub fn with_input(&self, arguments: &[&str], line: &str) -> Output {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pitlane runs");
        writeln!(child.stdin.take().expect("piped"), "{line}").expect("it reads");
        child.wait_with_output().expect("it ends")
    }

    /// A request to an application (`host` without the domain) or, with an empty host, to the platform.
    pub fn get(&self, host: &str, path: &str) -> Answer {
        let mut request = http().get(format!("{}{path}", self.url));
        if !host.is_empty() {
            request = request.header("host", format!("{host}.apps.localhost"));
        }
        Answer::of(request.send().expect("an answer"))
    }

    /// Asks until the application answers 200, at most 30 s; answers its body.
    pub fn get_until_ok(&self, host: &str, path: &str) -> String {
        let mut last = None;
        eventually(Duration::from_secs(30), || {
            let answer = self.get(host, path);
            let ok = answer.status == 200;
            last = Some(answer);
            ok
        });
        let answer = last.expect("asked at least once");
        assert_eq!(answer.status, 200, "{host}{path}: {}", answer.body);
        answer.body
    }

    pub fn sample(&self, name: &str) -> PathBuf {
        repository().join("samples").join(name)
    }

    /// Kills one of the server's processes (`serve`, `router`, `control`) without warning.
    pub fn kill(&self, name: &str) {
        let note = std::fs::read_to_string(self.data().join(format!("run/{name}.pid"))).expect("it runs");
        let note: Value = serde_json::from_str(&note).expect("a note");
        let pid = rustix::process::Pid::from_raw(note["pid"].as_i64().expect("a pid") as i32).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
    }

    /// Waits until control answers again.
    pub fn until_well(&self) {
        eventually(Duration::from_secs(30), || self.get("", "/env_info").status == 200);
    }

    /// Runs `pitlane ARGUMENTS` in `folder` without waiting for its end.
    pub fn begin_in(&self, folder: &Path, arguments: &[&str]) -> Child {
        let mut command = self.command();
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("pitlane runs")
    }

    /// A second `pitlane serve` with these options, which is expected to refuse: waits for its end.
    pub fn serve_refused(&self, options: &[&str]) -> Output {
        let output = self.run(&[&["serve"], options].concat());
        assert!(!output.status.success(), "it serves: {}", text(&output));
        output
    }

    /// `pitlane stop --data …`: ends the server; with `--apps` everything it started.
    pub fn stop(&self, options: &[&str]) -> Output {
        let data = self.data();
        self.run(&[&["stop", "--data", data.to_str().expect("text")], options].concat())
    }

    /// Starts `pitlane serve` again on the same folder and address.
    pub fn serve_again(&mut self) {
        let _ = self.serve.wait();
        let (serve, greeting) = spawn(self.folder.path(), &self.arguments, &[]);
        (self.serve, self.greeting) = (serve, greeting);
    }

    /// `pitlane serve --take-over` on the same folder and address, beside the running one; returns when it serves.
    pub fn take_over(&mut self) {
        let arguments = [self.arguments.clone(), vec!["--take-over".to_owned()]].concat();
        let (serve, greeting) = spawn(self.folder.path(), &arguments, &[]);
        let mut old = std::mem::replace(&mut self.serve, serve);
        self.greeting = greeting;
        old.wait().expect("it has handed over");
    }

    /// The access token of the signed-in administrator, for raw requests.
    pub fn token(&self) -> String {
        let answer = http()
            .post(format!("{}/uaa/oauth/token", self.url))
            .header("authorization", "Basic Y2Y6")
            .form(&[("grant_type", "password"), ("username", ADMIN), ("password", PASSWORD)])
            .send()
            .expect("an answer");
        let body: Value = serde_json::from_str(&answer.text().expect("text")).expect("JSON");
        body["access_token"].as_str().expect("a token").to_owned()
    }
}

impl Drop for Pitlane {
    fn drop(&mut self) {
        let _ = self.stop(&["--apps"]);
        let _ = self.serve.kill();
        let _ = self.serve.wait();
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn of(answer: reqwest::blocking::Response) -> Self {
        Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().unwrap_or_default(),
        }
    }
}

/// A client that follows no redirects.
pub fn http() -> reqwest::blocking::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client")
}

/// Waits for a condition that another process brings about; fails after `limit`.
pub fn eventually(limit: Duration, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < end, "did not come about within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Changes a database behind the server's back, with the `sqlite3` that Python brings.
pub fn sqlite(file: &Path, statement: &str) -> Output {
    let program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])";
    Command::new("python3").args(["-c", program]).arg(file).arg(statement).output().expect("python3 runs")
}

/// An empty folder, removed at its end.
pub fn new_folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("pitlane-test-").tempdir().expect("a folder")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command.env("PITLANE_DATA", folder.join("data")).env("PITLANE_HOME", folder.join("home")).env("NO_COLOR", "1");
    // Of the S3 server that `tests/servers` starts; used only with `--blobs s3://…`.
    for (ours, name) in
        [("PITLANE_TEST_S3_KEY", "AWS_ACCESS_KEY_ID"), ("PITLANE_TEST_S3_SECRET", "AWS_SECRET_ACCESS_KEY")]
    {
        if let Some(value) = std::env::var_os(ours) {
            command.env(name, value);
        }
    }
    for name in ["PITLANE_LISTEN", "PITLANE_DOMAIN", "DATABASE_URL", "PITLANE_BLOBS", "PITLANE_TARGET"] {
        command.env_remove(name);
    }
    command
}

fn spawn(folder: &Path, arguments: &[String], env: &[(&str, &str)]) -> (Child, Vec<String>) {
    let mut child = command(folder)
        .args(arguments)
        .envs(env.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary is built");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut greeting = Vec::new();
    // The greeting ends with the last of its three commands.
    while let Some(Ok(line)) = lines.next() {
        let last = line.trim() == "pitlane apps";
        greeting.push(line);
        if last {
            return (child, greeting);
        }
    }
    let output = child.wait_with_output().expect("it ended");
    panic!("pitlane serve did not start: {greeting:?} {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}
