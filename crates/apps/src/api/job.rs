//! `GET /v3/jobs/:guid`, and answering 202.

use crate::api::caller::Reader;
use crate::api::links::Base;
use crate::model::time;
use crate::repo::job::{self, Job};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;

/// How long [`run`] waits for its work before it answers 202: a client polls at once, then after 3 s.
const HEAD_START: Duration = Duration::from_millis(1500);

/// The job as the protocol shows it.
pub fn show_job(base: &Base, job: &Job) -> Value {
    let mut links = json!({ "self": base.link(&format!("/v3/jobs/{}", job.guid)) });
    if let Some((kind, path)) = &job.resource {
        links[kind.as_str()] = base.link(path);
    }
    json!({
        "guid": job.guid,
        "created_at": time::format(job.created_at),
        "updated_at": time::format(job.updated_at),
        "operation": job.operation,
        "state": job.state,
        "errors": job.errors,
        "warnings": job.warnings,
        "links": links,
    })
}

/// 202 with the job's address and no body.
pub fn accepted(base: &Base, job: &Job) -> Response {
    (StatusCode::ACCEPTED, [(header::LOCATION, base.url(&format!("/v3/jobs/{}", job.guid)))]).into_response()
}

/// Begins a job, lets `work` run on its own (it answers warnings) and ends the job with its outcome; answers the job
/// once the work is done or [`run`]'s head start is over. The work goes on if the client goes away.
pub async fn run<W>(
    apps: &Apps,
    operation: &'static str,
    resource: Option<(String, String)>,
    work: W,
) -> Result<Job, ApiError>
where
    W: Future<Output = Result<Vec<String>, ApiError>> + Send + 'static,
{
    let job = apps.db.write(move |tx| job::job_begin(tx, operation, resource.clone())).await?;
    let (db, guid) = (apps.db.clone(), job.guid.clone());
    let task = tokio::spawn(async move {
        // In a task of its own, so that a panic in it fails the job instead of leaving it open.
        let outcome = match tokio::spawn(work).await {
            Ok(outcome) => outcome,
            Err(panic) => Err(ApiError::internal(panic)),
        };
        if let Some(cause) = outcome.as_ref().err().and_then(ApiError::cause) {
            tracing::error!(job = %guid, operation, error = %cause, "a job failed");
        }
        let (id, log) = (guid.clone(), guid);
        if let Err(error) = db.write(move |tx| job::job_finish(tx, &id, &outcome)).await {
            // It is failed at the next start.
            tracing::error!(job = %log, %error, "the end of a job could not be noted");
        }
    });
    let _ = tokio::time::timeout(HEAD_START, task).await;
    Ok(job)
}

/// `GET /v3/jobs/:guid`: for any caller who knows the guid.
pub(super) async fn get_job(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let job = apps.db.read(move |tx| job::job_find(tx, &guid)).await?.ok_or_else(|| ApiError::not_found("Job"))?;
    Ok(Json(show_job(&base, &job)))
}
