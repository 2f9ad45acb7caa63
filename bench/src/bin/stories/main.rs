//! Stories by the API at 32 clients, durable: created, moved, listed; beside Redmine from Debian's packages doing the same by its
//! own API, in the same run on the same machine. Target: 20 times its requests a second. And the board of 5,000 stories.
//!
//! `stories [SECONDS]`: so long for each of the three, 10 without an argument. Redmine serves by puma with two workers; both keep their data in
//! SQLite with synchronous=FULL. Redmine has no order by hand: what is set beside a move is a change of one field.

#![expect(clippy::print_stdout, reason = "prints its figures")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on must stop")]

mod redmine;

use redmine::Redmine;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tests::{ADMIN, PASSWORD, Pitlane};

const CLIENTS: usize = 32;
const BOARD: usize = 5_000;
/// Stories and issues that are there before anything is measured.
const FILLED: usize = 200;

/// One kind of request, and where it goes.
#[derive(Clone)]
pub struct Target {
    client: reqwest::Client,
    base: String,
    header: (&'static str, String),
}

impl Target {
    /// A server's API with its credentials.
    pub fn new(base: String, header: (&'static str, String)) -> Self {
        // Fails only if one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: reqwest::Client::new(), base, header }
    }

    /// One request; the answer's body if it was a good one.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Option<Vec<u8>> {
        let method = method.parse().expect("a method");
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).header(self.header.0, &self.header.1);
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let good = response.status().is_success();
        let bytes = response.bytes().await.ok()?;
        good.then(|| bytes.to_vec())
    }
}

/// What many clients at once got done.
struct Figures {
    rate: f64,
    p99: f64,
    failed: usize,
}

/// Sends what `request` makes of a number, from all clients for so long.
async fn measured<F>(target: &Target, time: Duration, request: F) -> Figures
where
    F: Fn(usize) -> (&'static str, String, Value) + Send + Sync + 'static,
{
    let (request, next, begun) = (Arc::new(request), Arc::new(AtomicUsize::new(0)), Instant::now());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (target, request, next) = (target.clone(), Arc::clone(&request), Arc::clone(&next));
            tokio::spawn(async move {
                let (mut times, mut failed) = (Vec::new(), 0);
                while begun.elapsed() < time {
                    let (method, path, body) = request(next.fetch_add(1, Ordering::Relaxed));
                    let at = Instant::now();
                    match target.send(method, &path, &body).await {
                        Some(_) => times.push(at.elapsed().as_secs_f64() * 1e3),
                        None => failed += 1,
                    }
                }
                (times, failed)
            })
        })
        .collect();
    let (mut times, mut failed) = (Vec::new(), 0);
    for client in clients {
        let (some, lost) = client.await.expect("a client ends");
        times.extend(some);
        failed += lost;
    }
    let took = begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN);
    Figures { rate: times.len() as f64 / took, p99, failed }
}

fn print(what: &str, ours: &Figures, theirs: Option<&Figures>) {
    let beside = theirs.map_or_else(String::new, |theirs| {
        format!(
            "   Redmine {:.1}/s, p99 {:.0} ms ({} failed)   {:.0} x (to reach: 20)",
            theirs.rate,
            theirs.p99,
            theirs.failed,
            ours.rate / theirs.rate
        )
    });
    println!("{what:7} Pitlane {:.0}/s, p99 {:.1} ms ({} failed){beside}", ours.rate, ours.p99, ours.failed);
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(10);
    let time = Duration::from_secs(seconds);
    let redmine = tokio::task::spawn_blocking(Redmine::start).await.expect("it starts or is skipped");
    let theirs = match &redmine {
        Some(redmine) => Some(of_redmine(redmine, time).await),
        None => None,
    };
    drop(redmine);
    let pitlane = tokio::task::spawn_blocking(Pitlane::start).await.expect("it starts");
    let ours = of_pitlane(&pitlane, time).await;
    for (index, what) in ["create", "move", "list"].into_iter().enumerate() {
        print(what, &ours[index], theirs.as_ref().map(|theirs| &theirs[index]));
    }
    board(&pitlane).await;
    tokio::task::spawn_blocking(move || drop(pitlane)).await.expect("it ends");
}

async fn of_redmine(redmine: &Redmine, time: Duration) -> [Figures; 3] {
    let target = &redmine.target;
    let issue = |number: usize| json!({ "issue": { "project_id": "bench", "subject": format!("Story {number}") } });
    for number in 0..FILLED {
        target.send("POST", "/issues.json", &issue(number)).await.expect("Redmine makes an issue");
    }
    let create = measured(target, time, move |number| ("POST", "/issues.json".into(), issue(number))).await;
    let update = measured(target, time, |number| {
        let body = json!({ "issue": { "done_ratio": number % 10 * 10 } });
        ("PUT", format!("/issues/{}.json", number % FILLED + 1), body)
    })
    .await;
    let list = measured(target, time, |_| ("GET", "/issues.json?project_id=bench&limit=100".into(), Value::Null)).await;
    [create, update, list]
}

async fn token(pitlane: &Pitlane) -> Target {
    let base = format!("{}/services/v5", pitlane.url);
    let me = reqwest::Client::new().get(format!("{base}/me")).basic_auth(ADMIN, Some(PASSWORD)).send().await;
    let me: Value = me.expect("an answer").json().await.expect("JSON");
    Target::new(base, ("X-TrackerToken", me["api_token"].as_str().expect("a token").to_owned()))
}

async fn project(target: &Target, name: &str) -> i64 {
    let made = target.send("POST", "/projects", &json!({ "name": name })).await.expect("a project");
    serde_json::from_slice::<Value>(&made).expect("JSON")["id"].as_i64().expect("an id")
}

async fn of_pitlane(pitlane: &Pitlane, time: Duration) -> [Figures; 3] {
    let target = token(pitlane).await;
    let project = project(&target, "Bench").await;
    let path = format!("/projects/{project}/stories");
    for number in 0..FILLED {
        let body = json!({ "name": format!("Story {number}"), "current_state": "unstarted" });
        target.send("POST", &path, &body).await.expect("a story");
    }
    let to = path.clone();
    let create = measured(&target, time, move |number| {
        ("POST", to.clone(), json!({ "name": format!("Story {number}"), "estimate": 2 }))
    })
    .await;
    let at = path.clone();
    let moved = measured(&target, time, move |number| {
        let (moving, beside) = (number * 7 % FILLED + 1, number * 13 % FILLED + 1);
        let beside = if moving == beside { beside % FILLED + 1 } else { beside };
        ("PUT", format!("{at}/{moving}"), json!({ "before_id": beside }))
    })
    .await;
    let list = measured(&target, time, move |_| ("GET", format!("{path}?limit=100"), Value::Null)).await;
    [create, moved, list]
}

/// The board of a large project: what the server takes to answer, one client.
async fn board(pitlane: &Pitlane) {
    let target = token(pitlane).await;
    let project = project(&target, "Board").await;
    let path = format!("/projects/{project}/stories");
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (target, path) = (target.clone(), path.clone());
            tokio::spawn(async move {
                for number in (client..BOARD).step_by(CLIENTS) {
                    let state = if number % 4 == 0 { "unscheduled" } else { "unstarted" };
                    let body = json!({
                        "name": format!("Story {number}"), "description": "As somebody I want something, so that there is a reason.",
                        "estimate": number % 4, "current_state": state, "labels": [format!("label {}", number % 20)],
                    });
                    target.send("POST", &path, &body).await.expect("a story");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client ends");
    }
    let mut times = Vec::new();
    let mut size = 0;
    for _ in 0..15 {
        let at = Instant::now();
        size = target.send("GET", &format!("/projects/{project}/board"), &Value::Null).await.expect("a board").len();
        times.push(at.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "board   {BOARD} stories, {:.1} MB: median {:.0} ms, slowest {:.0} ms (to reach: 100)",
        size as f64 / 1e6,
        times[times.len() / 2],
        times[times.len() - 1]
    );
}
