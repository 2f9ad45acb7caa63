//! Calls that take long (reference, 11.5): begun by one request, their answer asked for by others.
//!
//! Who began a call may ask for it: with a token of the same subject, or without one from the address that began it, as the
//! runner of Python jobs does. Neither credentials nor cookies are kept or reach the job.

use super::authorize;
use super::body;
use super::caller::{Anybody, Who};
use super::socket_io::address;
use crate::error::MAINTENANCE;
use crate::model::environment::{CALLER_HEADER, TRACING_HEADER};
use crate::model::time::now;
use crate::repo::async_call::{AsyncCall, COMPLETED, FAILED, Lines, ONGOING};
use crate::repo::record::{self, Json as Stored};
use crate::repo::{new_id, setting};
use crate::run::async_call as run;
use crate::run::call::MOST;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use router::{CallPath, endpoint_of};
use serde_json::{Value, json};
use std::time::Duration;

/// A question for the answer waits so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// And looks so often whether the platform is told to stop.
const LOOK: Duration = Duration::from_secs(2);
/// What is told to the job of the caller's head; the rest is the connection's or the gateway's, or a credential.
const DROPPED: [&str; 18] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "authorization",
    "x-racetrack-auth",
    "x-racetrack-esc-auth",
    "x-racetrack-user-auth",
    "x-caller-name",
    "x-request-tracing-id",
];

fn refusal(status: StatusCode, error: &str, tracing: &str) -> Response {
    (status, Json(json!({ "error": error, "requestId": tracing }))).into_response()
}

/// `GET` and `POST /pub/async/new/job/{name}/{version}/{path}`.
pub async fn begin(State(jobs): State<Jobs>, Anybody(who): Anybody, request: Request) -> Result<Response, JobsError> {
    let headers = request.headers().clone();
    let tracing =
        headers.get(TRACING_HEADER).and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty() && id.len() <= 200);
    let tracing = tracing.map_or_else(new_id, str::to_owned);
    let (method, uri) = (request.method().as_str().to_owned(), request.uri().clone());
    let path = uri.path();
    let path = path.strip_prefix("/pub").unwrap_or(path).strip_prefix("/async/new").unwrap_or_default();
    let Some((name, version, rest)) =
        CallPath::of(path).and_then(|path| Some((path.name.to_owned(), path.version.to_owned(), path.plain_rest()?)))
    else {
        return Ok(refusal(
            StatusCode::BAD_REQUEST,
            "Proxy request error: the path leads upwards; name the endpoint itself",
            &tracing,
        ));
    };
    let (asking, endpoint) = (who.clone(), endpoint_of(&rest));
    let found = jobs
        .db
        .read(move |tx| {
            if setting::is_on(tx, setting::MAINTENANCE)? {
                return Err(JobsError::Maintenance);
            }
            authorize::callee(tx, asking.as_ref(), &name, &version, &endpoint)
        })
        .await;
    let (family, job) = match found {
        Ok(found) => found,
        Err(JobsError::Unauthorized(_)) => {
            return Ok(refusal(StatusCode::UNAUTHORIZED, "Proxy request error: Unauthenticated", &tracing));
        }
        Err(JobsError::NotFound(why)) => {
            let error = format!("Proxy request error: Job was not found: Authorizing Job caller: {why}");
            return Ok(refusal(StatusCode::NOT_FOUND, &error, &tracing));
        }
        Err(JobsError::Maintenance) => return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, MAINTENANCE, &tracing)),
        Err(error) => return Err(error),
    };
    let sent = body::read(request, MOST).await?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let subject = who.as_ref().map(|who| who.caller.subject.clone());
    let call = AsyncCall {
        id: new_id(),
        status: ONGOING.into(),
        started_at: now(),
        ended_at: None,
        error: None,
        job_id: job.id,
        job_name: family.name,
        job_version: job.version,
        job_path: format!("{rest}{query}"),
        request_method: method,
        request_url: uri.to_string(),
        request_headers: Stored(told(&headers, who.as_ref(), &tracing)),
        request_body: sent.into(),
        response_status_code: None,
        response_headers: Stored(Vec::new()),
        response_body: Vec::new(),
        attempts: 0,
        caller_kind: subject.as_ref().map(|subject| subject.kind().to_owned()).unwrap_or_default(),
        caller_id: subject.as_ref().map(|subject| subject.id().to_owned()).unwrap_or_default(),
        address: address(&headers),
        read_at: None,
    };
    let (id, name, version) = (call.id.clone(), call.job_name.clone(), call.job_version.clone());
    jobs.db.write(move |tx| record::insert(tx, &call).map_err(JobsError::from)).await?;
    jobs.metrics.async_started.with_label_values(&[&name, &version]).inc();
    run::begin(&jobs, &id);
    let mut response = (StatusCode::CREATED, Json(json!({ "task_id": id, "status": ONGOING }))).into_response();
    if let Ok(value) = HeaderValue::from_str(&tracing) {
        response.headers_mut().insert("x-request-tracing-id", value);
    }
    Ok(response)
}

/// The head that the job gets.
fn told(headers: &HeaderMap, who: Option<&Who>, tracing: &str) -> Lines {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let ours = |name: &str| DROPPED.contains(&name) || name.starts_with("x-cf-") || name.starts_with("x-vcap-");
    let mut lines: Lines = headers
        .iter()
        .filter(|(name, _)| !ours(name.as_str()))
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
        .collect();
    lines.push(("host".into(), headers.get(header::HOST).and_then(text).unwrap_or_else(|| "jobs".into())));
    lines.push((TRACING_HEADER.to_ascii_lowercase(), tracing.to_owned()));
    if let Some(who) = who {
        let plain = who.described().replace(|c: char| !c.is_ascii_graphic() && c != ' ', "?");
        lines.push((CALLER_HEADER.to_ascii_lowercase(), plain));
    }
    lines
}

/// A call that the asking one began.
async fn find(jobs: &Jobs, who: Option<&Who>, headers: &HeaderMap, id: &str) -> Result<AsyncCall, Box<Response>> {
    let wanted = id.to_owned();
    let tracing = new_id();
    let found = jobs.db.read(move |tx| record::find::<AsyncCall>(tx, &wanted).map_err(JobsError::from)).await;
    let found = found.map_err(|error| Box::new(error.into_response()))?;
    let missing = "Task not found in Lifecycle: Async task not found";
    let found = found.filter(|call| call.read_at.is_none_or(|at| now() < at + run::READ));
    let Some(call) = found else {
        jobs.metrics.async_missing.inc();
        return Err(Box::new(refusal(StatusCode::NOT_FOUND, missing, &tracing)));
    };
    let own = match who {
        Some(who) => {
            let subject = &who.caller.subject;
            who.caller.admin || (call.caller_kind == subject.kind() && call.caller_id == subject.id())
        }
        None => call.address == address(headers),
    };
    if own {
        return Ok(call);
    }
    let error = "Proxy request error: Unauthenticated: ask with a token of whoever began the call";
    Err(Box::new(refusal(StatusCode::UNAUTHORIZED, error, &tracing)))
}

fn described(call: &AsyncCall) -> Value {
    let at = |micros: i64| jiff::Timestamp::from_microsecond(micros).map(|at| at.to_string()).ok();
    let until = call.ended_at.unwrap_or_else(now);
    json!({
        "task_id": call.id,
        "status": call.status,
        "job_name": call.job_name,
        "job_version": call.job_version,
        "job_path": call.job_path,
        "http_method": call.request_method,
        "started_at": at(call.started_at),
        "ended_at": call.ended_at.and_then(at),
        "duration": format!("{:.3}s", (until - call.started_at) as f64 / 1e6),
        "error": call.error,
        "attempts": call.attempts,
    })
}

/// `GET /pub/async/task/{id}/poll`: the job's own answer, once there is one.
pub async fn poll(
    State(jobs): State<Jobs>,
    Anybody(who): Anybody,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let end = run::next_end(&jobs);
        let call = match find(&jobs, who.as_ref(), &headers, &id).await {
            Ok(call) => call,
            Err(refusal) => return *refusal,
        };
        match call.status.as_str() {
            COMPLETED => return answer(&jobs, call).await,
            FAILED => return (StatusCode::INTERNAL_SERVER_ERROR, Json(described(&call))).into_response(),
            _ if tokio::time::Instant::now() >= deadline => {
                return (StatusCode::ACCEPTED, Json(described(&call))).into_response();
            }
            _ if jobs.run.is_stopping() => {
                return (StatusCode::REQUEST_TIMEOUT, "Request time-out due to termination signal").into_response();
            }
            _ => {
                let left = deadline.saturating_duration_since(tokio::time::Instant::now());
                let _ = tokio::time::timeout(left.min(LOOK), end).await;
            }
        }
    }
}

/// The answer as the job gave it; it is forgotten soon.
async fn answer(jobs: &Jobs, call: AsyncCall) -> Response {
    let mut response = Response::new(Body::from(call.response_body.clone()));
    let status = call.response_status_code.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in &call.response_headers.0 {
        let dropped = DROPPED.contains(&name.as_str()) || name == "set-cookie" || name.starts_with("access-control-");
        if let (false, Ok(name), Ok(value)) =
            (dropped, header::HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            response.headers_mut().append(name, value);
        }
    }
    // A job's page is not the platform's, here neither.
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    if call.read_at.is_none() {
        let read = AsyncCall { read_at: Some(now()), ..call };
        if let Err(error) = jobs.db.write(move |tx| record::save(tx, &read)).await {
            tracing::warn!(%error, "that the answer of a call was read could not be noted");
        }
    }
    response
}

/// `GET /pub/async/task/{id}/status`.
pub async fn status(
    State(jobs): State<Jobs>,
    Anybody(who): Anybody,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match find(&jobs, who.as_ref(), &headers, &id).await {
        Ok(call) => Json(json!({ "task_id": call.id, "status": call.status })).into_response(),
        Err(refusal) => *refusal,
    }
}
