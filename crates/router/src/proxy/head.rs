//! What is taken out of and put into a head on its way.

use crate::worker::Client;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Uri, Version};

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-vcap-request-id");
pub(crate) const APPLICATION: HeaderName = HeaderName::from_static("x-cf-applicationid");
pub(crate) const INSTANCE: HeaderName = HeaderName::from_static("x-cf-instanceid");
pub(crate) const INDEX: HeaderName = HeaderName::from_static("x-cf-instanceindex");

/// Of one connection only (RFC 9110 7.6.1, and what of old is used so).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "transfer-encoding"
            | "upgrade"
            | "te"
    )
}

/// Only the router says these; what a client says is never passed on. (Some are set in any case, and not listed.)
fn is_ours(name: &str) -> bool {
    // The router itself says 100 as soon as the backend's connection takes the body.
    matches!(name, "expect" | "x-forwarded-client-cert" | "x-cf-app-instance" | "x-cf-process-instance")
        || matches!(name, "x-cf-applicationid" | "x-cf-instanceid" | "x-cf-instanceindex")
}

/// Other ways of saying what `X-Forwarded-*` says; removed when the peer is not trusted.
fn is_untrusted(name: &str) -> bool {
    matches!(name, "forwarded" | "x-forwarded-port" | "x-forwarded-prefix" | "x-real-ip" | "x-request-start")
}

/// Removes all headers of a kind: one look at each name, for most heads have few that must go.
fn remove(headers: &mut HeaderMap, kind: impl Fn(&str) -> bool) {
    let gone: Vec<HeaderName> = headers.keys().filter(|name| kind(name.as_str())).cloned().collect();
    gone.iter().for_each(|name| drop(headers.remove(name)));
}

/// Says whether the client wants to leave HTTP.
pub(crate) fn wants_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
        && headers.get_all(header::CONNECTION).iter().any(|value| has_token(value, "upgrade"))
}

fn has_token(value: &HeaderValue, token: &str) -> bool {
    value.to_str().is_ok_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}

/// Removes what belongs to one connection: the known names and those that `Connection` lists.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    remove_listed(headers);
    remove(headers, is_hop_by_hop);
}

/// Removes what `Connection` lists.
fn remove_listed(headers: &mut HeaderMap) {
    let lists = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let listed: Vec<HeaderName> = lists
        .flat_map(|list| list.split(',').map(str::trim))
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
        // A client must not be able to take these away.
        .filter(|name| !["host", "content-length"].iter().any(|fixed| name.eq_ignore_ascii_case(fixed)))
        .filter_map(|name| name.parse().ok())
        .collect();
    listed.iter().for_each(|name| drop(headers.remove(name)));
}

/// Turns the head that came into the head that goes to the backend, but for what depends on the instance.
pub(crate) fn towards_backend(head: &mut Parts, client: &Client, request_id: &HeaderValue, at_ms: i64, upgrade: bool) {
    let headers = &mut head.headers;
    let protocol = if upgrade { headers.remove(header::UPGRADE) } else { None };
    // gRPC needs it end to end; `trailers` is the only value that may cross.
    let trailers = headers.get(header::TE).is_some_and(|value| has_token(value, "trailers"));
    remove_listed(headers);
    remove(headers, |name| is_hop_by_hop(name) || is_ours(name) || (!client.trusted && is_untrusted(name)));
    // At once, what is about to be added.
    headers.reserve(12);
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocol) = protocol {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
    if let Some(authority) = head.uri.authority() {
        // Never longer or stranger than what has been parsed from the wire.
        if let Ok(value) = HeaderValue::from_str(authority.as_str()) {
            headers.insert(header::HOST, value);
        }
    }
    join_cookies(headers);
    forwarded(headers, client);
    headers.insert(REQUEST_ID, request_id.clone());
    headers.entry(REQUEST_START).or_insert_with(|| HeaderValue::from(at_ms));
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    if head.uri.authority().is_some() {
        head.uri = Uri::from(path);
    }
    head.version = Version::HTTP_11;
    head.extensions.clear();
}

/// HTTP/2 may send one cookie a line; HTTP/1.1 wants one line (RFC 9113 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).iter();
    if lines.next().is_some() && lines.next().is_some() {
        let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
            headers.insert(header::COOKIE, joined);
        }
    }
}

/// `X-Forwarded-*`: added to when the peer is a proxy that the administrator trusts; else replaced, so that an
/// application can believe what it reads.
fn forwarded(headers: &mut HeaderMap, client: &Client) {
    let proto = HeaderValue::from_static(if client.secure { "https" } else { "http" });
    if client.trusted {
        let mut list: Vec<u8> = Vec::new();
        for value in headers.get_all(&FORWARDED_FOR) {
            list.extend_from_slice(value.as_bytes());
            list.extend_from_slice(b", ");
        }
        list.extend_from_slice(client.address.as_bytes());
        let value = HeaderValue::from_bytes(&list).unwrap_or_else(|_| client.address.clone());
        headers.insert(FORWARDED_FOR, value);
        headers.entry(FORWARDED_PROTO).or_insert(proto);
    } else {
        headers.insert(FORWARDED_FOR, client.address.clone());
        headers.insert(FORWARDED_PROTO, proto);
    }
    if let Some(host) = headers.get(header::HOST).cloned() {
        if client.trusted {
            headers.entry(FORWARDED_HOST).or_insert(host);
        } else {
            headers.insert(FORWARDED_HOST, host);
        }
    }
}
