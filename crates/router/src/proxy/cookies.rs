//! Sticky sessions: an application that sets `JSESSIONID` gets its client back on the same instance, by the cookie
//! `__VCAP_ID__` that the router adds.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

const SESSION: &str = "JSESSIONID";
const INSTANCE: &str = "__VCAP_ID__";

/// The instance to which this client's session belongs.
pub(crate) fn instance(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    find(cookies, SESSION)?;
    find(cookies, INSTANCE)
}

/// Does the client bring a session?
pub(crate) fn has_session(headers: &HeaderMap) -> bool {
    headers.get(COOKIE).and_then(|value| value.to_str().ok()).is_some_and(|cookies| find(cookies, SESSION).is_some())
}

fn find<'c>(cookies: &'c str, name: &str) -> Option<&'c str> {
    cookies.split(';').find_map(|pair| pair.trim_start().strip_prefix(name)?.strip_prefix('=')).map(str::trim_end)
}

/// Adds the instance's cookie when the application begins a session, with that cookie's life and protection, or when the
/// session `moved` to this instance from another.
pub(crate) fn bind(headers: &mut HeaderMap, instance: &str, moved: bool, secure: bool) {
    let own = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(session_attributes);
    let mut attributes = match own {
        Some(attributes) => attributes,
        None if moved => String::new(),
        None => return,
    };
    if secure && !attributes.contains("; Secure") {
        attributes.push_str("; Secure");
    }
    if let Ok(value) = HeaderValue::from_str(&format!("{INSTANCE}={instance}; Path=/; HttpOnly{attributes}")) {
        headers.append(SET_COOKIE, value);
    }
}

/// The attributes to take over, if `cookie` is the session's.
fn session_attributes(cookie: &str) -> Option<String> {
    let mut parts = cookie.split(';').map(str::trim);
    parts.next()?.strip_prefix(SESSION)?.strip_prefix('=')?;
    let taken = ["max-age", "expires", "secure", "samesite", "partitioned"];
    let name = |part: &str| part.split('=').next().unwrap_or("").to_ascii_lowercase();
    let kept = parts.filter(|part| taken.contains(&name(part).as_str()));
    Some(kept.fold(String::new(), |all, part| {
        // One spelling, so that it can be looked for.
        if part.eq_ignore_ascii_case("secure") { all + "; Secure" } else { all + "; " + part }
    }))
}
