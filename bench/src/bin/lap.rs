//! What people wait for, measured through the command line: pushes, start, idle memory.
//!
//! `lap [static|python|idle|start]`, all without an argument. The Python push is printed beside `pip install` of the same
//! requirements alone; the others have no peer.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints and drives programs"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tests::{Pitlane, eventually, http, text};

const ROUNDS: usize = 5;

fn main() {
    let wanted = std::env::args().nth(1);
    let cases: [(&str, fn()); 4] = [("static", static_push), ("python", python_push), ("idle", idle), ("start", start)];
    for (name, case) in cases {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            case();
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// From the command to the first 200 of the front door.
fn push(pitlane: &Pitlane, folder: &Path, name: &str) -> Duration {
    let begun = Instant::now();
    let output = pitlane.run_in(folder, &["push", name]);
    assert!(output.status.success(), "{}", text(&output));
    pitlane.get_until_ok(name, "/");
    begun.elapsed()
}

fn static_push() {
    let pitlane = Pitlane::start();
    let folder = pitlane.sample("static");
    let times = (0..ROUNDS).map(|round| push(&pitlane, &folder, &format!("static{round}"))).collect();
    println!("static push, command to first 200: {:.2} s (median of {ROUNDS} new apps)", median(times).as_secs_f64());
}

fn python_push() {
    let pitlane = Pitlane::start();
    let folder = pitlane.sample("python");
    let cold = push(&pitlane, &folder, "python");
    let warm = median((0..3).map(|_| push(&pitlane, &folder, "python")).collect());
    let alone =
        median((0..3).map(|round| pip_alone(&folder, &pitlane.folder.path().join(format!("venv{round}")))).collect());
    println!(
        "Python push: cold {:.2} s, warm cache {:.2} s; pip install alone {:.2} s; difference {:+.2} s",
        cold.as_secs_f64(),
        warm.as_secs_f64(),
        alone.as_secs_f64(),
        warm.as_secs_f64() - alone.as_secs_f64()
    );
}

/// A fresh virtual environment is made outside the measured time; pip's own cache is warm from the first round on.
fn pip_alone(folder: &Path, venv: &Path) -> Duration {
    let made =
        Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(venv).status().expect("python3-venv is installed");
    assert!(made.success());
    let begun = Instant::now();
    let done = Command::new(venv.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(folder.join("requirements.txt"))
        .status()
        .expect("pip runs");
    assert!(done.success());
    begun.elapsed()
}

fn idle() {
    let pitlane = Pitlane::start();
    // What starting took has been given back when two readings agree.
    let mut before = 0;
    eventually(Duration::from_secs(20), || {
        std::thread::sleep(Duration::from_secs(2));
        let now = resident(&pitlane).iter().map(|(_, kb)| kb).sum::<u64>();
        let settled = now.abs_diff(before) < 64;
        before = now;
        settled
    });
    let parts = resident(&pitlane);
    let total: u64 = parts.iter().map(|(_, kb)| kb).sum();
    let parts: Vec<String> = parts.iter().map(|(name, kb)| format!("{name} {:.1}", *kb as f64 / 1024.0)).collect();
    println!(
        "idle memory, nothing deployed: {:.1} MB proportional set size ({})",
        total as f64 / 1024.0,
        parts.join(", ")
    );
}

/// Proportional set size of each platform process, kB.
fn resident(pitlane: &Pitlane) -> Vec<(&'static str, u64)> {
    ["serve", "router", "control"]
        .into_iter()
        .map(|name| {
            let note = std::fs::read_to_string(pitlane.data().join(format!("run/{name}.pid"))).expect("it runs");
            let note: serde_json::Value = serde_json::from_str(&note).expect("a note");
            let smaps = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", note["pid"])).expect("it lives");
            let pss = smaps.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Pss is there");
            (name, pss.trim().trim_end_matches(" kB").parse().expect("a number"))
        })
        .collect()
}

fn start() {
    let mut pitlane = Pitlane::start();
    fill(&pitlane);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        assert!(pitlane.stop(&[]).status.success());
        let begun = Instant::now();
        pitlane.serve_again();
        assert_eq!(pitlane.get("", "/env_info").status, 200);
        times.push(begun.elapsed());
    }
    println!(
        "start on a data folder with 1,000 apps, to healthy: {:.2} s (median of {ROUNDS})",
        median(times).as_secs_f64()
    );
}

/// 1,000 apps with a route each.
fn fill(pitlane: &Pitlane) {
    let (client, token) = (http(), pitlane.token());
    let send = |request: reqwest::blocking::RequestBuilder| -> serde_json::Value {
        let answer = request.bearer_auth(&token).send().expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        serde_json::from_str(&answer.text().expect("text")).expect("JSON")
    };
    let get = |path: &str| send(client.get(format!("{}{path}", pitlane.url)));
    let post = |path: &str, body: serde_json::Value| send(client.post(format!("{}{path}", pitlane.url)).json(&body));
    let space = serde_json::json!({ "data": { "guid": get("/v3/spaces")["resources"][0]["guid"] } });
    let domain = serde_json::json!({ "data": { "guid": get("/v3/domains")["resources"][0]["guid"] } });
    for number in 0..1000 {
        let name = format!("app{number}");
        let app = post("/v3/apps", serde_json::json!({ "name": name, "relationships": { "space": space } }));
        let relationships = serde_json::json!({ "space": space, "domain": domain });
        let route = post("/v3/routes", serde_json::json!({ "host": name, "relationships": relationships }));
        let path = format!("/v3/routes/{}/destinations", route["guid"].as_str().expect("a guid"));
        post(&path, serde_json::json!({ "destinations": [{ "app": { "guid": app["guid"] } }] }));
    }
}
