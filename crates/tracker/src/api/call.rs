//! A request, read: who asks, for what, with which parameters. What every handler gets.

use crate::api::authenticate::{self, Who};
use crate::api::params::Params;
use crate::api::reply::Page;
use crate::model::fields::{Fields, Shape};
use crate::{ApiError, Tracker};
use axum::body::Body;
use axum::extract::Request;
use http::request::Parts;
use identity::Caller;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A body may have so many bytes.
const LIMIT: usize = 2 << 20;
/// And has to arrive within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest page of a list.
const MOST: i64 = 10_000;

/// A request. Cheap to clone.
#[derive(Clone)]
pub struct Call {
    inner: Arc<Inner>,
}

struct Inner {
    tracker: Tracker,
    who: Who,
    base: String,
    path: Vec<(String, String)>,
    params: Params,
    fields: Fields,
    based_on: Option<i64>,
    now: i64,
    body: bytes::Bytes,
}

impl Call {
    /// Reads the request; the parameters come out first, so that an error can be answered in the form they ask for.
    pub async fn read(
        tracker: Tracker,
        request: Request,
        path: Vec<(String, String)>,
    ) -> (Params, Result<Self, ApiError>) {
        let (parts, body) = request.into_parts();
        let mut params = Params::default();
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let bytes = match read_body(&parts, body).await {
            Ok(bytes) => bytes,
            Err(error) => {
                params.add_text(form_urlencoded::parse(query).into_owned());
                return (params, Err(error));
            }
        };
        let parsed = parse_body(&parts, &bytes);
        if let Ok(body) = &parsed {
            params = body.clone();
        }
        params.add_text(form_urlencoded::parse(query).into_owned());
        if let Err(error) = parsed {
            return (params, Err(error));
        }
        // What the path says may be said again; a story's project may be another.
        for (name, _) in path.iter().filter(|(name, _)| name != "project_id") {
            params.remove(name);
        }
        let call = Self::of(tracker, &parts, path, params.clone(), bytes).await;
        (params, call)
    }

    async fn of(
        tracker: Tracker,
        parts: &Parts,
        path: Vec<(String, String)>,
        params: Params,
        body: bytes::Bytes,
    ) -> Result<Self, ApiError> {
        let who = authenticate::who(&tracker.identity, parts, &params).await?;
        let fields = match params.raw("fields") {
            None => Fields::all_default(),
            Some(Value::String(text)) => Fields::parse(text).map_err(|problem| {
                ApiError::invalid(format!("The 'fields' parameter is not understood: {problem}."))
            })?,
            Some(_) => return Err(ApiError::invalid("'fields' must be a string")),
        };
        let based_on = parts.headers.get("x-tracker-warn-unless-project-version-is");
        let based_on = based_on.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let (base, now) = (identity::http::base_url(parts), tracker.now());
        Ok(Self { inner: Arc::new(Inner { tracker, who, base, path, params, fields, based_on, now, body }) })
    }

    /// The face.
    pub fn tracker(&self) -> &Tracker {
        &self.inner.tracker
    }

    /// Who asks; none: nobody who said so.
    pub fn caller(&self) -> Option<&Caller> {
        self.inner.who.caller.as_ref()
    }

    /// Who asks, or 403.
    pub fn known(&self) -> Result<&Caller, ApiError> {
        self.caller().ok_or_else(ApiError::unauthenticated)
    }

    /// How they proved it.
    pub fn who(&self) -> &Who {
        &self.inner.who
    }

    /// `http://host:port` as the caller knows us.
    pub fn base(&self) -> &str {
        &self.inner.base
    }

    /// Microseconds since 1970 UTC, the same throughout the request.
    pub fn now(&self) -> i64 {
        self.inner.now
    }

    /// Parameters.
    pub fn params(&self) -> &Params {
        &self.inner.params
    }

    /// What is selected of the answer.
    pub fn fields(&self) -> &Fields {
        &self.inner.fields
    }

    /// The body as it came.
    pub fn body(&self) -> &bytes::Bytes {
        &self.inner.body
    }

    /// The project version that the caller's knowledge is based on, if they said so.
    pub fn based_on(&self) -> Option<i64> {
        self.inner.based_on
    }

    /// A number in the path; what is none finds nothing.
    pub fn id(&self, name: &str) -> Result<i64, ApiError> {
        self.segment(name).and_then(|text| text.parse().ok()).ok_or_else(ApiError::unfound)
    }

    /// A part of the path, if this route has it.
    pub fn segment(&self, name: &str) -> Option<&str> {
        self.inner.path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `limit` and `offset`, with the list's own usual limit.
    pub fn page(&self, usual: i64) -> Result<(i64, i64), ApiError> {
        let limit = self.params().integer("limit")?.unwrap_or(usual);
        let offset = self.params().integer("offset")?.unwrap_or(0);
        if limit < 1 {
            return Err(ApiError::invalid("'limit' must be greater than 0"));
        }
        Ok((limit.min(MOST), offset))
    }

    /// [`Call::page`] of a list that has no negative offsets.
    pub fn page_from_start(&self, usual: i64) -> Result<(i64, i64), ApiError> {
        let (limit, offset) = self.page(usual)?;
        if offset < 0 {
            return Err(ApiError::invalid("'offset' must be 0 or greater"));
        }
        Ok((limit, offset))
    }

    /// The part of `all` that was asked for.
    pub fn cut<T>(&self, all: Vec<T>, usual: i64) -> Result<(Vec<T>, Page), ApiError> {
        let (limit, offset) = self.page_from_start(usual)?;
        let total = all.len() as i64;
        let part: Vec<T> = all.into_iter().skip(offset as usize).take(limit as usize).collect();
        let returned = part.len() as i64;
        Ok((part, Page { total: Some(total), offset, limit, returned }))
    }

    /// 400 if a field is selected that `shape` does not have.
    pub fn check_fields(&self, shape: &Shape) -> Result<(), ApiError> {
        self.fields().choose(shape).map(|_| ()).map_err(unknown_field)
    }
}

/// 400 for a field that there is not.
pub fn unknown_field(name: String) -> ApiError {
    ApiError::invalid(format!("The 'fields' parameter names a field that this resource does not have: {name}"))
}

async fn read_body(parts: &Parts, body: Body) -> Result<bytes::Bytes, ApiError> {
    if parts.headers.get(http::header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() == b"0") {
        return Ok(bytes::Bytes::new());
    }
    match tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, LIMIT)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error);
            match source.is_some_and(|source| source.to_string().contains("length limit")) {
                true => Err(ApiError::too_large(LIMIT)),
                false => Err(ApiError::unparsable()),
            }
        }
        Err(_) => Err(ApiError::too_slow()),
    }
}

fn parse_body(parts: &Parts, bytes: &[u8]) -> Result<Params, ApiError> {
    let kind = parts.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut params = Params::default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        params.add_text(form_urlencoded::parse(bytes).into_owned());
        return Ok(params);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) || kind.starts_with("multipart/") {
        return Ok(params);
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(Params::of(map)),
        // The aggregator's.
        Ok(Value::Array(_)) => Ok(params),
        _ => Err(ApiError::unparsable()),
    }
}
