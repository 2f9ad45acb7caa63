//! Pages of other origins may ask the Lifecycle API, with a token of their own in a header (reference, 1).
//!
//! Invariant: credentials that a browser sends by itself, the session's cookie, are never allowed across origins: a page of
//! another origin reads no answer that it did not bring a token for.

use super::BARE;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN,
};
use http::{Method, StatusCode};

const ANY: HeaderValue = HeaderValue::from_static("*");

/// Answers what a browser asks before it lets a page call, and lets the page read what it gets.
pub async fn allow(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !request.headers().contains_key(ORIGIN) || !(path.starts_with("/lifecycle") || path.starts_with(BARE)) {
        return next.run(request).await;
    }
    let asked = request.headers().clone();
    if request.method() != Method::OPTIONS || !asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        let mut response = next.run(request).await;
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
        return response;
    }
    (StatusCode::NO_CONTENT, router::allow_any_origin(&asked)).into_response()
}
