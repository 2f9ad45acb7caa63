//! `GET /v2/read?log=&source_id=A`: new lines as server-sent events, as the Python client reads them.
//!
//! A stream follows the files of its source and ends when its caller may no longer read them.

use crate::api::caller::Reader;
use crate::api::log_cache::Source;
use crate::api::page::Params;
use crate::error::Kind;
use crate::model::time;
use crate::{ApiError, Apps};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use identity::Caller;
use logs::{Line, Query};
use serde_json::json;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::Instant;

/// How often files are looked at.
const TICK: Duration = Duration::from_millis(250);
/// After so long without an event a heartbeat is sent, and it is asked again whether the caller may read.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Lines of one event, at most.
const BATCH: usize = 100;

/// Where a stream is.
struct Follower {
    apps: Apps,
    caller: Caller,
    source: Source,
    /// Lines before this nanosecond have been sent.
    from: i64,
    /// Lines of exactly that nanosecond that have been sent too.
    sent: Vec<Line>,
    waiting: VecDeque<Line>,
    checked: Instant,
}

/// `GET /v2/read`
pub(super) async fn read_stream(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    params: Params,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let wanted = |name: &str| params.pairs().iter().any(|(key, _)| key == name);
    if !["log", "counter", "gauge", "timer", "event"].into_iter().any(wanted) {
        return Err(ApiError::new(Kind::BAD_REQUEST, "query must specify a type of envelope: log"));
    }
    if !wanted("log") {
        return Err(ApiError::new(Kind::BAD_REQUEST, "only envelopes of type log are streamed"));
    }
    let [source] = params.pairs().iter().filter(|(key, _)| key == "source_id").collect::<Vec<_>>()[..] else {
        return Err(ApiError::new(Kind::BAD_REQUEST, "query must name one source_id"));
    };
    let source = Source::load(&apps, &caller, &source.1).await?;
    let from = time::now().saturating_mul(1000);
    let follower =
        Follower { apps, caller, source, from, sent: Vec::new(), waiting: VecDeque::new(), checked: Instant::now() };
    let stream = futures_util::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(stream))
}

impl Follower {
    /// The next event; none when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.checked.elapsed() >= HEARTBEAT {
                self.checked = Instant::now();
                Source::load(&self.apps, &self.caller, &self.source.app).await.ok()?;
                if self.waiting.is_empty() {
                    return Some(Event::default().event("heartbeat").data((time::now() / 1_000_000).to_string()));
                }
            }
            if self.waiting.is_empty() {
                self.look().await?;
            }
            if self.waiting.is_empty() {
                tokio::time::sleep(TICK).await;
                continue;
            }
            let count = self.waiting.len().min(BATCH);
            let batch: Vec<_> = self.waiting.drain(..count).map(|line| self.source.envelope(&line)).collect();
            return Some(Event::default().data(json!({ "batch": batch }).to_string()));
        }
    }

    /// Reads what is new; a line that comes in the nanosecond of the last one is not lost.
    async fn look(&mut self) -> Option<()> {
        let query = Query { start: self.from, end: i64::MAX, limit: 1000, descending: false };
        let lines = self.source.read(&self.apps, query).await.ok()?;
        for line in lines {
            if line.at == self.from && self.sent.contains(&line) {
                continue;
            }
            if line.at > self.from {
                self.from = line.at;
                self.sent.clear();
            }
            self.sent.push(line.clone());
            self.waiting.push_back(line);
        }
        Some(())
    }
}
