//! Figure: from a change being sent to its event being heard on the last of 200 open pages, through the front door.
//!
//! `cargo run --release -p bench --bin events`: ten people with twenty streams each; 200 changes, one after the other. A
//! page hears of a change when the whole event has come. There is no peer.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and stops at the first failure")]

use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Pitlane, eventually, http};
use tokio::sync::mpsc;

const PEOPLE: usize = 10;
const STREAMS: usize = 20;
const CHANGES: usize = 200;
/// Far above the figure to reach; a page that has not heard by then never will.
const LOST: Duration = Duration::from_secs(20);

fn main() {
    let pitlane = Pitlane::start();
    let admin = pitlane.token();
    let send = |request: reqwest::blocking::RequestBuilder| -> Value {
        let answer = request.bearer_auth(&admin).send().expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        serde_json::from_str(&answer.text().expect("text")).expect("JSON")
    };
    let client = http();
    let organization = send(client.get(format!("{}/v3/organizations", pitlane.url)))["resources"][0]["guid"].clone();
    let change = format!("{}/v3/organizations/{}", pitlane.url, organization.as_str().expect("a guid"));
    let tokens: Vec<String> = (0..PEOPLE).map(|number| member(&pitlane, &send, number, &organization)).collect();

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (tell, mut heard) = mpsc::unbounded_channel();
    for token in &tokens {
        for _ in 0..STREAMS {
            runtime.spawn(listen(format!("{}/api/events", pitlane.url), token.clone(), tell.clone()));
        }
    }
    let mut open = 0;
    eventually(Duration::from_secs(60), || {
        open += std::iter::from_fn(|| heard.try_recv().ok()).count();
        open == PEOPLE * STREAMS
    });

    let (mut last, mut answered) = (Vec::new(), Vec::new());
    for number in 0..CHANGES {
        let begun = Instant::now();
        send(client.patch(&change).json(&json!({ "metadata": { "labels": { "round": number.to_string() } } })));
        answered.push(begun.elapsed());
        let all = runtime.block_on(tokio::time::timeout(LOST, async {
            let mut latest = begun;
            for _ in 0..PEOPLE * STREAMS {
                latest = latest.max(heard.recv().await.expect("streams go on"));
            }
            latest
        }));
        last.push(all.expect("every page hears of every change") - begun);
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let at = |times: &mut Vec<Duration>, part: f64| {
        times.sort();
        times[((times.len() - 1) as f64 * part).round() as usize]
    };
    println!(
        "one change to the last of {} open pages: p50 {:.1} ms, p99 {:.1} ms (to reach: 100 ms); its own answer: p50 {:.1} ms, p99 {:.1} ms",
        PEOPLE * STREAMS,
        ms(at(&mut last, 0.5)),
        ms(at(&mut last, 0.99)),
        ms(at(&mut answered, 0.5)),
        ms(at(&mut answered, 0.99)),
    );
}

/// A person who sees the organization; answers an access token.
fn member(
    pitlane: &Pitlane,
    send: &dyn Fn(reqwest::blocking::RequestBuilder) -> Value,
    number: usize,
    organization: &Value,
) -> String {
    let (name, password) = (format!("member{number}"), "correct horse battery");
    let new = json!({ "user_name": name, "password": password });
    let person = send(http().post(format!("{}/api/platform/people", pitlane.url)).json(&new));
    let role = json!({ "type": "organization_manager", "relationships": {
        "user": { "data": { "guid": person["id"] } }, "organization": { "data": { "guid": organization } } } });
    send(http().post(format!("{}/v3/roles", pitlane.url)).json(&role));
    let form = [("grant_type", "password"), ("username", &name), ("password", password)];
    let request = http().post(format!("{}/uaa/oauth/token", pitlane.url)).header("authorization", "Basic Y2Y6");
    let answer = request.form(&form).send().expect("an answer").text().expect("text");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// Tells when the stream is open, and of each entry when it has come whole.
async fn listen(url: String, token: String, tell: mpsc::UnboundedSender<Instant>) {
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let (mut pieces, mut text, mut open) = (answer.bytes_stream(), Vec::new(), false);
    while let Some(Ok(piece)) = pieces.next().await {
        text.extend_from_slice(&piece);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let entry = event.windows(5).any(|start| start == b"data:");
            if entry || !std::mem::replace(&mut open, true) {
                let _ = tell.send(Instant::now());
            }
        }
    }
}
