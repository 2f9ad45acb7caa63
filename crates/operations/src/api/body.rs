//! JSON bodies: whatever their content type says, unknown fields and wrong types are refused with their place.

use crate::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use serde::de::DeserializeOwned;

/// A body that is understood as `T`.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|refused| match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is larger than 64 KiB.")
            }
            status => ApiError::new(status, "invalid_request", "The body did not come whole."),
        })?;
        let not_understood = |error| ApiError::bad("body", format!("The body is not understood: {error}."));
        serde_json::from_slice(&bytes).map(Self).map_err(not_understood)
    }
}
