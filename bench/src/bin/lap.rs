//! What people wait for, measured through the command line: pushes, start, changes of routes, idle memory.
//!
//! `lap [static|python|idle|start|routes]`, all without an argument. The Python push is printed beside `pip install` of the
//! same requirements alone; the others have no peer.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and stops at the first failure")]

use bench::{median_seconds, pip_alone, row};
use std::path::Path;
use std::time::{Duration, Instant};
use tests::{Pitlane, eventually, http, text};

const ROUNDS: usize = 5;

fn main() {
    let wanted = std::env::args().nth(1);
    let cases: [(&str, fn()); 5] =
        [("static", static_push), ("python", python_push), ("idle", idle), ("start", start), ("routes", routes)];
    for (name, case) in cases {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            case();
        }
    }
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
    let times: Vec<Duration> = (0..ROUNDS).map(|round| push(&pitlane, &folder, &format!("static{round}"))).collect();
    println!("static pushes of {ROUNDS} new apps: {times:.2?}");
    row("static push, command to first 200", "–", &format!("{:.2} s", median_seconds(times)), "≤ 1.5 s");
}

fn python_push() {
    let pitlane = Pitlane::start();
    let folder = pitlane.sample("python");
    let cold = push(&pitlane, &folder, "python");
    let (mut warm, mut alone) = (Vec::new(), Vec::new());
    // By turns, so that a disturbance meets both.
    for round in 0..ROUNDS {
        warm.push(push(&pitlane, &folder, "python"));
        alone.push(pip_alone(&folder, &pitlane.folder.path().join(format!("venv{round}"))));
    }
    println!("Python push: cold {cold:.2?}, with a warm cache {warm:.2?}; pip install alone {alone:.2?}");
    let (warm, alone) = (median_seconds(warm), median_seconds(alone));
    row(
        "Python push with a warm cache, command to first 200",
        &format!("`pip install` of the same requirements alone: {alone:.1} s"),
        &format!("{warm:.1} s, {:+.1} s", warm - alone),
        "≤ that + 3 s",
    );
}

fn idle() {
    let pitlane = Pitlane::start();
    // What starting took has been given back when two readings agree.
    let mut before = 0;
    eventually(Duration::from_secs(60), || {
        std::thread::sleep(Duration::from_secs(2));
        let now = resident(&pitlane).iter().map(|(_, kb)| kb).sum::<u64>();
        let settled = now.abs_diff(before) < 64;
        before = now;
        settled
    });
    let parts = resident(&pitlane);
    let total: u64 = parts.iter().map(|(_, kb)| kb).sum();
    let parts: Vec<String> = parts.iter().map(|(name, kb)| format!("{name} {:.1}", *kb as f64 / 1024.0)).collect();
    row(
        &format!("idle memory of all platform processes, nothing deployed, MB ({})", parts.join(", ")),
        "–",
        &format!("{:.1} MB", total as f64 / 1024.0),
        "≤ 64 MB",
    );
}

/// Proportional set size of each platform process, kB.
fn resident(pitlane: &Pitlane) -> Vec<(&'static str, u64)> {
    let read = |name| {
        let note = std::fs::read_to_string(pitlane.data().join(format!("run/{name}.pid"))).expect("it runs");
        let note: serde_json::Value = serde_json::from_str(&note).expect("a note");
        let smaps = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", note["pid"])).expect("it lives");
        let pss = smaps.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Pss is there");
        (name, pss.trim().trim_end_matches(" kB").parse().expect("a number"))
    };
    ["serve", "router", "control"].into_iter().map(read).collect()
}

fn start() {
    let mut pitlane = Pitlane::start();
    fill(&pitlane, 0..1000);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        assert!(pitlane.stop(&[]).status.success());
        let begun = Instant::now();
        pitlane.serve_again();
        eventually(Duration::from_secs(30), || pitlane.get("", "/env_info").status == 200);
        times.push(begun.elapsed());
    }
    println!("starts with 1,000 apps: {times:.2?}");
    row("start on a data folder with 1,000 apps, to healthy", "–", &format!("{:.2} s", median_seconds(times)), "≤ 1 s");
}

/// From the answer that a change is in the ledger to its effect at the front door, among 1,000 and 10,000 routes.
fn routes() {
    let pitlane = Pitlane::start();
    let mut known = 0;
    for (total, words) in [(1_000, "1,000"), (10_000, "10,000")] {
        let burst = Instant::now();
        fill(&pitlane, known..total);
        let (filled, api) = (burst.elapsed(), Api::new(&pitlane));
        // Who makes them all at once finds the last of them as soon as any.
        let behind =
            (total - 16..total).map(|number| api.until(&format!("app{number}"), 503)).max().unwrap_or_default();
        println!("{} apps with routes made in {filled:.1?}; the last is found after {behind:.1?} more", total - known);
        known = total;
        let place = serde_json::json!({ "space": api.place()["space"] });
        let app =
            api.post("/v3/apps", serde_json::json!({ "name": format!("stopped{total}"), "relationships": place }));
        let app = app["guid"].as_str().expect("a guid");
        let mut times = Vec::new();
        for number in 0..20 {
            let host = format!("new{total}-{number}");
            let route = api.post("/v3/routes", serde_json::json!({ "host": host, "relationships": api.place() }));
            let route = format!("/v3/routes/{}", route["guid"].as_str().expect("a guid"));
            let to = serde_json::json!({ "destinations": [{ "app": { "guid": app } }] });
            api.post(&format!("{route}/destinations"), to);
            times.push(api.until(&host, 503));
            api.delete(&route);
            times.push(api.until(&host, 404));
        }
        let slowest = times.iter().max().copied().unwrap_or_default();
        row(
            &format!("change of a route among {words}, ledger entry to effect, median / slowest of {}", times.len()),
            "–",
            &format!("{:.1} / {:.1} ms", median_seconds(times) * 1e3, slowest.as_secs_f64() * 1e3),
            "≤ 50 ms",
        );
    }
}

/// The API as the administrator.
struct Api {
    client: reqwest::blocking::Client,
    url: String,
    token: String,
    space: serde_json::Value,
    domain: serde_json::Value,
}

impl Api {
    fn new(pitlane: &Pitlane) -> Self {
        let (client, url, token) = (http(), pitlane.url.clone(), pitlane.token());
        let mut api = Self { client, url, token, space: serde_json::Value::Null, domain: serde_json::Value::Null };
        let first = |path| serde_json::json!({ "data": { "guid": api.get(path)["resources"][0]["guid"] } });
        let (space, domain) = (first("/v3/spaces"), first("/v3/domains"));
        (api.space, api.domain) = (space, domain);
        api
    }

    fn place(&self) -> serde_json::Value {
        serde_json::json!({ "space": self.space, "domain": self.domain })
    }

    fn send(&self, request: reqwest::blocking::RequestBuilder) -> String {
        let answer = request.bearer_auth(&self.token).send().expect("an answer");
        let (status, text) = (answer.status(), answer.text().expect("text"));
        assert!(status.is_success(), "{status} {text}");
        text
    }

    fn get(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.send(self.client.get(format!("{}{path}", self.url)))).expect("JSON")
    }

    fn post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let request = self.client.post(format!("{}{path}", self.url)).json(&body);
        serde_json::from_str(&self.send(request)).expect("JSON")
    }

    fn delete(&self, path: &str) {
        self.send(self.client.delete(format!("{}{path}", self.url)));
    }

    /// How long until a host is answered with `status`: 503 once it has a route (to an app that does not run), 404 when it has none.
    fn until(&self, host: &str, status: u16) -> Duration {
        let begun = Instant::now();
        let ask = || self.client.get(&self.url).header("host", format!("{host}.apps.localhost")).send();
        while ask().expect("an answer").status().as_u16() != status {
            assert!(begun.elapsed() < Duration::from_secs(10), "{host} is not answered {status}");
        }
        begun.elapsed()
    }
}

/// So many apps with a route each; by several at a time, for each waits for the disk.
fn fill(pitlane: &Pitlane, numbers: std::ops::Range<usize>) {
    const HANDS: usize = 16;
    std::thread::scope(|scope| {
        for hand in 0..HANDS {
            let numbers = numbers.clone().filter(move |number| number % HANDS == hand);
            scope.spawn(move || {
                let api = Api::new(pitlane);
                for number in numbers {
                    let name = format!("app{number}");
                    let relationships = serde_json::json!({ "space": api.space });
                    let app = api.post("/v3/apps", serde_json::json!({ "name": name, "relationships": relationships }));
                    let wanted = serde_json::json!({ "host": name, "relationships": api.place() });
                    let route = api.post("/v3/routes", wanted);
                    let path = format!("/v3/routes/{}/destinations", route["guid"].as_str().expect("a guid"));
                    api.post(&path, serde_json::json!({ "destinations": [{ "app": { "guid": app["guid"] } }] }));
                }
            });
        }
    });
}
