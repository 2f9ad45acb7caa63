//! Whether a request that changes something comes from one of our own pages.
//!
//! Browsers send `Origin` with every POST, PUT, PATCH and DELETE; older ones at least a `Referer`. A page of another host,
//! apps on our own domain included, must not act with a person's cookie.

use http::header::{HOST, ORIGIN, REFERER};
use http::{HeaderMap, Method};

/// Methods that change nothing.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Did one of our own pages (same host and port) send this? What cannot be told is no.
pub(crate) fn is_own(headers: &HeaderMap, scheme: &str) -> bool {
    let text = |name: http::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(HOST) else { return false };
    // A second Host or Origin would be read by somebody else in another way.
    if headers.get_all(HOST).iter().count() != 1 || headers.get_all(ORIGIN).iter().count() > 1 {
        return false;
    }
    if let Some(origin) = text(ORIGIN) {
        return same(origin, host, scheme);
    }
    match text(http::HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin" || site == "none",
        None => text(REFERER).is_some_and(|referer| same(referer, host, scheme)),
    }
}

/// Has `url` the authority `host`? The default port may be left out on either side.
fn same(url: &str, host: &str, scheme: &str) -> bool {
    let Some((url_scheme, rest)) = url.split_once("://") else { return false };
    if url_scheme != "http" && url_scheme != "https" {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    full(authority, url_scheme) == full(host, scheme)
}

fn full(authority: &str, scheme: &str) -> String {
    let port = authority
        .rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.chars().all(|char| char.is_ascii_digit()));
    match port {
        Some(_) => authority.to_lowercase(),
        None => format!("{}:{}", authority.to_lowercase(), if scheme == "https" { 443 } else { 80 }),
    }
}
