//! Paths that are open to everybody, and those that manifests ask to open.

use super::access;
use super::body::Body;
use super::caller::Who;
use crate::model::scope::Scope;
use crate::repo::public_endpoint::PublicEndpoint;
use crate::repo::{event, record};
use crate::run::publish;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /job/{name}/{version}/public-endpoints`: the open ones.
pub async fn list_open(state: State<Jobs>, who: Who, path: Path<(String, String)>) -> Result<Json<Value>, JobsError> {
    list(state, who, path, true).await
}

/// `GET /job/{name}/{version}/public-endpoints/requests`: all that the manifest asks for.
pub async fn list_requests(
    state: State<Jobs>,
    who: Who,
    path: Path<(String, String)>,
) -> Result<Json<Value>, JobsError> {
    list(state, who, path, false).await
}

async fn list(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
    open: bool,
) -> Result<Json<Value>, JobsError> {
    let shown = jobs.db.read(move |tx| {
        let (family, job) = access::job(tx, &who, &name, &version, Scope::ReadJob)?;
        let all = PublicEndpoint::of_job(tx, &job.id)?;
        let shown = all.iter().filter(|one| one.active || !open).map(|one| {
            let mut shown = json!({
                "job_name": family.name,
                "job_version": job.version,
                "endpoint": one.endpoint,
                "active": one.active,
            });
            if !open {
                shown["id"] = json!(one.id);
            }
            shown
        });
        Ok::<_, JobsError>(Value::Array(shown.collect()))
    });
    shown.await.map(Json)
}

/// The body of a decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    active: bool,
}

/// `PUT /job/{name}/{version}/public-endpoints/requests/{id}`: an administrator opens or closes it.
pub async fn decide(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version, id)): Path<(String, String, String)>,
    Body(decision): Body<Decision>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let job = jobs
        .db
        .write(move |tx| {
            let (family, job) = access::job(tx, &who, &name, &version, Scope::ReadJob)?;
            let found: Option<PublicEndpoint> = record::find(tx, &id)?;
            let found = found.filter(|one| one.job_id == job.id);
            let found = found.ok_or_else(|| JobsError::NotFound(format!("no request {id} of that job")))?;
            record::save(tx, &PublicEndpoint { active: decision.active, ..found.clone() })?;
            let data = json!({ "endpoint": found.endpoint, "before": found.active, "after": decision.active });
            event::note(tx, &who.actor(), "job.public_endpoint", &family, &job, data)?;
            Ok::<_, JobsError>(job.id)
        })
        .await?;
    publish::job(&jobs, &job).await?;
    publish::applied(&jobs).await;
    Ok(Json(Value::Null))
}
