//! The layer that says who is asking.

use super::{base, cookie, headers};
use crate::model::origin;
use crate::verify::{Credential, Verified};
use crate::{API_TOKEN_PREFIX, Authentication, Identity};
use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use store::StoreError;

/// Puts [`Authentication`] into the request's extensions: from a bearer token (JWT or API token), else from the cookie of
/// the pages. It judges and lets pass; only three cases are answered here: a request of another site's page that would change
/// something with the cookie (403), a store that does not answer (503), and a suspended person where others would be sent
/// to sign in (403). Use it with
/// `axum::middleware::from_fn_with_state(identity, identity::http::authenticate)`; twice costs nothing.
pub async fn authenticate(State(identity): State<Identity>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<Authentication>().is_some() {
        return next.run(request).await;
    }
    let cookie = cookie::read(request.headers());
    let verified = match judge(&identity, request.headers(), cookie.as_deref()).await {
        Ok(verified) => verified,
        Err(error) => {
            tracing::error!(%error, "a caller could not be looked up");
            return unavailable(request.headers());
        }
    };
    let credential = verified.proof.as_ref().map(|proof| proof.credential.clone());
    let by_cookie = matches!(credential, Some(Credential::Session { page: true, .. }));
    if by_cookie
        && !origin::is_safe(request.method())
        && !origin::is_own(request.headers(), base::scheme(request.headers()))
    {
        return cross_site(request.headers());
    }
    let prolonged = cookie
        .filter(|_| verified.prolonged)
        .map(|value| cookie::set(request.headers(), &value, identity.config().page_session));
    let extensions = request.extensions_mut();
    extensions.insert(verified.authentication);
    if let (Some(credential), Some(proof)) = (credential, verified.proof) {
        extensions.insert(credential);
        extensions.insert(proof);
    }
    // Whoever would refuse a suspended person refuses as this is to be said; what anybody may see, he sees too.
    let asked = verified.suspended.then(|| request.headers().clone());
    let mut response = next.run(request).await;
    if let Some(headers) = asked.filter(|_| refuses(&response)) {
        return suspended(&headers);
    }
    // Who signs out or in with this answer has set the cookie already.
    if let Some(set) = prolonged
        && !response.headers().contains_key(SET_COOKIE)
    {
        response.headers_mut().append(SET_COOKIE, set);
    }
    response
}

/// Does a face turn the caller away as one it does not know? (`/signin` alone is where signing out leads.)
fn refuses(response: &Response) -> bool {
    let to = response.headers().get(LOCATION).map_or(&b""[..], |to| to.as_bytes());
    response.status() == StatusCode::UNAUTHORIZED || response.status().is_redirection() && to.starts_with(b"/signin?")
}

/// The answer to a suspended person (row T25), in the forms of [`unavailable`].
pub(crate) fn suspended(from: &HeaderMap) -> Response {
    let text = "This account is suspended. What it made is kept. Ask an administrator to activate it.";
    if headers::wants_page(from) {
        return super::pages::message(StatusCode::FORBIDDEN, "Account suspended", text);
    }
    let errors = json!([{ "code": 10003, "title": "CF-NotAuthorized", "detail": text }]);
    let body = json!({ "error": "account_suspended", "error_description": text, "errors": errors });
    headers::private((StatusCode::FORBIDDEN, Json(body)).into_response())
}

/// Nobody knows yet whose client this is: the answer has the OAuth form and the Cloud Foundry API's in one.
fn unavailable(from: &HeaderMap) -> Response {
    let text = "The database did not answer, so it could not be checked who is asking; try again in a moment.";
    if headers::wants_page(from) {
        return super::pages::message(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer", text);
    }
    let errors = json!([{ "code": 10015, "title": "CF-ServiceUnavailable", "detail": text }]);
    let body = json!({ "error": "unavailable", "error_description": text, "errors": errors });
    headers::private((StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response())
}

async fn judge(identity: &Identity, headers: &HeaderMap, cookie: Option<&str>) -> Result<Verified, StoreError> {
    if let Some(token) = bearer(headers) {
        return match token.starts_with(API_TOKEN_PREFIX) {
            true => identity.verify_api_token(token).await,
            false => identity.verify_access_token(token).await,
        };
    }
    match cookie {
        Some(cookie) => identity.verify_cookie(cookie).await,
        None => {
            Ok(Verified { authentication: Authentication::Anonymous, proof: None, prolonged: false, suspended: false })
        }
    }
}

/// The bearer token; other schemes are not ours.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The answer to another site's page.
pub(crate) fn cross_site(from: &HeaderMap) -> Response {
    let text = "This request was sent by a page of another site, so it was not carried out. Open Pitlane itself and do it there.";
    if headers::wants_page(from) {
        return super::pages::message(StatusCode::FORBIDDEN, "Sent by another site", text);
    }
    headers::oauth_error(StatusCode::FORBIDDEN, "cross_site_request", text)
}
