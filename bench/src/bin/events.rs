//! Figure: from the move of a story being sent to its event being heard by the last of 200 open boards, through the front door.
//!
//! `cargo run --release -p bench --bin events`: ten members of a project with twenty boards each; 200 moves in a project of
//! 500 stories, one after the other. A board hears of a move when the whole event has come. There is no peer.
#![expect(clippy::expect_used, reason = "a benchmark stops at the first failure")]

use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Pitlane, eventually, http};
use tokio::sync::mpsc;

const PEOPLE: usize = 10;
const STREAMS: usize = 20;
const STORIES: usize = 500;
const MOVES: usize = 200;
/// Far above the figure to reach; a board that has not heard by then never will.
const LOST: Duration = Duration::from_secs(20);

fn main() {
    let pitlane = Pitlane::start();
    let admin = pitlane.token();
    let send = |request: reqwest::blocking::RequestBuilder| -> Value {
        let answer = request.bearer_auth(&admin).send().expect("an answer");
        let (status, text) = (answer.status(), answer.text().expect("text"));
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).expect("JSON")
    };
    let (client, tracker) = (http(), format!("{}/services/v5/projects", pitlane.url));
    let project = send(client.post(&tracker).json(&json!({ "name": "Race" })))["id"].clone();
    let stories = format!("{tracker}/{project}/stories");
    let story = |number: usize| {
        let new = json!({ "name": format!("Story {number}"), "current_state": "unstarted", "estimate": 1 });
        send(client.post(&stories).json(&new))["id"].clone()
    };
    let ids: Vec<Value> = (0..STORIES).map(story).collect();
    let tokens: Vec<String> = (0..PEOPLE).map(|number| member(&pitlane, &send, number, &tracker, &project)).collect();

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (tell, mut heard) = mpsc::unbounded_channel();
    for token in &tokens {
        for _ in 0..STREAMS {
            let url = format!("{}/api/events?scope=project:{project}", pitlane.url);
            runtime.spawn(listen(url, token.clone(), tell.clone()));
        }
    }
    let mut open = 0;
    eventually(Duration::from_secs(60), || {
        open += std::iter::from_fn(|| heard.try_recv().ok()).count();
        open == PEOPLE * STREAMS
    });

    let (mut last, mut answered) = (Vec::new(), Vec::new());
    for number in 0..MOVES {
        // From the end to somewhere before it, in turn.
        let (moved, before) = (&ids[STORIES - 1 - number % 100], &ids[number % 300]);
        let begun = Instant::now();
        send(client.put(format!("{stories}/{moved}")).json(&json!({ "before_id": before })));
        answered.push(begun.elapsed());
        let all = runtime.block_on(async {
            let all = async {
                let mut latest = begun;
                for _ in 0..PEOPLE * STREAMS {
                    latest = latest.max(heard.recv().await.expect("streams go on"));
                }
                latest
            };
            tokio::time::timeout(LOST, all).await
        });
        last.push(all.expect("every board hears of every move") - begun);
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let at = |times: &mut Vec<Duration>, part: f64| {
        times.sort();
        times[((times.len() - 1) as f64 * part).round() as usize]
    };
    let measured = format!(
        "p50 {:.1} ms, p99 {:.1} ms (its own answer: p50 {:.1}, p99 {:.1})",
        ms(at(&mut last, 0.5)),
        ms(at(&mut last, 0.99)),
        ms(at(&mut answered, 0.5)),
        ms(at(&mut answered, 0.99)),
    );
    bench::row(&format!("one move to the last of {} open boards", PEOPLE * STREAMS), "–", &measured, "p99 ≤ 100 ms");
}

/// A member of the project; answers an access token.
fn member(
    pitlane: &Pitlane,
    send: &dyn Fn(reqwest::blocking::RequestBuilder) -> Value,
    number: usize,
    tracker: &str,
    project: &Value,
) -> String {
    let (name, password) = (format!("member{number}"), "correct horse battery");
    let new = json!({ "user_name": name, "password": password });
    let person = send(http().post(format!("{}/api/platform/people", pitlane.url)).json(&new));
    let membership = json!({ "person_id": person["number"], "role": "member" });
    send(http().post(format!("{tracker}/{project}/memberships")).json(&membership));
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
