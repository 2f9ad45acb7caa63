//! What this face refuses, and how it says so.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use identity::IdentityError;
use serde_json::json;
use store::StoreError;

/// A refusal: status, a code for programs, words for people, and the field that is to blame.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    words: String,
    field: Option<&'static str>,
    /// Seconds after which the same request may succeed.
    retry_after: Option<u32>,
}

impl ApiError {
    /// Any refusal.
    pub fn new(status: StatusCode, code: &'static str, words: impl Into<String>) -> Self {
        Self { status, code, words: words.into(), field: None, retry_after: None }
    }

    /// A value that is not understood: 400 with the name of the parameter or field.
    pub fn bad(field: &'static str, words: impl Into<String>) -> Self {
        Self { field: Some(field), ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", words) }
    }

    /// There is no such thing, or none for this caller.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found"))
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request failed");
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict(_) | StoreError::Closed | StoreError::Full => {
                let words = "The database does not answer; nothing was changed. Try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", words).retry_after(2)
            }
            _ => {
                let words = "Something went wrong; nothing was changed. The administrator finds the reason in the log.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", words)
            }
        }
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        let words = error.to_string();
        match error {
            IdentityError::Invalid { field, .. } => {
                Self { field: Some(field), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", words) }
            }
            IdentityError::Taken { field, .. } => {
                Self { field: Some(field), ..Self::new(StatusCode::CONFLICT, "taken", words) }
            }
            IdentityError::NotFound(what) => Self::not_found(what),
            IdentityError::LastAdministrator(_)
            | IdentityError::SetupLink
            | IdentityError::PasswordLink
            | IdentityError::Invitation
            | IdentityError::SignUp(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", words),
            IdentityError::SigningKey(_) => {
                tracing::error!(%error, "a request failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", words)
            }
            IdentityError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.code, "error_description": self.words });
        if let Some(field) = self.field {
            // As the fields of the JSON bodies are called.
            body["field"] = field.replace(' ', "_").into();
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"pitlane\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
