//! Absolute links, by the host name under which the caller reached us, and the shapes made of them.

use crate::{ApiError, Apps};
use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use serde_json::{Value, json};

/// Scheme and authority of this request: `https://api.example`, no slash at its end.
#[derive(Debug, Clone)]
pub struct Base(pub String);

impl Base {
    /// Absolute URL of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// `{"href": …}`.
    pub fn link(&self, path: &str) -> Value {
        json!({ "href": self.url(path) })
    }

    /// `{"href": …, "method": …}` for what is not a GET.
    pub fn action(&self, path: &str, method: &str) -> Value {
        json!({ "href": self.url(path), "method": method })
    }

    /// The same authority with another scheme: `wss`.
    pub fn with_scheme(&self, insecure: &str, secure: &str) -> String {
        match self.0.split_once("://") {
            Some(("https", authority)) => format!("{secure}://{authority}"),
            Some((_, authority)) => format!("{insecure}://{authority}"),
            None => self.0.clone(),
        }
    }
}

impl FromRequestParts<Apps> for Base {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, apps: &Apps) -> Result<Self, ApiError> {
        let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let host = header(header::HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
        // Only what can be an authority: it comes back in every link.
        let clean = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
        let host = host.filter(clean).unwrap_or(&apps.config.domain);
        let scheme = match header(header::HeaderName::from_static("x-forwarded-proto")) {
            Some(proto) if proto.split(',').next().is_some_and(|first| first.trim().eq_ignore_ascii_case("https")) => {
                "https"
            }
            _ => "http",
        };
        Ok(Self(format!("{scheme}://{host}")))
    }
}

/// `{"data": {"guid": …}}` or `{"data": null}`.
pub fn to_one(guid: Option<&str>) -> Value {
    match guid {
        Some(guid) => json!({ "data": { "guid": guid } }),
        None => json!({ "data": null }),
    }
}

/// `{"data": [{"guid": …}]}`.
pub fn to_many<'g>(guids: impl IntoIterator<Item = &'g String>) -> Value {
    let data: Value = guids.into_iter().map(|guid| json!({ "guid": guid })).collect();
    json!({ "data": data })
}
