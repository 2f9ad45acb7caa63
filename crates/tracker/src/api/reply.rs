//! Answers: the body, and what every answer of the API has round it (reference, section 8).

use crate::ApiError;
use crate::api::params::Params;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

/// Seconds between two looks of a client that polls.
const PINGER: &str = "20";
/// Fields that hold moments; what `date_format=millis` turns into numbers.
const MOMENTS: [&str; 17] = [
    "created_at",
    "updated_at",
    "accepted_at",
    "deadline",
    "occurred_at",
    "start",
    "finish",
    "start_time",
    "shown_iterations_start_time",
    "projected_completion",
    "completed_at",
    "last_viewed_at",
    "read_at",
    "last_used_at",
    "target_date",
    "expires_at",
    "joined_at",
];

/// A body.
#[derive(Debug, Clone)]
enum Content {
    Json(Value),
    /// JSON, written already.
    Text(String),
    /// A table, which no envelope goes round.
    Csv(String),
}

/// What a handler answers.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    body: Option<Content>,
    version: Option<i64>,
    page: Option<Page>,
    headers: HeaderMap,
}

/// Which part of a list this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Of the whole list; none where it is not counted.
    pub total: Option<i64>,
    /// As asked for.
    pub offset: i64,
    /// As asked for.
    pub limit: i64,
    /// In this answer.
    pub returned: i64,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self { body: Some(Content::Json(body)), ..Self::default() }
    }

    /// 200 with a body that is JSON already.
    pub fn text(json: String) -> Self {
        Self { body: Some(Content::Text(json)), ..Self::default() }
    }

    /// 200 with a table.
    pub fn csv(table: String) -> Self {
        Self { body: Some(Content::Csv(table)), ..Self::default() }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// With the version of the project it is about.
    #[must_use]
    pub fn at(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    /// As a part of a list.
    #[must_use]
    pub fn paged(mut self, page: Page) -> Self {
        self.page = Some(page);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// How the caller wants it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Format {
    envelope: bool,
    millis: bool,
}

impl Format {
    /// From the request's parameters; what is not understood here is refused by none.
    pub fn of(params: &Params) -> Self {
        let is = |name: &str, wanted: &str| match params.raw(name) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Bool(set)) => *set && wanted == "true",
            _ => false,
        };
        Self { envelope: is("envelope", "true"), millis: is("date_format", "millis") }
    }
}

/// The response to `answer`.
pub fn render(answer: Result<Reply, ApiError>, format: Format, begun: Instant, request: &Asked) -> Response {
    let (status, mut reply) = match answer {
        Ok(reply) if reply.body.is_some() => (StatusCode::OK, reply),
        Ok(reply) => (StatusCode::NO_CONTENT, reply),
        Err(error) => {
            if let Some(cause) = error.cause() {
                tracing::error!(request = %request.id, error = %cause, "a request failed");
            }
            (error.status(), Reply::ok(error.body()))
        }
    };
    let content_type = match &reply.body {
        Some(Content::Csv(_)) => "text/csv; charset=utf-8",
        _ => "application/json; charset=utf-8",
    };
    let body = reply.body.take().map(|content| {
        let mut body = match content {
            Content::Csv(text) => return text.into_bytes(),
            Content::Text(text) if !format.millis && !format.envelope => return text.into_bytes(),
            Content::Text(text) => serde_json::from_str(&text).unwrap_or_default(),
            Content::Json(body) => body,
        };
        if format.millis {
            millis(&mut body);
        }
        if format.envelope {
            body = envelope(status, &reply, body);
        }
        serde_json::to_vec(&body).unwrap_or_default()
    });
    let mut headers = std::mem::take(&mut reply.headers);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    common(&mut headers, &reply, begun, &request.id);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some(body) = body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if status == StatusCode::OK {
            let tag = tag(&body);
            let known = request.method == Method::GET && request.if_none_match.as_deref() == Some(tag.as_str());
            headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("a quoted number is a header value"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=0, private, must-revalidate"));
            if known {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                *response.headers_mut() = headers;
                return response;
            }
        }
        *response.body_mut() = Body::from(body);
    }
    *response.headers_mut() = headers;
    response
}

/// What is remembered of a request until it is answered.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

fn tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

fn envelope(status: StatusCode, reply: &Reply, data: Value) -> Value {
    let mut envelope = json!({ "http_status": status.as_str(), "data": data });
    if let Some(version) = reply.version {
        envelope["project_version"] = json!(version);
    }
    if let Some(page) = reply.page {
        envelope["pagination"] = json!({
            "total": page.total,
            "offset": page.offset,
            "limit": page.limit,
            "returned": page.returned,
        });
    }
    envelope
}

fn common(headers: &mut HeaderMap, reply: &Reply, begun: Instant, id: &str) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    if let Some(version) = reply.version {
        set("x-tracker-project-version", version.to_string());
    }
    if let Some(page) = reply.page {
        if let Some(total) = page.total {
            set("x-tracker-pagination-total", total.to_string());
        }
        set("x-tracker-pagination-limit", page.limit.to_string());
        set("x-tracker-pagination-offset", page.offset.to_string());
        set("x-tracker-pagination-returned", page.returned.to_string());
    }
    set("x-tracker-client-pinger-interval", PINGER.into());
    set("x-request-id", id.into());
    set("x-runtime", format!("{:.6}", begun.elapsed().as_secs_f64()));
    cors(headers);
}

/// Pages of other sites may call with a token, never with a cookie.
pub fn cors(headers: &mut HeaderMap) {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "false"),
        ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
        (
            "access-control-allow-headers",
            "X-TrackerToken, DNT, X-CustomHeader, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, Cache-Control, Content-Type, X-Tracker-Use-UTC, X-Tracker-Warn-Unless-Project-Version-Is",
        ),
        (
            "access-control-expose-headers",
            "X-Tracker-Project-Version, X-Tracker-Pagination-Total, X-Tracker-Pagination-Limit, X-Tracker-Pagination-Offset, X-Tracker-Pagination-Returned, X-Tracker-Client-Pinger-Interval",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Turns moments into milliseconds since 1970, wherever they stand.
fn millis(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(millis),
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                match value {
                    Value::String(text) if MOMENTS.contains(&name.as_str()) && text.ends_with('Z') => {
                        if let Some(micros) = crate::model::time::parse(text) {
                            *value = json!(micros / 1000);
                        }
                    }
                    other => millis(other),
                }
            }
        }
        _ => {}
    }
}
