//! HTTP shapes, one file a resource. Every route is declared here; [`routes`] is the list that the test walks as every role.

pub mod caller;
pub mod event;
pub mod query;
mod route;

use crate::{ApiError, Operations};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use route::Routes;

/// Longest body of a request.
const BODY: usize = 64 * 1024;

fn all() -> Routes {
    Routes::new().get("/api/events", event::stream_events)
}

/// Method and path template of every endpoint.
pub fn routes() -> Vec<(Method, &'static str)> {
    all().list
}

/// The face as a service. Whoever mounts it puts an [`identity::Authentication`] into each request's extensions.
pub fn router(operations: Operations) -> Router {
    all()
        .router
        .route("/api/platform/{*path}", axum::routing::any(unknown))
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(axum::middleware::map_response(private))
        .with_state(operations)
}

async fn unknown(request: Request) -> ApiError {
    ApiError::not_found(&format!("{} {}", request.method(), request.uri().path()))
}

async fn not_allowed(request: Request) -> ApiError {
    let words = format!("{} does not take {}", request.uri().path(), request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", words)
}

/// Answers about people are kept by no cache.
async fn private(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
