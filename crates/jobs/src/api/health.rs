//! How the services are whose names clients know, and their figures.

use super::info::VERSION;
use crate::Jobs;
use crate::repo::deployment::{DONE, Deployment, IN_PROGRESS};
use crate::repo::job::Job;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use store::StoreError;

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
pub async fn pub_health() -> Json<Value> {
    Json(json!({ "service": "pub", "version": VERSION, "status": "pass", "auth_required": true }))
}

/// `GET /lifecycle/metrics`: Prometheus text (reference, 18.4).
pub async fn metrics(State(jobs): State<Jobs>) -> Response {
    let read = jobs.db.read(|tx| Ok::<_, StoreError>((Job::all(tx)?, Deployment::newest(tx, 100_000)?))).await;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, samples: &[(String, usize)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let bare = |value: usize| vec![(String::new(), value)];
    gauge("lifecycle_database_connected", "Whether the database answers", &bare(usize::from(read.is_ok())));
    if let Ok((all, deployments)) = read {
        let mut by_status: BTreeMap<String, usize> = BTreeMap::new();
        for (_, job) in &all {
            *by_status.entry(format!("{{status=\"{}\"}}", job.status)).or_default() += 1;
        }
        let samples: Vec<(String, usize)> = by_status.into_iter().collect();
        let done = deployments.iter().filter(|one| one.status == DONE).count();
        let open = deployments.iter().filter(|one| one.status == IN_PROGRESS).count();
        gauge("jobs_count_by_status", "Number of jobs by status", &samples);
        gauge("deployed_job_total", "Number of jobs", &bare(all.len()));
        gauge("requested_job_deployments_total", "Number of deployments", &bare(deployments.len()));
        gauge("done_job_deployments_total", "Number of deployments that ended well", &bare(done));
        gauge("active_building_tasks", "Number of deployments that go on", &bare(open));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
