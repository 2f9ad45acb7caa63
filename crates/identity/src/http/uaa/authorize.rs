//! Codes for `cf ssh`, and what is known of a client.

use super::{caller, caller_with, failure};
use crate::clock::micros;
use crate::http::headers::{oauth_error, private};
use crate::repo::auth_code::auth_code_create;
use crate::repo::client::client_get;
use crate::{Identity, IdentityError, Subject};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde_json::json;
use std::collections::HashMap;

/// `GET /oauth/authorize?response_type=code&client_id=ssh-proxy` with a bearer token: 302 with a code that stands for the
/// caller once, for a minute. It goes to no other place than back to who asked, so no redirect address is taken.
pub(super) async fn create_code(State(identity): State<Identity>, request: Request) -> Response {
    // A browser's cookie must not be enough: any page could send somebody here.
    let person = match caller(request.extensions()).map(|caller| caller.subject.clone()) {
        Ok(Subject::Person(id)) if crate::http::authenticate::bearer(request.headers()).is_some() => id,
        Ok(_) => {
            return oauth_error(StatusCode::UNAUTHORIZED, "unauthorized", "A person's bearer token is needed here");
        }
        Err(answer) => return answer,
    };
    let query: HashMap<String, String> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    if query.get("response_type").map(String::as_str) != Some("code") {
        return oauth_error(StatusCode::BAD_REQUEST, "unsupported_response_type", "response_type must be code");
    }
    let client_id = query.get("client_id").cloned().unwrap_or_default();
    let now = identity.now();
    let expires_at = now + micros(identity.config().auth_code);
    let made = identity
        .db()
        .write(move |tx| {
            let client = client_get(tx, &client_id)?;
            if !client.is_some_and(|client| client.grant_types.iter().any(|grant| grant == "authorization_code")) {
                return Err(IdentityError::NotFound("client"));
            }
            Ok(auth_code_create(tx, &client_id, &person, now, expires_at)?)
        })
        .await;
    match made {
        Ok(code) => {
            let location =
                HeaderValue::from_str(&format!("/uaa/login?code={code}")).expect("codes are URL-safe characters");
            private((StatusCode::FOUND, [(LOCATION, location)]).into_response())
        }
        Err(IdentityError::NotFound(_)) => oauth_error(
            StatusCode::BAD_REQUEST,
            "invalid_client",
            "client_id is not a client that takes codes; use ssh-proxy",
        ),
        Err(error) => failure(&error),
    }
}

/// `GET /oauth/clients/ID`.
pub(super) async fn show_client(
    State(identity): State<Identity>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    if let Err(answer) = caller_with(request.extensions(), &["clients.read", "clients.admin"]) {
        return answer;
    }
    match identity.db().read(move |tx| client_get(tx, &id)).await {
        Ok(Some(client)) => Json(json!({
            "client_id": client.id,
            "name": client.id,
            "authorized_grant_types": client.grant_types,
            "authorities": client.authorities,
            "scope": ["uaa.none"],
            "lastModified": client.created_at / 1000,
        }))
        .into_response(),
        Ok(None) => failure(&IdentityError::NotFound("client")),
        Err(error) => failure(&error.into()),
    }
}
