//! The face's one error: a status, the type's name that clients know, and what is wrong in words.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use identity::IdentityError;
use serde_json::{Value, json};
use store::StoreError;

/// What is said while changes are stopped.
pub const MAINTENANCE: &str = "Racetrack is currently in maintenance mode. Please try again later.";

/// Why a request was not done (reference, 10.1).
#[derive(Debug, Clone, thiserror::Error)]
pub enum JobsError {
    /// A bad value.
    #[error("{0}")]
    Invalid(String),
    /// Not authenticated, or not permitted: both are 401 here.
    #[error("{0}")]
    Unauthorized(String),
    /// No such thing.
    #[error("{0}")]
    NotFound(String),
    /// There already.
    #[error("{0}")]
    Exists(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// A body of the wrong shape: what is wrong where.
    #[error("{}", .0)]
    Shape(String, Value),
    /// Changes are stopped.
    #[error("{MAINTENANCE}")]
    Maintenance,
    /// The platform failed.
    #[error("{0}")]
    Internal(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl JobsError {
    /// For failures that a caller can do nothing about.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    fn status_and_type(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "ValidationError"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "UnauthorizedError"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "EntityNotFound"),
            Self::Exists(_) => (StatusCode::CONFLICT, "AlreadyExists"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "RuntimeError"),
            Self::Shape(..) => (StatusCode::UNPROCESSABLE_ENTITY, "ValidationError"),
            Self::Maintenance => (StatusCode::SERVICE_UNAVAILABLE, "RuntimeError"),
            Self::Store(StoreError::Unavailable(_) | StoreError::Full) => {
                (StatusCode::SERVICE_UNAVAILABLE, "RuntimeError")
            }
            Self::Internal(_) | Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "RuntimeError"),
        }
    }
}

impl From<IdentityError> for JobsError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Store(error) => Self::Store(error),
            IdentityError::NotFound(_) => Self::NotFound(error.to_string()),
            IdentityError::Taken { .. } => Self::Exists(error.to_string()),
            _ => Self::Invalid(error.to_string()),
        }
    }
}

impl IntoResponse for JobsError {
    fn into_response(self) -> Response {
        let (status, kind) = self.status_and_type();
        if status.is_server_error() && !matches!(self, Self::Maintenance) {
            tracing::error!(error = %self, "a request of the Lifecycle API failed");
        }
        let mut body = json!({ "error": self.to_string(), "type": kind });
        if let Self::Shape(_, detail) = &self {
            body["detail"] = json!([detail]);
        }
        let mut response = (status, Json(body)).into_response();
        if matches!(self, Self::Maintenance) {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("60"));
        }
        response
    }
}
