//! What a job's answer becomes on its way back.
//!
//! Jobs are strangers' programs that answer on the platform's own address. Invariants: whatever a browser shows of a job lives
//! in an origin of its own (`Content-Security-Policy: sandbox` without `allow-same-origin`), so that its scripts reach neither
//! the platform's pages nor, by the session's cookie, its APIs; no job sets or clears a cookie of the platform's; a page of
//! another origin reads an answer only if it brought the token itself, because credentials are never allowed across origins.

use super::Call;
use super::judge::{TRACING, is_ours};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALT_SVC,
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
};

/// All that pages need, but the platform's origin.
const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts");
/// Said for a whole address, which is not the job's.
const PLATFORMS: [HeaderName; 4] = [
    ALT_SVC,
    STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
];
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Names the call, makes addresses that the job took for its own lead through the gateway again, and keeps the job from
/// speaking for the platform.
pub(crate) fn finish(call: &Call, headers: &mut HeaderMap) {
    headers.insert(TRACING, call.tracing.clone());
    headers.append(CONTENT_SECURITY_POLICY, SANDBOX);
    PLATFORMS.iter().for_each(|name| drop(headers.remove(name)));
    if headers.contains_key(SET_COOKIE) {
        let kept: Vec<HeaderValue> =
            headers.get_all(SET_COOKIE).iter().filter(|value| !is_platforms(value)).cloned().collect();
        headers.remove(SET_COOKIE);
        for value in kept {
            headers.append(SET_COOKIE, value);
        }
    }
    if call.across {
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
    }
    let path = headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(path_of).map(str::to_owned);
    if let Some(path) = path.and_then(|path| HeaderValue::from_str(&path).ok()) {
        headers.insert(LOCATION, path);
    }
}

/// Would it set a cookie of the platform's?
fn is_platforms(cookie: &HeaderValue) -> bool {
    let name = cookie.as_bytes().split(|byte| *byte == b'=' || *byte == b';').next().unwrap_or_default();
    // What no browser could name is nobody's cookie.
    std::str::from_utf8(name).is_ok_and(|name| is_ours(name.trim()))
}

/// What follows scheme and host, if they are there.
fn path_of(location: &str) -> Option<&str> {
    let (_, rest) =
        location.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))?;
    Some(rest.find('/').map_or("/", |slash| &rest[slash..]))
}

#[cfg(test)]
mod tests {
    use super::is_platforms;
    use http::HeaderValue;

    #[test]
    fn the_platforms_cookies_are_known_by_their_names() {
        for (cookie, platforms) in [
            ("pitlane_session=x; Path=/", true),
            (" pitlane_session =x", true),
            ("x-racetrack-auth=x", true),
            ("X-Racetrack-Esc-Auth", true),
            ("theme=pitlane_session", false),
            ("pitlane_session2=x", false),
        ] {
            assert_eq!(is_platforms(&HeaderValue::from_static(cookie)), platforms, "{cookie}");
        }
    }
}
