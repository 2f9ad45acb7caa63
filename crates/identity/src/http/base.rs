//! The address by which a client reached us.

use crate::sign_in::Origin;
use http::HeaderMap;
use http::header::{HOST, USER_AGENT};
use http::request::Parts;

/// `scheme://host[:port]` by which the client reached us: the host it named, and the scheme that our own front door saw
/// (`X-Forwarded-Proto`, which it overwrites). Links and token issuers begin with it.
pub fn base_url(parts: &Parts) -> String {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    format!("{}://{}", scheme(&parts.headers), host.filter(|host| plain(host)).unwrap_or("localhost"))
}

/// `https` or `http`.
pub(crate) fn scheme(headers: &HeaderMap) -> &'static str {
    match headers.get("x-forwarded-proto").and_then(|proto| proto.to_str().ok()) {
        Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

/// Where a request comes from. The last address of `X-Forwarded-For` is the one that our own front door wrote; those
/// before it are the client's own claims.
pub(crate) fn origin(headers: &HeaderMap) -> Origin {
    let text =
        |name| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).unwrap_or_default();
    Origin {
        address: text(http::HeaderName::from_static("x-forwarded-for"))
            .rsplit(',')
            .next()
            .unwrap_or_default()
            .trim()
            .into(),
        agent: text(USER_AGENT).into(),
    }
}

/// A host that may be written into links: no characters that mean something there.
fn plain(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host.chars().all(|char| char.is_ascii_alphanumeric() || ".-_:[]".contains(char))
}
