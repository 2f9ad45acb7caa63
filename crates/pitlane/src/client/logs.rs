//! An app's log lines from the log cache (cloud-foundry.md 8).

use super::api::{Api, Query, read};
use super::failure::{Failure, Result};
use super::http::expect_success;
use super::printer::{Printer, Tone};
use super::shapes::{Envelope, Envelopes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;

/// The most the server answers at once.
const LIMIT: usize = 1000;
/// Lines may arrive so much later than their time says; a tail reads that far back again.
const OVERLAP: i64 = 1_000_000_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LogLine {
    /// Nanoseconds since 1970 UTC.
    pub(crate) at: i64,
    pub(crate) source_type: String,
    pub(crate) instance: String,
    pub(crate) is_error: bool,
    pub(crate) payload: String,
}

impl LogLine {
    fn from(envelope: Envelope) -> Option<Self> {
        let log = envelope.log?;
        let payload = STANDARD.decode(log.payload).ok()?;
        Some(Self {
            at: envelope.timestamp.parse().ok()?,
            source_type: envelope.tags.get("source_type").cloned().unwrap_or_default(),
            instance: envelope.instance_id,
            is_error: log.kind == "ERR",
            payload: String::from_utf8_lossy(&payload).into_owned(),
        })
    }

    /// `2026-11-20T13:45:37.123 [APP/PROC/WEB/0] OUT hello`, in local time.
    pub(crate) fn show(&self, printer: &Printer) -> String {
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.at)).unwrap_or_default();
        let time = time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%.3f");
        let origin = printer.tone(Tone::Dim, format!("{time} [{}/{}]", self.source_type, self.instance));
        let stream = if self.is_error { printer.tone(Tone::Attention, "ERR") } else { "OUT".to_owned() };
        format!("{origin} {stream} {}", self.payload)
    }

    /// For `--json`.
    pub(crate) fn value(&self) -> serde_json::Value {
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.at)).unwrap_or_default();
        serde_json::json!({
            "time": time.to_string(),
            "source_type": self.source_type,
            "instance": self.instance,
            "stream": if self.is_error { "ERR" } else { "OUT" },
            "payload": self.payload,
        })
    }
}

/// The last `limit` lines, oldest first.
pub(crate) async fn recent(api: &Api, app: &str, limit: usize) -> Result<Vec<LogLine>> {
    let limit = limit.to_string();
    let query = [("descending", "true"), ("envelope_types", "LOG"), ("limit", limit.as_str())];
    let mut lines = fetch(api, app, &query).await?;
    lines.reverse();
    Ok(lines)
}

/// Follows an app's lines from a place on.
pub(crate) struct Tail {
    app: String,
    /// The next read begins here, `OVERLAP` included.
    start: i64,
    newest: i64,
    seen: HashSet<LogLine>,
}

impl Tail {
    /// From after the newest line there is now. By the server's clock, so the client's may be wrong.
    pub(crate) async fn from_now(api: &Api, app: &str) -> Result<Self> {
        let last = recent(api, app, 1).await?;
        let newest = last.first().map_or(0, |line| line.at);
        let mut tail = Self { app: app.to_owned(), start: 0, newest, seen: HashSet::new() };
        tail.start = newest.saturating_sub(OVERLAP).max(0);
        // Whatever is in the overlap already is not new.
        tail.poll(api).await?;
        Ok(tail)
    }

    /// From these lines on, which have been seen.
    pub(crate) fn after(app: &str, lines: &[LogLine]) -> Self {
        let newest = lines.iter().map(|line| line.at).max().unwrap_or(0);
        let start = newest.saturating_sub(OVERLAP).max(0);
        let seen = lines.iter().filter(|line| line.at >= start).cloned().collect();
        Self { app: app.to_owned(), start, newest, seen }
    }

    /// What is new, oldest first.
    pub(crate) async fn poll(&mut self, api: &Api) -> Result<Vec<LogLine>> {
        let (start, limit) = (self.start.to_string(), LIMIT.to_string());
        let query = [("envelope_types", "LOG"), ("limit", limit.as_str()), ("start_time", start.as_str())];
        let mut lines = fetch(api, &self.app, &query).await?;
        let full = lines.len() >= LIMIT;
        if let Some(last) = lines.last() {
            self.newest = self.newest.max(last.at);
            // A full page says that there is more; going back would read the same page for ever.
            self.start = if full { last.at.max(self.start + 1) } else { self.newest.saturating_sub(OVERLAP).max(0) };
        }
        lines.retain(|line| self.seen.insert(line.clone()));
        let start = self.start;
        self.seen.retain(|line| line.at >= start);
        Ok(lines)
    }
}

async fn fetch(api: &Api, app: &str, query: Query<'_>) -> Result<Vec<LogLine>> {
    let url = format!("{}/api/v1/read/{app}", api.target.log_cache);
    let token = api.token().await?;
    let response = api.http.send(true, |client| client.get(&url).bearer_auth(&token).query(query)).await?;
    let response = expect_success(response).await.map_err(|failure| match failure.api {
        Some((404, _)) => Failure::new("the app's log is not there (any more)"),
        _ => failure,
    })?;
    let envelopes: Envelopes = read(response).await?;
    Ok(envelopes.envelopes.batch.into_iter().filter_map(LogLine::from).collect())
}
