//! Whether a call may be made, and what its head becomes.

use super::calls::{CallIndex, CallJob};
use super::ticket::{Bearer, MARK, Tickets};
use super::{CallPath, CallerEntry, endpoint_of, refuse};
use crate::proxy::Reply;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Response, Uri};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Where callers say who they are, in this order: each as a header, then as a cookie.
const CREDENTIALS: [HeaderName; 3] = [
    HeaderName::from_static("x-racetrack-auth"),
    HeaderName::from_static("x-racetrack-esc-auth"),
    HeaderName::from_static("x-racetrack-user-auth"),
];
/// Who calls, as jobs are told.
const CALLER: HeaderName = HeaderName::from_static("x-caller-name");
/// Names one call in all logs.
pub(super) const TRACING: HeaderName = HeaderName::from_static("x-request-tracing-id");
/// What a browser wants to do with the answer.
const FETCHED_AS: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// Cookies that are no job's business: the platform's own session, and tokens.
const SESSION: &str = "pitlane_session";
/// Answered without a token, so that callers can see whether a job is there.
const HEALTH: [&str; 3] = ["/health", "/live", "/ready"];

/// A call that may be made.
pub(crate) struct Call {
    pub(crate) job: Arc<CallJob>,
    pub(crate) caller: Option<Arc<CallerEntry>>,
    pub(crate) tracing: HeaderValue,
    /// A page sent it, which may be of another origin.
    pub(crate) across: bool,
}

/// What a call is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Court<'c> {
    pub(crate) calls: &'c CallIndex,
    pub(crate) tickets: &'c Tickets,
    /// The client's address.
    pub(crate) address: &'c [u8],
    /// Microseconds since 1970 UTC.
    pub(crate) at: i64,
}

/// Judges a call and turns its head into what the job gets, but for what every backend gets. `fresh_id`: for a caller who
/// names no tracing id.
pub(crate) fn judge(
    court: Court<'_>,
    head: &mut Parts,
    fresh_id: &HeaderValue,
) -> Option<Result<Box<Call>, Box<Response<Reply>>>> {
    let path = CallPath::of(head.uri.path())?;
    let across = head.headers.contains_key(ORIGIN);
    if across && head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return Some(Err(Box::new(refuse::preflight(&head.headers))));
    }
    let tracing = head.headers.get(&TRACING).filter(|id| !id.is_empty() && id.len() <= 200).unwrap_or(fresh_id).clone();
    let decided = decide(court, head, &path, &tracing);
    Some(decided.map_err(|refusal| Box::new(refuse::told(refusal, across))).and_then(|decided| {
        let Decided { job, caller, rest, ticket } = decided;
        let (family, version) = (&job.callee.family, &job.callee.version);
        let query = head.uri.query();
        let mut target =
            String::with_capacity(16 + family.len() + version.len() + rest.len() + query.map_or(0, str::len));
        for part in ["/pub/job/", family, "/", version] {
            target.push_str(part);
        }
        if let Some(ticket) = &ticket {
            target.push(MARK);
            target.push_str(ticket);
        }
        target.push_str(&rest);
        if let Some(query) = query {
            target.push('?');
            target.push_str(query);
        }
        let target: PathAndQuery = target.parse().map_err(|_| Box::new(refuse::bad_path(&tracing)))?;
        let mut parts = std::mem::take(&mut head.uri).into_parts();
        parts.path_and_query = Some(target);
        head.uri = Uri::from_parts(parts).map_err(|_| Box::new(refuse::bad_path(&tracing)))?;
        rewrite(&mut head.headers, caller.as_deref(), &tracing);
        job.calls.note(court.at);
        Ok(Box::new(Call { job, caller, tracing, across }))
    }))
}

struct Decided {
    job: Arc<CallJob>,
    caller: Option<Arc<CallerEntry>>,
    /// The path below the job.
    rest: String,
    /// For a page that is opened.
    ticket: Option<String>,
}

#[expect(clippy::result_large_err, reason = "rare, and boxed by the only caller")]
fn decide(
    court: Court<'_>,
    head: &Parts,
    path: &CallPath<'_>,
    tracing: &HeaderValue,
) -> Result<Decided, Response<Reply>> {
    let Court { calls, tickets, address, at } = court;
    if !calls.known {
        return Err(refuse::no_table(tracing));
    }
    if let Some(words) = &calls.closed {
        return Err(refuse::closed(words, tracing));
    }
    let rest = path.plain_rest().ok_or_else(|| refuse::bad_path(tracing))?;
    let endpoint = endpoint_of(&rest);
    let family = calls.family(path.name);
    let (version, ticket) = path.version.split_once(MARK).map_or((path.version, None), |(v, ticket)| (v, Some(ticket)));
    let job = family.and_then(|family| family.find(version));
    let bearer = job.map(|job| Bearer { job: &job.callee.id, address });
    let (hash, by_cookie) = match (token(&head.headers), ticket.zip(bearer)) {
        (Some((token, by_cookie)), _) => (Some(Sha256::digest(token.as_bytes()).into()), by_cookie),
        (None, Some((ticket, bearer))) => (tickets.read(ticket, bearer, at), false),
        (None, None) => (None, false),
    };
    let caller = hash.as_ref().and_then(|hash| calls.caller(hash, at));
    let open = job.is_some_and(|job| HEALTH.contains(&endpoint.as_str()) || is_public(job, &endpoint));
    if !open {
        let caller = caller.ok_or_else(|| refuse::nobody(tracing))?;
        if by_cookie && !is_own_page(&head.headers) {
            return Err(refuse::other_site(tracing));
        }
        let (family, id) = (family.map(|family| &*family.id), job.map(|job| job.callee.id.as_str()));
        if !caller.rights.allow(family, id, Some(&endpoint)) {
            return Err(refuse::nobody(tracing));
        }
    }
    let Some(job) = job else { return Err(refuse::no_job(family.is_some(), path.name, version, tracing)) };
    let ticket = match (by_cookie && opens_page(head), hash, bearer) {
        (true, Some(hash), Some(bearer)) if caller.is_some() => Some(tickets.make(bearer, &hash, at)),
        _ => None,
    };
    Ok(Decided { job: Arc::clone(job), caller: caller.map(Arc::clone), rest, ticket })
}

/// Does a browser show what it gets? It says so itself; whoever pretends to be one gets a ticket for what its token is good for.
fn opens_page(head: &Parts) -> bool {
    let wants = head.headers.get(&FETCHED_AS);
    head.method == Method::GET && wants.is_some_and(|wants| wants == "document" || wants == "iframe")
}

/// Is the path one that is open to everybody, or below one? Whole segments count: `/perform` does not open `/performance`.
fn is_public(job: &CallJob, endpoint: &str) -> bool {
    job.callee.public.iter().any(|open| {
        open == "/" || endpoint.strip_prefix(open.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The token that the head brings, and whether a cookie brought it.
fn token(headers: &HeaderMap) -> Option<(String, bool)> {
    for name in &CREDENTIALS {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            return Some((value.trim().to_owned(), false));
        }
        let own = |cookie: &(&str, &str)| cookie.0.eq_ignore_ascii_case(name.as_str());
        if let Some((_, value)) = cookies(headers).find(own) {
            return Some((percent_decode_str(value.trim_matches('"')).decode_utf8().ok()?.into_owned(), true));
        }
    }
    None
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='))
}

/// Is it a cookie of the platform's?
pub(super) fn is_ours(cookie: &str) -> bool {
    cookie == SESSION || CREDENTIALS.iter().any(|credential| cookie.eq_ignore_ascii_case(credential.as_str()))
}

/// Did one of this host's own pages send it? A cookie is sent by the browser, whoever's page made it do so.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(ORIGIN), text(HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        // A browser leaves it out only where no page sees the answer and nothing but GET is asked.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// Takes the caller's credentials out and puts in what the job is told of the caller.
fn rewrite(headers: &mut HeaderMap, caller: Option<&CallerEntry>, tracing: &HeaderValue) {
    CREDENTIALS.iter().for_each(|name| drop(headers.remove(name)));
    if cookies(headers).any(|(name, _)| is_ours(name)) {
        let kept: Vec<String> = cookies(headers)
            .filter(|(name, _)| !is_ours(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        headers.remove(COOKIE);
        if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
            && !kept.is_empty()
        {
            headers.insert(COOKIE, value);
        }
    }
    headers.remove(&CALLER);
    // User names may hold letters that no header can.
    let name = caller.and_then(|caller| {
        HeaderValue::from_str(&caller.name.replace(|c: char| !c.is_ascii_graphic() && c != ' ', "?")).ok()
    });
    if let Some(name) = name {
        headers.insert(CALLER, name);
    }
    headers.insert(TRACING, tracing.clone());
}
