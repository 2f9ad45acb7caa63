//! A client of server-sent events.

use super::house::{Answer, House};
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::Value;
use std::time::Duration;

/// How long an event may take; far above what is measured, because other tests run beside this one.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Listener {
    body: Body,
    text: String,
    /// What a browser would send back.
    pub last_id: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: String,
    pub data: Value,
}

impl Listener {
    /// Opens a stream; the answer if it is refused.
    pub async fn open(house: &House, path: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        let response = house.respond("GET", path, headers, "").await;
        let (parts, body) = response.into_parts();
        if parts.status == 200 {
            assert_eq!(parts.headers["content-type"], "text/event-stream; charset=utf-8");
            assert_eq!(parts.headers["cache-control"], "no-store");
            return Ok(Self { body, text: String::new(), last_id: String::new() });
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Err(Answer { status: parts.status, headers: parts.headers, text })
    }

    /// With a bearer token, and the stream's beginning read.
    pub async fn with(house: &House, token: &str, path: &str) -> Self {
        let open = Self::open(house, path, &[("authorization", &format!("Bearer {token}"))]).await;
        let mut listener = open.unwrap_or_else(|answer| panic!("{}", answer.text));
        listener.begin().await;
        listener
    }

    /// Reads until the first position is told, before any event.
    pub async fn begin(&mut self) {
        while self.last_id.is_empty() {
            assert_eq!(self.block().await.expect("the stream goes on"), None);
        }
    }

    /// The next event with data; none at the stream's end.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.block().await? {
                return Some(event);
            }
        }
    }

    /// The positions of the next `count` entries.
    pub async fn positions(&mut self, count: usize) -> Vec<i64> {
        let mut positions = Vec::new();
        while positions.len() < count {
            positions.push(self.next().await.expect("the stream goes on").data["position"].as_i64().unwrap());
        }
        positions
    }

    /// The next block of lines: an event, or `None` for one without data.
    async fn block(&mut self) -> Option<Option<Event>> {
        let block = loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                break block;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes in time")?;
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        };
        let (mut name, mut data) = ("message".to_owned(), None);
        for line in block.lines() {
            match line.split_once(": ").unwrap() {
                ("id", id) => self.last_id = id.into(),
                ("event", event) => name = event.into(),
                ("data", json) => data = Some(serde_json::from_str(json).unwrap()),
                ("" | "retry", _) => {}
                other => panic!("{other:?}"),
            }
        }
        Some(data.map(|data| Event { name, data }))
    }
}
