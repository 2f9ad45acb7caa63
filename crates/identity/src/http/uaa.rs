//! The part of a UAA that Cloud Foundry clients use; mounted at `/uaa` as both `login` and `uaa`.

mod authorize;
mod documents;
mod tokens;
mod users;

use super::headers::oauth_error;
use super::routes::Routes;
use crate::{Authentication, Caller, Identity, IdentityError};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::{Extensions, Method, StatusCode};
use store::StoreError;

/// The routes, for nesting at `/uaa`.
pub fn uaa(identity: Identity) -> Router {
    routes()
        .router
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(identity.clone(), super::authenticate))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .with_state(identity)
}

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Method::GET, "/login", documents::show_login)
        .add(Method::GET, "/info", documents::show_login)
        .add(Method::GET, "/token_keys", documents::list_token_keys)
        .add(Method::GET, "/token_key", documents::show_token_key)
        .add(Method::GET, "/.well-known/openid-configuration", documents::show_openid_configuration)
        .add(Method::GET, "/userinfo", documents::show_userinfo)
        .add(Method::POST, "/userinfo", documents::show_userinfo)
        .add(Method::POST, "/oauth/token", tokens::create_token)
        .add(Method::POST, "/check_token", tokens::check_token)
        .add(Method::DELETE, "/oauth/token/revoke/{jti}", tokens::revoke_token)
        .add(Method::GET, "/oauth/authorize", authorize::create_code)
        .add(Method::GET, "/oauth/clients/{id}", authorize::show_client)
        .add(Method::GET, "/Users", users::list_users)
        .add(Method::POST, "/Users", users::create_user)
        .add(Method::GET, "/Users/{id}", users::show_user)
        .add(Method::PATCH, "/Users/{id}", users::update_user)
        .add(Method::PUT, "/Users/{id}", users::update_user)
        .add(Method::DELETE, "/Users/{id}", users::delete_user)
        .add(Method::PATCH, "/Users/{id}/status", users::update_status)
        .add(Method::PUT, "/Users/{id}/password", users::set_password)
}

async fn not_allowed(method: Method, uri: http::Uri) -> Response {
    oauth_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &format!("{} does not take {method}", uri.path()))
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
        IdentityError::LastAdministrator(_)
        | IdentityError::SetupLink
        | IdentityError::PasswordLink
        | IdentityError::Invitation
        | IdentityError::SignUp(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable"),
        IdentityError::Store(
            StoreError::Unavailable(_) | StoreError::Conflict(_) | StoreError::Closed | StoreError::Full,
        ) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        IdentityError::SigningKey(_) | IdentityError::Store(_) => {
            tracing::error!(%error, "a request to the UAA failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
        }
    };
    oauth_error(status, name, &error.to_string())
}
