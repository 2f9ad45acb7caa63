//! Whether somebody may: asked by services and by those who want to know before they try.

use super::access;
use super::caller::{Anybody, Who};
use super::info::Base;
use super::show;
use crate::error::MAINTENANCE;
use crate::model::scope::Scope;
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::public_endpoint::PublicEndpoint;
use crate::repo::{grant, setting};
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use router::{VersionRef, endpoint_of};
use serde_json::json;
use store::Tx;

/// Answered without a token.
const HEALTH: [&str; 3] = ["/health", "/live", "/ready"];

fn refused(error: &JobsError) -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": error.to_string() }))).into_response()
}

/// `GET /auth/allowed/job/{name}/{version}/scope/{scope}`: 202, or 401.
pub async fn may_do(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version, scope)): Path<(String, String, String)>,
) -> Result<Response, JobsError> {
    allowed(&jobs, who, name, version, scope, None).await
}

/// `GET /auth/allowed/job_endpoint/{name}/{version}/scope/{scope}/endpoint/{path}`: the same for one path.
pub async fn may_do_at(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version, scope, path)): Path<(String, String, String, String)>,
) -> Result<Response, JobsError> {
    allowed(&jobs, who, name, version, scope, Some(endpoint_of(&path))).await
}

async fn allowed(
    jobs: &Jobs,
    who: Who,
    name: String,
    version: String,
    scope: String,
    endpoint: Option<String>,
) -> Result<Response, JobsError> {
    let scope = Scope::parse(&scope).ok_or_else(|| JobsError::Invalid(format!("scope: \"{scope}\" is unknown")))?;
    let done = jobs
        .db
        .read(move |tx| {
            let (family, job) = find(tx, &name, &version)?;
            may(tx, &who, &name, &version, family.as_ref(), job.as_ref(), scope, endpoint.as_deref())
        })
        .await;
    match done {
        Ok(()) => Ok(StatusCode::ACCEPTED.into_response()),
        Err(error @ JobsError::Unauthorized(_)) => Ok(refused(&error)),
        Err(error) => Err(error),
    }
}

fn find(tx: &mut Tx<'_>, name: &str, version: &str) -> Result<(Option<Family>, Option<Job>), JobsError> {
    let family = Family::named(tx, name)?;
    let job = match &family {
        Some(family) => Job::resolve(tx, family, &VersionRef::parse(version))?,
        None => None,
    };
    Ok((family, job))
}

#[expect(clippy::too_many_arguments, reason = "one question with all its parts")]
fn may(
    tx: &mut Tx<'_>,
    who: &Who,
    name: &str,
    version: &str,
    family: Option<&Family>,
    job: Option<&Job>,
    scope: Scope,
    endpoint: Option<&str>,
) -> Result<(), JobsError> {
    let rights = grant::rights(tx, &who.caller, scope)?;
    if rights.allow(family.map(|family| family.id.as_str()), job.map(|job| job.id.as_str()), endpoint) {
        return Ok(());
    }
    let version = job.map_or(version, |job| &job.version);
    Err(match endpoint {
        None => access::denied(who, name, version, scope),
        Some(endpoint) => JobsError::Unauthorized(format!(
            "no permission to do this operation: auth subject \"{}\" does not have permission to access endpoint {endpoint} at resource \"{name} v{version}\" with scope \"{}\"",
            who.described(),
            scope.as_str()
        )),
    })
}

/// `GET /auth/can-call-job/{name}/{version}/{path}`: what the gateway decides, told to those who ask. Nobody learns by it
/// whether a job exists that they may not call.
pub async fn can_call(
    State(jobs): State<Jobs>,
    Anybody(who): Anybody,
    Base(base): Base,
    Path((name, version, path)): Path<(String, String, String)>,
) -> Result<Response, JobsError> {
    let endpoint = endpoint_of(&path);
    let asking = who.clone();
    let found = jobs
        .db
        .read(move |tx| {
            if setting::is_on(tx, setting::MAINTENANCE)? {
                return Err(JobsError::Maintenance);
            }
            callee(tx, asking.as_ref(), &name, &version, &endpoint)
        })
        .await;
    match found {
        Ok((family, job)) => {
            let body = json!({
                "job": show::job(&jobs, &family, &job, &base),
                "caller": who.map(|who| who.described()),
                "remote_gateway_url": null,
                "remote_gateway_token": null,
            });
            Ok(Json(body).into_response())
        }
        Err(error @ JobsError::Unauthorized(_)) => Ok(refused(&error)),
        Err(JobsError::Maintenance) => {
            Ok((StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": MAINTENANCE }))).into_response())
        }
        Err(error) => Err(error),
    }
}

/// The job that `who` wants to call at `endpoint`, and may.
pub(super) fn callee(
    tx: &mut Tx<'_>,
    who: Option<&Who>,
    name: &str,
    version: &str,
    endpoint: &str,
) -> Result<(Family, Job), JobsError> {
    let (family, job) = find(tx, name, version)?;
    let open = match &job {
        Some(job) => HEALTH.contains(&endpoint) || is_public(tx, job, endpoint)?,
        None => false,
    };
    if !open {
        let who = who.ok_or_else(|| JobsError::Unauthorized("Unauthenticated".into()))?;
        may(tx, who, name, version, family.as_ref(), job.as_ref(), Scope::CallJob, Some(endpoint))?;
    }
    access::found(family, job, name, version)
}

fn is_public(tx: &mut Tx<'_>, job: &Job, endpoint: &str) -> Result<bool, JobsError> {
    let all = PublicEndpoint::of_job(tx, &job.id)?;
    Ok(all.iter().filter(|one| one.active).any(|one| {
        let rest = endpoint.strip_prefix(one.endpoint.as_str());
        one.endpoint == "/" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }))
}
