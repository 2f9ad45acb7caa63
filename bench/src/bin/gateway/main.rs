//! Jobs: what the gateway adds to a call, and how long a deployment takes.
//!
//! The measured job is this program: a Python job whose entrypoint becomes it, deployed by the real client, so that its own
//! time is small and steady and everything between is what people get. Each pair of short runs calls it directly and through
//! the gateway, by turns; what counts is the median of the pairs' differences. One client calls without a pause. Thirty-two
//! call fifty times a second each: without a pause they would measure how long the queue of two processors is.
//!
//! `gateway [calls|deploy]`, both without an argument. `gateway job ADDRESS` is the job.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and stops at the first failure")]

mod client;
mod job;

use bench::{median, median_seconds, pip_alone, row};
use client::{Call, Times};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tests::{ADMIN, PASSWORD, Pitlane, http, repository, text};

const PAIRS: usize = 15;
const ROUNDS: usize = 5;
/// Between two calls of each of many clients.
const PACE: Duration = Duration::from_millis(20);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["job", address] => job::serve(address),
        ["calls"] => calls(),
        ["deploy"] => deploy(),
        _ => {
            calls();
            deploy();
        }
    }
}

/// A platform, and a client's home that is logged in to it.
struct House {
    pitlane: Pitlane,
    token: String,
}

impl House {
    fn new() -> Self {
        let pitlane = Pitlane::start();
        let body = json!({ "username": ADMIN, "password": PASSWORD });
        let answer = http().post(format!("{}/lifecycle/api/v1/users/login", pitlane.url)).json(&body).send();
        let answer: Value = answer.expect("an answer").json().expect("JSON");
        let house = Self { token: answer["token"].as_str().expect("a token").to_owned(), pitlane };
        house.racetrack(&["set", "remote", &format!("{}/lifecycle", house.pitlane.url)]);
        house.racetrack(&["login", &house.token]);
        house
    }

    /// The real client.
    #[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures; no value from outside")]
    fn racetrack(&self, arguments: &[&str]) {
        let output = Command::new(repository().join("target/clients/bin/racetrack"))
            .args(arguments)
            .env("HOME", self.pitlane.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("`tools/install bench` has made target/clients");
        assert!(output.status.success(), "racetrack {arguments:?}: {}", text(&output));
    }

    /// A folder with a job; deploys it.
    fn deploy(&self, name: &str, version: &str, source: &Path) -> Duration {
        let begun = Instant::now();
        let (name, version) = (format!("name={name}"), format!("version={version}"));
        let source = source.to_str().expect("text");
        self.racetrack(&["deploy", source, "--build-context", "local", "-e", &name, "-e", &version]);
        begun.elapsed()
    }

    fn job(&self, name: &str, version: &str) -> Value {
        let url = format!("{}/lifecycle/api/v1/job/{name}/{version}", self.pitlane.url);
        let answer = http().get(url).header("x-racetrack-auth", &self.token).send().expect("an answer");
        answer.json().expect("JSON")
    }
}

fn calls() {
    let house = House::new();
    let folder = tests::new_folder();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).expect("written");
    let path = "/home/vcap/app/server";
    write(
        "main.py",
        &format!("import os\nos.chmod('{path}', 0o755)\nos.execv('{path}', ['server', 'job', '0.0.0.0:7000'])\n"),
    );
    write(
        "job.yaml",
        "name: fast\nowner_email: kim@example.com\njobtype: python3:latest\ngit:\n  remote: https://git.example.com/x\njobtype_extra:\n  entrypoint_path: main.py\n",
    );
    let own = std::env::current_exe().expect("it runs");
    std::fs::copy(own, folder.path().join("server")).expect("copied");
    house.deploy("fast", "1.0.0", folder.path());
    let job = house.job("fast", "1.0.0");
    let direct = job["replica_internal_names"][0].as_str().expect("an address").to_owned();
    let front = house.pitlane.url.trim_start_matches("http://").to_owned();
    let direct = Call::new(&direct, "/api/v1/perform", &house.token);
    let gateway = Call::new(&front, "/pub/job/fast/latest/api/v1/perform", &house.token);

    for (clients, pace) in [(1, Duration::ZERO), (32, PACE)] {
        // Warm both, unmeasured.
        client::run(&direct, clients, pace, Duration::from_secs(1));
        client::run(&gateway, clients, pace, Duration::from_secs(1));
        let mut pairs = Vec::new();
        for pair in 0..PAIRS {
            let run = |call| client::run(call, clients, pace, Duration::from_secs(1));
            let (direct, gateway) = if pair % 2 == 0 {
                let direct = run(&direct);
                (direct, run(&gateway))
            } else {
                let gateway = run(&gateway);
                (run(&direct), gateway)
            };
            println!("{clients:>2} clients  direct {direct}   gateway {gateway}");
            pairs.push((direct, gateway));
        }
        let of = |pick: &dyn Fn(&(Times, Times)) -> f64| median(pairs.iter().map(pick).collect());
        let added50 = of(&|(direct, gateway)| gateway.p50 - direct.p50);
        let added99 = of(&|(direct, gateway)| gateway.p99 - direct.p99);
        let (direct50, direct99) = (of(&|(direct, _)| direct.p50), of(&|(direct, _)| direct.p99));
        row(
            &format!(
                "gateway, added to a call, {clients} client{}: p50; p99",
                if clients == 1 { "" } else { "s, 1,600 calls/s" }
            ),
            &format!("the job called directly: {direct50:.0} µs; {:.2} ms", direct99 / 1000.0),
            &format!("{added50:+.0} µs; {:+.2} ms", added99 / 1000.0),
            "≤ 100 µs; ≤ 2 ms",
        );
    }
}

fn deploy() {
    let house = House::new();
    let sample = house.pitlane.sample("job-python");
    let cold = house.deploy("adder", "0.0.1", &sample);
    let (mut warm, mut alone) = (Vec::new(), Vec::new());
    // By turns, so that a disturbance meets both.
    for round in 0..ROUNDS {
        let version = format!("0.1.{round}");
        let url = format!("{}/pub/job/adder/{version}/api/v1/perform", house.pitlane.url);
        let begun = Instant::now();
        let answered = std::thread::scope(|scope| {
            scope.spawn(|| house.deploy("adder", &version, &sample));
            let token = house.token.as_str();
            let client = http();
            loop {
                let call = client.post(&url).header("x-racetrack-auth", token).json(&json!({ "numbers": [1, 2] }));
                if call.send().expect("an answer").status().is_success() {
                    return begun.elapsed();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        warm.push(answered);
        alone.push(pip_alone(&sample, &house.pitlane.folder.path().join(format!("venv{round}"))));
    }
    println!("Python job: cold {cold:.2?}, with a warm cache {warm:.2?}; pip install alone {alone:.2?}");
    let (warm, alone) = (median_seconds(warm), median_seconds(alone));
    row(
        "deploy of a Python job with a warm cache, `racetrack deploy` to first answered call",
        &format!("`pip install` of the same requirements alone: {alone:.1} s"),
        &format!("{warm:.1} s, {:+.1} s", warm - alone),
        "≤ that + 4 s",
    );
}
