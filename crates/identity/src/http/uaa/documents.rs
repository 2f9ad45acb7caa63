//! What the UAA says about itself, its keys and the caller.

use super::{caller, failure};
use crate::http::{base_url, headers};
use crate::{Identity, Subject, person_get};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

/// The UAA release whose subset this is; clients compare it with 4.26.0 and newer.
const VERSION: &str = "77.0.0";

/// `GET /login` and `/info`: what to ask somebody who logs in. A browser gets the sign-in page.
pub(super) async fn show_login(request: Request) -> Response {
    if headers::wants_page(request.headers()) {
        return Redirect::to("/signin").into_response();
    }
    let (parts, _) = request.into_parts();
    let base = base_url(&parts);
    Json(json!({
        "app": { "version": VERSION },
        "links": { "uaa": format!("{base}/uaa"), "login": format!("{base}/uaa"), "passwd": format!("{base}/account/sessions") },
        "zone_name": "uaa",
        "entityID": format!("{base}/uaa"),
        "prompts": { "username": ["text", "Email or user name"], "password": ["password", "Password"] },
    }))
    .into_response()
}

/// `GET /token_keys`.
pub(super) async fn list_token_keys(State(identity): State<Identity>) -> Response {
    Json(json!({ "keys": [identity.keys().public_jwk()] })).into_response()
}

/// `GET /token_key`.
pub(super) async fn show_token_key(State(identity): State<Identity>) -> Response {
    Json(identity.keys().public_jwk()).into_response()
}

/// `GET /.well-known/openid-configuration`: what is here, and no more.
pub(super) async fn show_openid_configuration(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let uaa = format!("{}/uaa", base_url(&parts));
    Json(json!({
        "issuer": format!("{uaa}/oauth/token"),
        "authorization_endpoint": format!("{uaa}/oauth/authorize"),
        "token_endpoint": format!("{uaa}/oauth/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "userinfo_endpoint": format!("{uaa}/userinfo"),
        "jwks_uri": format!("{uaa}/token_keys"),
        "grant_types_supported": ["password", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "cloud_controller.read", "cloud_controller.write", "cloud_controller.admin", "scim.read", "scim.write"],
        "claims_supported": ["sub", "user_name", "user_id", "origin", "email", "iss", "aud", "iat", "exp", "jti", "scope", "client_id"],
    }))
    .into_response()
}

/// `GET /userinfo`.
pub(super) async fn show_userinfo(State(identity): State<Identity>, request: Request) -> Response {
    let id = match caller(request.extensions()) {
        Ok(caller) => match &caller.subject {
            Subject::Person(id) => id.clone(),
            _ => return failure(&crate::IdentityError::NotFound("person")),
        },
        Err(answer) => return answer,
    };
    let found = identity.db().read(move |tx| person_get(tx, &id)).await;
    match found {
        Ok(Some(person)) => headers::private(
            Json(json!({
                "user_id": person.id,
                "sub": person.id,
                "user_name": person.user_name,
                "preferred_username": person.user_name,
                "name": person.display_name,
                "email": person.email.as_ref().unwrap_or(&person.user_name),
                "email_verified": false,
                "origin": person.origin,
            }))
            .into_response(),
        ),
        Ok(None) => failure(&crate::IdentityError::NotFound("person")),
        Err(error) => failure(&error.into()),
    }
}
