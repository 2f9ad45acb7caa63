//! How the services are whose names clients know.

use super::info::VERSION;
use crate::Jobs;
use crate::repo::job::Job;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET /lifecycle/live`.
pub async fn live() -> Json<Value> {
    Json(json!({ "service": "lifecycle", "live": true }))
}

/// `GET /lifecycle/ready`.
pub async fn ready() -> Json<Value> {
    Json(json!({ "service": "lifecycle", "ready": true }))
}

/// `GET /lifecycle/health`.
pub async fn health(State(jobs): State<Jobs>) -> Response {
    let connected = jobs.db.read(|tx| Job::all(tx).map(drop)).await.is_ok();
    let status = if connected { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let body = json!({
        "service": "lifecycle",
        "live": true,
        "database_connected": connected,
        "git_version": VERSION,
        "docker_tag": VERSION,
        "auth_required": true,
    });
    (status, Json(body)).into_response()
}

/// `GET /pub/live`.
pub async fn pub_live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// `GET /pub/ready`.
pub async fn pub_ready() -> Json<Value> {
    Json(json!({ "ready": true }))
}

/// `GET /pub/health`.
pub async fn pub_health(State(jobs): State<Jobs>) -> Json<Value> {
    jobs.metrics.health_requests.inc();
    Json(json!({ "service": "pub", "version": VERSION, "status": "pass", "auth_required": true }))
}
