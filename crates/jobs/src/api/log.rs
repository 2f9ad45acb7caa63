//! Logs: of running jobs and of builds, as text, and live as server-sent events.

use super::access;
use super::caller::Who;
use super::deployment::visible;
use super::params::Params;
use crate::model::scope::Scope;
use crate::repo::deployment::{Deployment, IN_PROGRESS};
use crate::repo::record;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use router::VersionRef;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// Lines that one answer may hold.
pub(super) const MOST: usize = 100_000;
/// Between two looks for new lines.
const LOOK: Duration = Duration::from_millis(250);
/// A quiet stream says that it lives.
const HEART_BEAT: Duration = Duration::from_secs(15);

/// `?tail=`: so many of the newest lines; 0 for all.
#[derive(Debug, Deserialize)]
pub struct Tail {
    tail: Option<usize>,
}

/// Which lines of a source are shown.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// What the job itself says, and what is said of it.
    Runtime,
    Build,
}

impl Kind {
    fn shows(self, line: &logs::Line) -> bool {
        match self {
            // The front door's lines are in the same files.
            Self::Runtime => line.source_type != "RTR",
            Self::Build => true,
        }
    }
}

type Named = Path<(String, String)>;

/// `GET /job/{name}/{version}/logs`.
pub async fn show_logs(
    state: State<Jobs>,
    who: Who,
    path: Named,
    tail: Params<Tail>,
) -> Result<Json<Value>, JobsError> {
    Ok(Json(json!({ "logs": runtime(state, who, path, tail).await? })))
}

/// `GET /job/{name}/{version}/logs/plain`: without colours.
pub async fn show_plain_logs(
    state: State<Jobs>,
    who: Who,
    path: Named,
    tail: Params<Tail>,
) -> Result<Response, JobsError> {
    Ok(plain(&runtime(state, who, path, tail).await?))
}

async fn runtime(
    State(jobs): State<Jobs>,
    who: Who,
    path: Named,
    Params(tail): Params<Tail>,
) -> Result<String, JobsError> {
    let source = serving(&jobs, who, path).await?;
    text(&jobs, source, Kind::Runtime, tail.tail.unwrap_or(20)).await
}

/// The log of the deployment that serves.
async fn serving(jobs: &Jobs, who: Who, Path((name, version)): Named) -> Result<String, JobsError> {
    let (_, job) = jobs.db.read(move |tx| access::job(tx, &who, &name, &version, Scope::ReadJob)).await?;
    Ok(job.deployment_id.map(|id| format!("{}{id}", Deployment::WORKLOAD)).unwrap_or_default())
}

/// `GET /job/{name}/{version}/build-logs`: of the newest deployment.
pub async fn show_build_logs(
    State(jobs): State<Jobs>,
    who: Who,
    path: Named,
    Params(tail): Params<Tail>,
) -> Result<Json<Value>, JobsError> {
    let deployment = newest(&jobs, who, path).await?;
    let logs = text(&jobs, deployment.build_log(), Kind::Build, tail.tail.unwrap_or(0)).await?;
    Ok(Json(json!({ "logs": logs })))
}

/// `GET /job/{name}/{version}/build-logs/plain`.
pub async fn show_plain_build_logs(
    State(jobs): State<Jobs>,
    who: Who,
    path: Named,
    Params(tail): Params<Tail>,
) -> Result<Response, JobsError> {
    let deployment = newest(&jobs, who, path).await?;
    Ok(plain(&text(&jobs, deployment.build_log(), Kind::Build, tail.tail.unwrap_or(0)).await?))
}

/// The newest deployment of a job, which need not exist (any more): its deployer may read it too.
async fn newest(jobs: &Jobs, who: Who, Path((name, version)): Named) -> Result<Deployment, JobsError> {
    jobs.db
        .read(move |tx| {
            let exact = match access::job(tx, &who, &name, &version, Scope::ReadJob) {
                Ok((_, job)) => job.version,
                Err(error) if VersionRef::parse(&version).is_alias() => return Err(error),
                Err(_) => version.clone(),
            };
            let newest = Deployment::of_job(tx, &name, &exact)?.into_iter().next();
            match newest {
                // Whoever may see neither is told of neither.
                Some(newest) => visible(tx, &who, &newest.id).or_else(|missing| {
                    access::job(tx, &who, &name, &version, Scope::ReadJob)?;
                    Err(missing)
                }),
                None => {
                    access::job(tx, &who, &name, &version, Scope::ReadJob)?;
                    Err(JobsError::NotFound(format!("No deployment matching to a job {name} {version}")))
                }
            }
        })
        .await
}

/// `GET /deploy/{id}/build-logs`.
pub async fn show_deployment_logs(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
    Params(tail): Params<Tail>,
) -> Result<Json<Value>, JobsError> {
    let deployment = jobs.db.read(move |tx| visible(tx, &who, &id)).await?;
    let logs = text(&jobs, deployment.build_log(), Kind::Build, tail.tail.unwrap_or(0)).await?;
    Ok(Json(json!({ "logs": logs })))
}

/// `GET /job/{name}/{version}/logs/stream`: a `text/event-stream` of `{"line", "at", "instance"}`, the newest lines first
/// and then each as it comes. `Last-Event-ID` is not needed: `at` is in nanoseconds, and `?since=` begins after it.
pub async fn stream_logs(
    State(jobs): State<Jobs>,
    who: Who,
    path: Named,
    Params(from): Params<Start>,
) -> Result<Response, JobsError> {
    let source = serving(&jobs, who, path).await?;
    Ok(live(jobs, source, Kind::Runtime, from, None).await)
}

/// `GET /deploy/{id}/build-logs/stream`: ends with the deployment.
pub async fn stream_build_logs(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
    Params(from): Params<Start>,
) -> Result<Response, JobsError> {
    let deployment = jobs.db.read(move |tx| visible(tx, &who, &id)).await?;
    let (source, id) = (deployment.build_log(), deployment.id);
    Ok(live(jobs, source, Kind::Build, from, Some(id)).await)
}

/// Where a stream begins.
#[derive(Debug, Deserialize)]
pub struct Start {
    tail: Option<usize>,
    since: Option<i64>,
}

async fn live(jobs: Jobs, source: String, kind: Kind, from: Start, until: Option<String>) -> Response {
    let mut waiting = VecDeque::new();
    let mut after = from.since.unwrap_or(0);
    if from.since.is_none() {
        let tail = from.tail.unwrap_or(if until.is_some() { 0 } else { 20 });
        waiting.extend(lines(&jobs, source.clone(), kind, 0, if tail == 0 { MOST } else { tail }).await);
        after = waiting.back().map_or(0, |line: &logs::Line| line.at);
    }
    let state = (jobs, source, waiting, after, until, tokio::time::Instant::now());
    let events = stream::unfold(Some(state), move |state| async move {
        let (jobs, source, mut waiting, mut after, until, mut said) = state?;
        loop {
            if let Some(line) = waiting.pop_front() {
                let event = json!({ "line": line.payload, "at": line.at, "instance": line.instance });
                let text = format!("id: {}\ndata: {event}\n\n", line.at);
                let next = (jobs, source, waiting, after, until, tokio::time::Instant::now());
                return Some((Ok::<_, std::convert::Infallible>(text), Some(next)));
            }
            let over = match &until {
                Some(id) => !goes_on(&jobs, id).await,
                None => false,
            };
            let fresh = lines(&jobs, source.clone(), kind, after + 1, MOST).await;
            if let Some(last) = fresh.last() {
                after = last.at;
                waiting.extend(fresh);
                continue;
            }
            if over {
                return Some((Ok("event: end\ndata: {}\n\n".to_owned()), None));
            }
            if said.elapsed() > HEART_BEAT {
                said = tokio::time::Instant::now();
                return Some((Ok(":\n\n".to_owned()), Some((jobs, source, waiting, after, until, said))));
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")], Body::from_stream(events))
        .into_response()
}

async fn goes_on(jobs: &Jobs, id: &str) -> bool {
    let wanted = id.to_owned();
    let found = jobs.db.read::<_, store::StoreError, _>(move |tx| record::find::<Deployment>(tx, &wanted)).await;
    // A database that is away ends no stream.
    found.map_or(true, |found| found.is_some_and(|deployment| deployment.status == IN_PROGRESS))
}

async fn text(jobs: &Jobs, source: String, kind: Kind, tail: usize) -> Result<String, JobsError> {
    let count = if tail == 0 { MOST } else { tail.min(MOST) };
    let lines = lines(jobs, source, kind, 0, count).await;
    Ok(lines.into_iter().map(|line| line.payload).collect::<Vec<_>>().join("\n"))
}

/// The newest `count` lines from `start` on, oldest first.
pub(super) async fn lines(jobs: &Jobs, source: String, kind: Kind, start: i64, count: usize) -> Vec<logs::Line> {
    let root = jobs.logs.clone();
    let read = tokio::task::spawn_blocking(move || {
        let query = logs::Query { start, end: i64::MAX, limit: count, descending: true };
        logs::read_where(&root, &source, &query, |line| kind.shows(line))
    });
    let mut lines = match read.await {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a log cannot be read");
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    lines.reverse();
    lines
}

/// Text without a terminal's colours.
fn plain(text: &str) -> Response {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let end = after.find(|letter: char| letter.is_ascii_alphabetic()).map_or(after.len(), |end| end + 1);
        rest = &after[end..];
    }
    plain.push_str(rest);
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], plain).into_response()
}
