//! What the gateway itself answers: JSON with `error`, in the words that clients know.

use super::{Call, Fault};
use crate::proxy::Reply;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue,
    RETRY_AFTER,
};
use http::{Response, StatusCode};
use serde_json::{Value, json};

fn answer(status: StatusCode, mut body: Value, tracing: &HeaderValue) -> Response<Reply> {
    body["requestId"] = tracing.to_str().unwrap_or_default().into();
    let mut response = Response::new(Reply::own(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(super::judge::TRACING, tracing.clone());
    response
}

/// What a browser asks before it lets a page of another origin call: whatever it likes, with a token of its own. That tells
/// nothing of any job.
pub(super) fn preflight(asked: &HeaderMap) -> Response<Reply> {
    let mut response = Response::new(Reply::own(String::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.headers_mut() = allow_any_origin(asked);
    response
}

/// Headers of the answer to such a question: any origin, whatever it wants to send, never with the browser's own credentials.
pub fn allow_any_origin(asked: &HeaderMap) -> HeaderMap {
    let mut allowed = HeaderMap::new();
    allowed.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    allowed.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    let echoes = [
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
    ];
    for (wanted, name) in echoes {
        if let Some(value) = asked.get(wanted) {
            allowed.insert(name, value.clone());
        }
    }
    allowed
}

/// A refusal that a page of another origin may read, if it comes `across`.
pub(super) fn told(mut refusal: Response<Reply>, across: bool) -> Response<Reply> {
    if across {
        refusal.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    refusal
}

/// No token, one that is good no more, or one that may not: which of them is not told.
pub(super) fn nobody(tracing: &HeaderValue) -> Response<Reply> {
    answer(StatusCode::UNAUTHORIZED, json!({ "error": "Proxy request error: Unauthenticated" }), tracing)
}

/// Another site's page made the browser send its cookie.
pub(super) fn other_site(tracing: &HeaderValue) -> Response<Reply> {
    let error = "Proxy request error: Unauthenticated: a page of another site sent this; send the token in the header X-Racetrack-Auth instead";
    answer(StatusCode::UNAUTHORIZED, json!({ "error": error }), tracing)
}

/// `known`: there is a job of that name, of another version.
pub(super) fn no_job(known: bool, name: &str, version: &str, tracing: &HeaderValue) -> Response<Reply> {
    let why = match version {
        _ if !known => format!("No job named {name}"),
        "latest" => "No stable version found".to_owned(),
        _ if version.split('.').any(|part| part == "x") => {
            format!("Not found any stable version matching pattern: {version}")
        }
        _ => format!("Job record not found for given name, version: {name} {version}"),
    };
    let error = format!("Proxy request error: Job was not found: Authorizing Job caller: {why}");
    answer(StatusCode::NOT_FOUND, json!({ "error": error }), tracing)
}

pub(super) fn bad_path(tracing: &HeaderValue) -> Response<Reply> {
    let error = "Proxy request error: the path leads upwards (a segment is . or ..); name the endpoint itself";
    answer(StatusCode::BAD_REQUEST, json!({ "error": error }), tracing)
}

pub(super) fn closed(words: &str, tracing: &HeaderValue) -> Response<Reply> {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "error": words }), tracing);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

/// Before the first table nobody can say who may call what.
pub(super) fn no_table(tracing: &HeaderValue) -> Response<Reply> {
    let error = "Getting job details: the jobs are not known yet; try again in a moment";
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error }), tracing);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// The job did not answer; `why` in words.
pub(crate) fn dead(call: &Call, fault: Fault, why: &str) -> Response<Reply> {
    let what = match fault {
        Fault::Refused => "connection refused to a target job (job may be dead)",
        Fault::Broken => "connection broken to a target job (job may have died)",
        Fault::Late => "request to a job timed out",
        Fault::Canceled => "client (or proxy timeout) canceled the request",
    };
    let body = json!({
        "error": format!("Reverse proxy error: {what}: {why}"),
        "jobName": call.job.callee.family,
        "jobVersion": call.job.callee.version,
        "jobStatus": call.job.callee.status,
        "caller": call.caller.as_ref().map_or("", |caller| caller.name.as_str()),
    });
    told(answer(StatusCode::BAD_GATEWAY, body, &call.tracing), call.across)
}
