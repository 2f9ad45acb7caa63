//! What is taken out of and put into a head on its way.
//!
//! A request's head is never changed: for each attempt its lines are said anew, to whoever writes them down. So nothing is
//! copied for a second attempt, and one set of rules serves every protocol.

use crate::digits::Digits;
use crate::index::Instance;
use crate::worker::Client;
use http::HeaderName;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-vcap-request-id");
const APPLICATION: HeaderName = HeaderName::from_static("x-cf-applicationid");
const INSTANCE: HeaderName = HeaderName::from_static("x-cf-instanceid");
const INDEX: HeaderName = HeaderName::from_static("x-cf-instanceindex");

/// Of one connection only (RFC 9110 7.6.1, and what of old is used so).
pub(crate) fn is_hop_by_hop(name: &str) -> bool {
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

/// Said by the router in its own words, or by nobody; what a client says is never passed on.
fn is_ours(name: &str) -> bool {
    match name {
        // The router itself says 100 as soon as the backend's connection takes the body.
        "expect" | "x-forwarded-client-cert" | "x-cf-app-instance" | "x-cf-process-instance" => true,
        "x-cf-applicationid" | "x-cf-instanceid" | "x-cf-instanceindex" | "x-vcap-request-id" => true,
        "host" | "content-length" | "x-forwarded-for" | "x-forwarded-proto" => true,
        _ => false,
    }
}

/// Other ways of saying what `X-Forwarded-*` says; passed on only when the peer is trusted.
fn is_untrusted(name: &str) -> bool {
    matches!(
        name,
        "forwarded" | "x-forwarded-host" | "x-forwarded-port" | "x-forwarded-prefix" | "x-real-ip" | "x-request-start"
    )
}

/// What a head has of the rarer lines, seen in one pass: looking for each by name would cost more than most requests do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks {
    /// `Connection`, which may list more that belongs to the connection.
    connection: bool,
    pub(crate) cookie: bool,
    /// The client names the instance that it wants.
    pub(crate) pin: bool,
}

impl Marks {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut marks = Self::default();
        for name in headers.keys() {
            marks.connection |= *name == header::CONNECTION;
            marks.cookie |= *name == header::COOKIE;
            marks.pin |= PINS.iter().any(|(pin, _)| name == pin);
        }
        marks
    }
}

/// The lines that name an instance, and whether by its process (else by its application).
pub(crate) const PINS: [(HeaderName, bool); 2] =
    [(HeaderName::from_static("x-cf-app-instance"), false), (HeaderName::from_static("x-cf-process-instance"), true)];

/// Says whether the client wants to leave HTTP.
pub(crate) fn wants_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
        && headers.get_all(header::CONNECTION).iter().any(|value| has_token(value, "upgrade"))
}

fn has_token(value: &HeaderValue, token: &str) -> bool {
    value.to_str().is_ok_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}

/// The names that `Connection` lists, which belong to one connection, too. Empty for most heads.
fn listed(headers: &HeaderMap) -> Vec<&str> {
    // A client must not be able to take the last two away.
    let known = ["keep-alive", "close", "host", "content-length"];
    let lists = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let names = lists.flat_map(|list| list.split(',').map(str::trim));
    names.filter(|name| !known.iter().any(|known| name.eq_ignore_ascii_case(known))).collect()
}

/// Removes from an answer what belongs to one connection: the known names and those that `Connection` lists.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = if headers.contains_key(header::CONNECTION) {
        listed(headers).into_iter().filter_map(|name| name.parse().ok()).collect()
    } else {
        Vec::new()
    };
    let gone = headers.keys().filter(|name| is_hop_by_hop(name.as_str())).cloned().chain(listed).collect::<Vec<_>>();
    gone.iter().for_each(|name| drop(headers.remove(name)));
}

/// How the body is announced to the backend. What the client said of it counts no more: it may have been read already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// There is no body.
    None,
    /// So many bytes; nought only where the client said so.
    Known(u64),
    /// Known at its end only.
    Unknown,
}

/// What a backend is told besides what the client said.
pub(crate) struct Told<'a> {
    pub(crate) client: &'a Client,
    pub(crate) marks: Marks,
    /// `X-Forwarded-For` and `-Proto`, see [`forwarded`].
    pub(crate) forwarded: &'a Forwarded,
    pub(crate) request_id: &'a [u8],
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The client wants to leave HTTP.
    pub(crate) upgrade: bool,
    pub(crate) instance: Option<&'a Instance>,
    pub(crate) length: Length,
}

/// Says each line of the head that goes to the backend, but for `Transfer-Encoding`, which not every protocol has.
pub(crate) fn lines(head: &Parts, told: &Told<'_>, mut say: impl FnMut(&HeaderName, &[u8])) {
    let headers = &head.headers;
    let listed = if told.marks.connection { listed(headers) } else { Vec::new() };
    let gone = |name: &str| !listed.is_empty() && listed.iter().any(|listed| listed.eq_ignore_ascii_case(name));
    // The request line's host counts (RFC 9112 3.2.2).
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = authority.or_else(|| headers.get(header::HOST).map(HeaderValue::as_bytes));
    host.into_iter().for_each(|host| say(&header::HOST, host));
    let (mut their_host, mut their_start) = (false, false);
    for (name, value) in headers {
        let text = name.as_str();
        // gRPC needs it end to end; `trailers` is the only value that may cross.
        if *name == header::TE && has_token(value, "trailers") {
            say(name, b"trailers");
        }
        if is_hop_by_hop(text) || is_ours(text) || (!told.client.trusted && is_untrusted(text)) || gone(text) {
            continue;
        }
        their_host |= *name == FORWARDED_HOST;
        their_start |= *name == REQUEST_START;
        if *name != header::COOKIE {
            say(name, value.as_bytes());
        }
    }
    if told.marks.cookie && !gone("cookie") {
        // HTTP/2 may send one cookie a line; HTTP/1.1 wants one line (RFC 9113 8.2.3).
        let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        say(&header::COOKIE, &all.join(&b"; "[..]));
    }
    if told.upgrade
        && let Some(protocol) = headers.get(header::UPGRADE)
    {
        say(&header::CONNECTION, b"upgrade");
        say(&header::UPGRADE, protocol.as_bytes());
    }
    if let Length::Known(length) = told.length {
        say(&header::CONTENT_LENGTH, Digits::of(length).as_bytes());
    }
    say(&FORWARDED_FOR, told.forwarded.by.as_bytes());
    say(&FORWARDED_PROTO, told.forwarded.proto.as_bytes());
    if let Some(host) = host.filter(|_| !their_host) {
        say(&FORWARDED_HOST, host);
    }
    say(&REQUEST_ID, told.request_id);
    if !their_start {
        say(&REQUEST_START, Digits::of(told.at_ms.unsigned_abs()).as_bytes());
    }
    if let Some(instance) = told.instance {
        say(&APPLICATION, instance.app.as_bytes());
        say(&INSTANCE, instance.id.as_bytes());
        say(&INDEX, instance.index.as_bytes());
    }
}

/// Who is said to have sent the request, and how.
pub(crate) struct Forwarded {
    /// `X-Forwarded-For`.
    pub(crate) by: HeaderValue,
    /// `X-Forwarded-Proto`.
    pub(crate) proto: HeaderValue,
}

/// `X-Forwarded-*`: added to when the peer is a proxy that the administrator trusts; else said anew, so that an
/// application can believe what it reads.
pub(crate) fn forwarded(headers: &HeaderMap, client: &Client) -> Forwarded {
    let proto = HeaderValue::from_static(if client.secure { "https" } else { "http" });
    if !client.trusted {
        return Forwarded { by: client.address.clone(), proto };
    }
    let listed = listed(headers);
    let kept = |name: &HeaderName| !listed.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_str()));
    let mut list: Vec<u8> = Vec::new();
    for value in headers.get_all(&FORWARDED_FOR).iter().filter(|_| kept(&FORWARDED_FOR)) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(client.address.as_bytes());
    let by = HeaderValue::from_bytes(&list).unwrap_or_else(|_| client.address.clone());
    let theirs = headers.get(&FORWARDED_PROTO).filter(|_| kept(&FORWARDED_PROTO)).cloned();
    Forwarded { by, proto: theirs.unwrap_or(proto) }
}
