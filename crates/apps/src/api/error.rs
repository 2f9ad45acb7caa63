//! The error envelope. An error with a cause is logged here, once, with the id that its caller is told.

use crate::ApiError;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A new request id, in the protocol's two-part form.
pub(super) fn request_id() -> String {
    format!("{}::{}", uuid::Uuid::new_v4(), uuid::Uuid::new_v4())
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let id = request_id();
        if let Some(cause) = self.cause() {
            tracing::error!(request = %id, status = self.status().as_u16(), error = %cause, "a request failed");
        }
        let entry = |problem: &crate::error::Problem| json!({"code": problem.kind.code, "title": problem.kind.title, "detail": problem.detail});
        let errors: Value = self.problems().iter().map(entry).collect();
        (self.status(), [("x-vcap-request-id", id)], Json(json!({ "errors": errors }))).into_response()
    }
}
