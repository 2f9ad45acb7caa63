//! HTTP shapes, one file a resource. Every route is declared here; [`routes`] is the list that the test walks as every role.

pub mod audit;
mod body;
pub mod caller;
pub mod event;
pub mod invitation;
pub mod person;
pub mod query;
mod route;
pub mod session;
pub mod setting;
mod shape;
pub mod token;

use crate::{ApiError, Operations};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use route::Routes;

/// Longest body of a request.
const BODY: usize = 64 * 1024;

fn all() -> Routes {
    const PEOPLE: &str = "/api/platform/people";
    const PERSON: &str = "/api/platform/people/{id}";
    const ADMINISTRATOR: &str = "/api/platform/people/{id}/administrator";
    const SESSIONS: &str = "/api/platform/people/{id}/sessions";
    const TOKEN: &str = "/api/platform/tokens/{id}";
    const INVITATIONS: &str = "/api/platform/invitations";
    Routes::new()
        .get("/api/events", event::stream_events)
        .get("/api/platform/audit", audit::list_audit)
        .get("/api/platform/audit/export", audit::export_audit)
        .get("/api/platform/audit/verify", audit::verify_audit)
        .get(PEOPLE, person::list_people)
        .post(PEOPLE, person::create_person)
        .get(PERSON, person::show_person)
        .patch(PERSON, person::update_person)
        .delete(PERSON, person::delete_person)
        .post("/api/platform/people/{id}/activate", person::activate_person)
        .post("/api/platform/people/{id}/suspend", person::suspend_person)
        .put("/api/platform/people/{id}/password", person::set_password)
        .post("/api/platform/people/{id}/password_link", person::create_password_link)
        .put(ADMINISTRATOR, person::add_administrator)
        .delete(ADMINISTRATOR, person::remove_administrator)
        .get(SESSIONS, session::list_sessions)
        .delete(SESSIONS, session::revoke_sessions)
        .delete("/api/platform/people/{id}/sessions/{session}", session::revoke_session)
        .get("/api/platform/tokens", token::list_tokens)
        .get(TOKEN, token::show_token)
        .delete(TOKEN, token::revoke_token)
        .get(INVITATIONS, invitation::list_invitations)
        .post(INVITATIONS, invitation::create_invitation)
        .post("/api/platform/invitations/{id}/renew", invitation::renew_invitation)
        .delete("/api/platform/invitations/{id}", invitation::delete_invitation)
        .get("/api/platform/settings", setting::show_settings)
        .patch("/api/platform/settings", setting::update_settings)
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
