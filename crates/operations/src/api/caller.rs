//! Who asks: a handler takes [`Signed`] or [`Administrator`] and so cannot be reached without one.

use crate::ApiError;
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use identity::{Authentication, Caller, Proof};

/// Anybody who is signed in or sent a good token, and by what he proved it.
#[derive(Debug, Clone)]
pub struct Signed(pub Caller, pub Proof);

/// An administrator of the platform.
#[derive(Debug, Clone)]
pub struct Administrator(pub Caller);

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let refused = |code, words: &str| Err(ApiError::new(StatusCode::UNAUTHORIZED, code, words));
        match (parts.extensions.get::<Authentication>(), parts.extensions.get::<Proof>()) {
            (Some(Authentication::Caller(caller)), Some(proof)) => Ok(Self(caller.clone(), proof.clone())),
            (Some(Authentication::Refused(reason)), _) => refused("invalid_token", reason),
            _ => refused("unauthorized", "Sign in, or send a bearer token."),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Signed(caller, _) = Signed::from_request_parts(parts, state).await?;
        if caller.admin {
            return Ok(Self(caller));
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", "Only administrators of the platform may do this."))
    }
}
