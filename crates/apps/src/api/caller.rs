//! Who asks: a handler takes [`Reader`] or [`Writer`] and so cannot be reached without a good token of that scope.

use crate::ApiError;
use crate::error::Kind;
use crate::repo::scope;
use axum::extract::FromRequestParts;
use http::request::Parts;
use identity::{Authentication, Caller};

/// A caller whose token may read.
#[derive(Debug, Clone)]
pub struct Reader(pub Caller);

/// A caller whose token may change things.
#[derive(Debug, Clone)]
pub struct Writer(pub Caller);

fn caller(parts: &Parts) -> Result<Caller, ApiError> {
    match parts.extensions.get::<Authentication>() {
        Some(Authentication::Caller(caller)) => Ok(caller.clone()),
        Some(Authentication::Refused(why)) => {
            tracing::debug!(%why, "a token was refused");
            Err(ApiError::new(Kind::INVALID_AUTH_TOKEN, "Invalid Auth Token"))
        }
        Some(Authentication::Anonymous) | None => Err(ApiError::new(Kind::NOT_AUTHENTICATED, "Authentication error")),
    }
}

fn insufficient() -> ApiError {
    ApiError::new(Kind::INSUFFICIENT_SCOPE, "Your token lacks the necessary scopes to access this resource.")
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if scope::sees_all(&caller) || caller.has_scope("cloud_controller.read") {
            Ok(Self(caller))
        } else {
            Err(insufficient())
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Writer {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if caller.admin || caller.has_scope("cloud_controller.write") { Ok(Self(caller)) } else { Err(insufficient()) }
    }
}
