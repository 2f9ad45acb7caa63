//! What other installations have as plugins is built in here: one job type, one place where jobs run. Both are listed as
//! plugins are, for clients that look; none can be added, removed or configured, and each attempt is told so.

use super::caller::Who;
use super::deployment::TARGET;
use super::info::VERSION;
use crate::model::job_type;
use crate::repo::job::Job;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
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

const JOB_TYPE: &str = "python3-job-type";
const INFRASTRUCTURE: &str = "local-infrastructure";
/// What `GET /plugin/{name}/docs` says of the job type.
const DOCS: &str = include_str!("plugin/python3.md");

fn all() -> Value {
    json!([manifest(JOB_TYPE, "job-type"), manifest(INFRASTRUCTURE, "infrastructure")])
}

fn none(name: &str, version: Option<&str>) -> JobsError {
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    JobsError::NotFound(format!("plugin named \"{name}\"{version} was not found"))
}

/// Why nothing can be done to the plugin of this name and version.
fn refusal(name: &str, version: &str) -> JobsError {
    match [JOB_TYPE, INFRASTRUCTURE].contains(&name) && version == VERSION {
        true => JobsError::Invalid(format!("{name} is built in: it comes and goes with this version of Pitlane")),
        false => none(name, Some(version)),
    }
}

/// `POST /plugin/upload/{filename}`.
pub async fn upload_file(who: Who, Path(file): Path<String>) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    if !file.ends_with(".zip") {
        return Err(JobsError::Invalid(".zip plugins are only supported".into()));
    }
    upload(who).await
}

/// `POST /plugin/upload`.
pub async fn upload(who: Who) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let built_in = job_type::all().join(", ");
    Err(JobsError::Invalid(format!(
        "plugins cannot be installed here: job types ({built_in}) and the infrastructure target ({TARGET}) are built in"
    )))
}

/// `DELETE /plugin/{name}/{version}`.
pub async fn uninstall(who: Who, Path((name, version)): Path<(String, String)>) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    Err(refusal(&name, &version))
}

/// `DELETE /plugin/all`.
pub async fn uninstall_all(who: Who) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    Err(refusal(JOB_TYPE, VERSION))
}

/// `GET` and `PUT /plugin/{name}/{version}/config`.
pub async fn configure(who: Who, path: Path<(String, String)>) -> Result<Json<Value>, JobsError> {
    uninstall(who, path).await
}

/// `POST /plugin/{name}/run`.
pub async fn run(who: Who, Path(name): Path<String>) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    Err(refusal(&name, VERSION))
}

/// `GET /plugin/{name}/{version}/download`.
pub async fn download(_: Who, Path((name, version)): Path<(String, String)>) -> Response {
    let detail = format!("Plugin {name} {version} not found: what is built in has no file");
    (StatusCode::NOT_FOUND, Json(json!({ "detail": detail }))).into_response()
}

/// `GET /plugin/{name}/docs`: Markdown, or null.
pub async fn show_docs(Path(name): Path<String>) -> Result<Json<Option<&'static str>>, JobsError> {
    match name.as_str() {
        JOB_TYPE => Ok(Json(Some(DOCS))),
        INFRASTRUCTURE => Ok(Json(None)),
        _ => Err(none(&name, None)),
    }
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
        "job_type_plugins_data": [{ "name": JOB_TYPE, "version": VERSION, "job_types": types }],
        "infrastructure_plugins_data": [
            { "name": INFRASTRUCTURE, "version": VERSION, "infrastructures": targets }
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
    targets[TARGET] = manifest(INFRASTRUCTURE, "infrastructure");
    Json(targets)
}
