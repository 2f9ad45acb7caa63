//! The part of a UAA that Cloud Foundry clients use; mounted at `/uaa` as both `login` and `uaa`.

mod authorize;
mod documents;
mod tokens;
mod users;

use super::headers::oauth_error;
use crate::{Authentication, Caller, Identity, IdentityError};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::{Extensions, StatusCode};

/// The routes, for nesting at `/uaa`.
pub fn uaa(identity: Identity) -> Router {
    Router::new()
        .route("/login", get(documents::show_login))
        .route("/info", get(documents::show_login))
        .route("/token_keys", get(documents::list_token_keys))
        .route("/token_key", get(documents::show_token_key))
        .route("/.well-known/openid-configuration", get(documents::show_openid_configuration))
        .route("/userinfo", get(documents::show_userinfo).post(documents::show_userinfo))
        .route("/oauth/token", post(tokens::create_token))
        .route("/check_token", post(tokens::check_token))
        .route("/oauth/token/revoke/{jti}", delete(tokens::revoke_token))
        .route("/oauth/authorize", get(authorize::create_code))
        .route("/oauth/clients/{id}", get(authorize::show_client))
        .route("/Users", get(users::list_users).post(users::create_user))
        .route("/Users/{id}", get(users::show_user).delete(users::delete_user))
        .route("/Users/{id}/password", put(users::set_password))
        .fallback(not_found)
        .layer(from_fn_with_state(identity.clone(), super::authenticate))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .with_state(identity)
}

async fn not_found(uri: http::Uri) -> Response {
    oauth_error(StatusCode::NOT_FOUND, "not_found", &format!("{} is no page of this UAA", uri.path()))
}

/// The caller, or the answer that a UAA gives those it does not know.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn caller(extensions: &Extensions) -> Result<&Caller, Response> {
    match extensions.get::<Authentication>() {
        Some(Authentication::Caller(caller)) => Ok(caller),
        Some(Authentication::Refused(reason)) => Err(oauth_error(StatusCode::UNAUTHORIZED, "invalid_token", reason)),
        _ => {
            let text = "Full authentication is required to access this resource: send a bearer token";
            Err(oauth_error(StatusCode::UNAUTHORIZED, "unauthorized", text))
        }
    }
}

/// The caller, if they have one of these scopes.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn caller_with<'e>(extensions: &'e Extensions, scopes: &[&str]) -> Result<&'e Caller, Response> {
    let caller = caller(extensions)?;
    if caller.admin || scopes.iter().any(|scope| caller.has_scope(scope)) {
        return Ok(caller);
    }
    let text = format!("Insufficient scope for this resource: one of {} is needed", scopes.join(", "));
    Err(oauth_error(StatusCode::FORBIDDEN, "insufficient_scope", &text))
}

/// Errors of ours in the UAA's words.
fn failure(error: &IdentityError) -> Response {
    let (status, name) = match error {
        IdentityError::Invalid { field: "password", .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_password"),
        IdentityError::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalid_scim_resource"),
        IdentityError::Taken { .. } => (StatusCode::CONFLICT, "scim_resource_already_exists"),
        IdentityError::NotFound(_) => (StatusCode::NOT_FOUND, "scim_resource_not_found"),
        IdentityError::LastAdministrator(_) | IdentityError::SetupLink => {
            (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable")
        }
        IdentityError::Store(store::StoreError::Unavailable(_) | store::StoreError::Full) => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
        IdentityError::SigningKey(_) | IdentityError::Store(_) => {
            tracing::error!(%error, "a request to the UAA failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
        }
    };
    oauth_error(status, name, &error.to_string())
}
