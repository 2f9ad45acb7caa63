//! Cookies of the pages: the session's, and what others were given.

use super::base;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use std::time::Duration;

/// Name of the session's.
pub(crate) const NAME: &str = "pitlane_session";

/// The session's cookie in a request.
pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
    cookie_value(headers, NAME)
}

/// What a request says in the cookie `name`; an empty one says nothing.
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name && !cookie.value().is_empty())
        .map(|cookie| cookie.value().to_owned())
}

/// `Set-Cookie` with which the browser keeps the session for `lifetime`. No `Domain`: apps on other host names never see it.
pub(crate) fn set(headers: &HeaderMap, value: &str, lifetime: Duration) -> HeaderValue {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    let cookie = Cookie::build((NAME, value))
        .http_only(true)
        .same_site(SameSite::Lax)
        .path("/")
        .max_age(cookie::time::Duration::seconds(seconds))
        .secure(base::scheme(headers) == "https")
        .build();
    HeaderValue::from_str(&cookie.to_string()).expect("our cookies are URL-safe characters")
}

/// `Set-Cookie` with which the browser forgets it.
pub(crate) fn clear(headers: &HeaderMap) -> HeaderValue {
    set(headers, "", Duration::ZERO)
}
