//! `run/admin.sock`: the router's table, and what the machine's owner asks for.

use crate::House;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// What `pitlane serve` asks before it says that it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Does the router answer, by this control process's table?
    pub router: bool,
    /// The single-use token of the set-up link, while there is no administrator.
    pub setup: Option<String>,
    /// What an administrator should know, a sentence each.
    pub problems: Vec<String>,
}

/// A person to be made an administrator, or to get a new password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PersonRequest {
    /// User name (or e-mail address, to change a password).
    pub name: String,
    /// E-mail address of a new administrator.
    pub email: Option<String>,
    /// The new password.
    pub password: String,
}

/// The routes.
pub fn routes(house: House, stop: CancellationToken) -> Router {
    let table =
        async move |State(house): State<House>, Query(who): Query<Who>| follow_table(&house, &who, stop.clone());
    Router::new()
        .route("/table", get(table))
        // Of thousands of applications; it comes from a program of ours.
        .route("/table/report", post(take_report).layer(DefaultBodyLimit::disable()))
        .route("/status", get(show_status))
        .route("/superuser", post(create_superuser))
        .route("/password", post(change_password))
        .route("/rotate-key", post(rotate_key))
        .with_state(house)
}

/// Who follows the table.
#[derive(Debug, Deserialize)]
struct Who {
    follower: Option<String>,
}

async fn take_report(State(house): State<House>, Json(report): Json<router::Report>) {
    house.publisher.report(report);
}

/// Ends with control, which would otherwise wait for it in vain.
fn follow_table(house: &House, who: &Who, stop: CancellationToken) -> Response {
    Body::from_stream(house.publisher.changes(who.follower.as_deref()).take_until(stop.cancelled_owned()))
        .into_response()
}

async fn show_status(State(house): State<House>) -> Response {
    let router = crate::front::follows(&house.options.data).await;
    // The link is made only once somebody will see it.
    let setup = if router { identity::setup_link(&house.db).await } else { Ok(None) };
    let problems = match &house.elsewhere {
        Some(elsewhere) => vec![elsewhere.words.clone()],
        None => house.engine.facts().problems,
    };
    match setup {
        Ok(setup) => Json(Status { router, setup, problems }).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn create_superuser(State(house): State<House>, Json(request): Json<PersonRequest>) -> Response {
    answer(crate::offline::createsuperuser(&house.db, request).await)
}

async fn change_password(State(house): State<House>, Json(request): Json<PersonRequest>) -> Response {
    answer(crate::offline::changepassword(&house.db, request).await)
}

async fn rotate_key(State(house): State<House>) -> Response {
    answer(crate::offline::rotate_key(&house.db, &house.secrets, &house.me).await)
}

fn answer<E: std::fmt::Display>(result: Result<String, E>) -> Response {
    match result {
        Ok(done) => Json(serde_json::json!({ "done": done })).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}
