//! What the router itself answers. Words and headers towards applications' users are Gorouter's, which tools look for.

use super::body::Reply;
use crate::index::Endpoint;
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

const ROUTER_ERROR: HeaderName = HeaderName::from_static("x-cf-routererror");

fn plain(status: StatusCode, code: Option<&'static str>, text: String) -> Response<Reply> {
    let mut response = Response::new(Reply::own(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    if let Some(code) = code {
        headers.insert(ROUTER_ERROR, HeaderValue::from_static(code));
    }
    response
}

/// Closes the connection: who sends such a head may mean its bytes otherwise than we read them.
pub(crate) fn bad_request(why: &str) -> Response<Reply> {
    let mut response = plain(StatusCode::BAD_REQUEST, None, format!("400 Bad Request: {why}.\n"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

pub(crate) fn connect() -> Response<Reply> {
    let text = "405 Method Not Allowed: this is no forward proxy; CONNECT is not served.\n";
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, None, text.to_owned());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

pub(crate) fn unknown_route(host: &str) -> Response<Reply> {
    let text = format!("404 Not Found: Requested route ('{host}') does not exist.\n");
    plain(StatusCode::NOT_FOUND, Some("unknown_route"), text)
}

/// Before the first table nobody can say which routes there are.
pub(crate) fn no_table(host: &str) -> Response<Reply> {
    let text = format!(
        "503 Service Unavailable: the routes are not known yet, so nothing can be said of '{host}'. Try again in a moment.\n"
    );
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, Some("no_table"), text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

pub(crate) fn no_endpoints(host: &str) -> Response<Reply> {
    let text = format!("503 Service Unavailable: Requested route ('{host}') has no available endpoints.\n");
    plain(StatusCode::SERVICE_UNAVAILABLE, Some("no_endpoints"), text)
}

pub(crate) fn bad_instance(header: &str) -> Response<Reply> {
    let text = format!("400 Bad Request: {header} must be <guid>:<index>.\n");
    plain(StatusCode::BAD_REQUEST, Some("invalid_cf_app_instance_header"), text)
}

pub(crate) fn unknown_instance(host: &str, guid: &str, index: u32) -> Response<Reply> {
    let text = format!(
        "400 Bad Request: Requested instance ('{index}') with guid ('{guid}') does not exist for route ('{host}').\n"
    );
    plain(StatusCode::BAD_REQUEST, Some("unknown_route"), text)
}

/// The application, not the platform, failed; the words say which and how.
pub(crate) fn endpoint_failure(endpoint: &Endpoint, why: &str) -> Response<Reply> {
    let (app, index) = endpoint.backend().map_or(("?", 0), |backend| (backend.app.as_str(), backend.index));
    let text = format!(
        "502 Bad Gateway: Registered endpoint failed to handle the request. Application {app}, instance {index}: {why}.\n"
    );
    plain(StatusCode::BAD_GATEWAY, Some("endpoint_failure"), text)
}

pub(crate) fn stalled() -> Response<Reply> {
    let text = "408 Request Timeout: the body that the request announced stopped coming.\n".to_owned();
    plain(StatusCode::REQUEST_TIMEOUT, None, text)
}

pub(crate) fn broken() -> Response<Reply> {
    plain(StatusCode::BAD_REQUEST, None, "400 Bad Request: the body of the request broke off.\n".to_owned())
}

/// Control does not answer: JSON for clients of its APIs, a page for people.
pub(crate) fn control_away(asked: &HeaderMap) -> Response<Reply> {
    let accept = asked.get(ACCEPT).and_then(|value| value.to_str().ok());
    let page = accept.is_some_and(|accept| accept.contains("text/html"));
    let (kind, text) =
        if page { ("text/html; charset=utf-8", CONTROL_AWAY_PAGE) } else { ("application/json", CONTROL_AWAY_JSON) };
    let mut response = Response::new(Reply::own(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    response
}

const CONTROL_AWAY_JSON: &str = concat!(
    r#"{"errors":[{"code":10015,"title":"CF-ServiceUnavailable","#,
    r#""detail":"Pitlane's control process does not answer at the moment; it is being restarted. Applications go on running. Try again in a few seconds."}]}"#,
    "\n"
);

const CONTROL_AWAY_PAGE: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>Back in a moment</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;color:#222;background:#fff}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}</style></head>
<body><h1>Back in a moment</h1>
<p>The part of Pitlane that serves these pages does not answer at the moment; it is being restarted.</p>
<p><strong>Applications go on running</strong> and answer on their addresses.</p>
<p><a href=\"\">Try again</a>. If this lasts, an administrator finds the reason in <code>log/control.log</code> of the data folder.</p>
</body></html>
";
