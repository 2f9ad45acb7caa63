//! What other installations have as plugins is built in here: one job type, one place where jobs run.

use super::deployment::TARGET;
use super::info::VERSION;
use crate::model::job_type;
use crate::repo::job::Job;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

fn manifest(name: &str, category: &str) -> Value {
    json!({
        "name": name,
        "version": VERSION,
        "build_date": null,
        "url": null,
        "priority": 0,
        "category": category,
        "components": [],
    })
}

fn all() -> Value {
    json!([manifest("python3-job-type", "job-type"), manifest("local-infrastructure", "infrastructure")])
}

/// `GET /plugin`.
pub async fn list_plugins() -> Json<Value> {
    Json(all())
}

/// `GET /plugin/tree`.
pub async fn show_tree(State(jobs): State<Jobs>) -> Result<Json<Value>, JobsError> {
    let known = jobs.db.read(|tx| Job::all(tx).map_err(JobsError::from)).await?;
    let count = |name: &str| known.iter().filter(|(_, job)| job.job_type_version == name).count();
    let types = job_type::all();
    let types: Vec<Value> = types.iter().map(|name| json!({ "name": name, "active_jobs": count(name) })).collect();
    let targets = json!([{ "name": TARGET, "active_jobs": known.len() }]);
    Ok(Json(json!({
        "plugins": all(),
        "job_type_plugins_data": [{ "name": "python3-job-type", "version": VERSION, "job_types": types }],
        "infrastructure_plugins_data": [
            { "name": "local-infrastructure", "version": VERSION, "infrastructures": targets }
        ],
    })))
}

/// `GET /plugin/job_type/versions`.
pub async fn list_job_types() -> Json<Vec<String>> {
    Json(job_type::all())
}

/// `GET /plugin/infrastructure_targets`.
pub async fn list_targets() -> Json<Value> {
    let mut targets = json!({});
    targets[TARGET] = manifest("local-infrastructure", "infrastructure");
    Json(targets)
}
