//! Request bodies: JSON within limits of size and time; unknown keys and wrong types are 422 with the field's name.

use crate::ApiError;
use crate::error::Kind;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// A JSON body may have so many bytes. Uploads and manifests have limits of their own.
pub const LIMIT: usize = 1 << 20;
/// A body has to arrive within this time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body read as `T` (which denies unknown fields), and as it came, for the audit entry.
#[derive(Debug, Clone)]
pub struct Body<T> {
    /// Typed.
    pub data: T,
    /// As it came.
    pub raw: serde_json::Value,
}

/// Reads the whole body within `limit` bytes and [`PATIENCE`].
pub async fn read(request: Request, limit: usize) -> Result<bytes::Bytes, ApiError> {
    let body = axum::body::to_bytes(request.into_body(), limit);
    match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if too_large(&error) => {
            Err(ApiError::new(Kind::BODY_TOO_LARGE, format!("The request body is larger than {limit} bytes")))
        }
        Ok(Err(error)) => Err(ApiError::new(Kind::BAD_REQUEST, format!("The request body broke off: {error}"))),
        Err(_) => {
            let detail = format!("The request body did not arrive within {} seconds", PATIENCE.as_secs());
            Err(ApiError::new(Kind::REQUEST_TIMEOUT, detail))
        }
    }
}

fn too_large(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string().contains("length limit"))
}

/// Reads `bytes` as `T`; an empty body is `{}`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Body<T>, ApiError> {
    let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    let parse_error = "Request invalid due to parse error: invalid request body";
    let raw: serde_json::Value =
        serde_json::from_slice(text).map_err(|_| ApiError::new(Kind::MESSAGE_PARSE_ERROR, parse_error))?;
    if !raw.is_object() {
        return Err(ApiError::new(Kind::MESSAGE_PARSE_ERROR, parse_error));
    }
    let data = serde_path_to_error::deserialize(&raw).map_err(|error| ApiError::unprocessable(sentence(&error)))?;
    Ok(Body { data, raw })
}

/// What is wrong in the protocol's words, with the field in front: `relationships.space.data.guid must be a string`.
fn sentence(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let (path, words) = (error.path().to_string(), error.inner().to_string());
    if let Some(field) = words.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        let parent = path.strip_suffix(field).unwrap_or("").trim_end_matches('.');
        return match parent {
            "" => format!("Unknown field(s): '{field}'"),
            parent => format!("Unknown field(s): '{field}' in {parent}"),
        };
    }
    if let Some(field) = words.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        let full = if path == "." { field.to_owned() } else { format!("{path}.{field}") };
        return format!("{full} can't be blank");
    }
    let demand = words.rsplit_once(", expected ").map_or(words.as_str(), |(_, expected)| expected);
    let words = match demand {
        "a string" => "must be a string".to_owned(),
        "a boolean" => "must be a boolean".to_owned(),
        "a sequence" => "must be an array".to_owned(),
        "a map" => "must be an object".to_owned(),
        demand if demand.starts_with("struct ") => "must be an object".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "must be an integer of 0 or above".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "must be an integer".to_owned(),
        "f32" | "f64" => "must be a number".to_owned(),
        demand if demand.starts_with('`') => format!("must be {}", demand.replace('`', "'")),
        demand if demand.starts_with("one of `") => format!("must be {}", demand.replace('`', "'")),
        _ => words,
    };
    if path == "." { words } else { format!("{path} {words}") }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        parse(&read(request, LIMIT).await?)
    }
}

/// For `#[serde(default, deserialize_with = "body::present")] Option<Option<T>>`: tells an explicit null (`Some(None)`)
/// from an absent key (`None`).
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `{"data": {"guid": …}}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToOne {
    /// Null takes the relationship away.
    pub data: Option<Guid>,
}

impl ToOne {
    /// The guid, if there is one.
    pub fn guid(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.guid.as_str())
    }
}

/// `{"data": [{"guid": …}]}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToMany {
    /// The guids.
    pub data: Vec<Guid>,
}

/// `{"guid": …}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guid {
    /// The guid.
    pub guid: String,
}

/// Checks a name: not blank, at most 191 characters. `field` is named in the 422.
pub fn check_name(field: &str, name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() {
        return Err(ApiError::unprocessable(format!("{field} can't be blank")));
    }
    if name.chars().count() > 191 {
        return Err(ApiError::unprocessable(format!("{field} is too long (maximum is 191 characters)")));
    }
    if name.chars().any(char::is_control) {
        return Err(ApiError::unprocessable(format!("{field} must not contain control characters")));
    }
    Ok(())
}
