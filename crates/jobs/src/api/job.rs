//! Jobs and families: listed, shown, deleted.

use super::access;
use super::caller::Who;
use super::info::Base;
use super::params::Params;
use super::show::{self, JobDto};
use super::socket_io;
use crate::model::scope::Scope;
use crate::repo::deployment::{Deployment, IN_PROGRESS};
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::token::Token;
use crate::repo::trash::Trash;
use crate::repo::{event, grant, record};
use crate::run::publish;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use identity::Subject;
use router::Rights;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

/// Jobs that the caller may read, newest update first.
pub(super) fn readable(tx: &mut Tx<'_>, who: &Who) -> Result<Vec<(Family, Job)>, JobsError> {
    let rights = access::scope(tx, who, Scope::ReadJob)?;
    within(tx, &rights)
}

fn within(tx: &mut Tx<'_>, rights: &Rights) -> Result<Vec<(Family, Job)>, JobsError> {
    let mut all = Job::all(tx)?;
    all.retain(|(family, job)| rights.allow(Some(&family.id), Some(&job.id), None));
    Ok(all)
}

/// `?refuse=0` answers an empty list to who may read none, which is what pages want to know.
#[derive(Debug, Deserialize)]
pub struct Listing {
    refuse: Option<u8>,
}

/// `GET /job`.
pub async fn list_jobs(
    State(jobs): State<Jobs>,
    who: Who,
    Base(base): Base,
    Params(listing): Params<Listing>,
) -> Result<Json<Vec<JobDto>>, JobsError> {
    let timer = jobs.metrics.job_fetch.start_timer();
    let all = jobs
        .db
        .read(move |tx| match listing.refuse {
            Some(0) => {
                let rights = grant::rights(tx, &who.caller, Scope::ReadJob)?;
                within(tx, &rights)
            }
            _ => readable(tx, &who),
        })
        .await?;
    timer.observe_duration();
    Ok(Json(all.iter().map(|(family, job)| show::job(&jobs, family, job, &base)).collect()))
}

/// `GET /job_family`.
pub async fn list_families(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    let families = jobs
        .db
        .read(move |tx| {
            let rights = access::scope(tx, &who, Scope::ReadJob)?;
            let mut of_jobs: Vec<String> = Vec::new();
            for (family, job) in Job::all(tx)? {
                if rights.allow(Some(&family.id), Some(&job.id), None) {
                    of_jobs.push(family.id);
                }
            }
            let mut families = Family::all(tx)?;
            families.retain(|family| rights.allow(Some(&family.id), None, None) || of_jobs.contains(&family.id));
            Ok::<_, JobsError>(families)
        })
        .await?;
    let shown: Vec<Value> = families.iter().map(|family| json!({ "name": family.name, "id": family.id })).collect();
    Ok(Json(Value::Array(shown)))
}

/// `GET /job/{name}/{version}`; the version may be an alias.
pub async fn show_job(
    State(jobs): State<Jobs>,
    who: Who,
    Base(base): Base,
    headers: HeaderMap,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<JobDto>, JobsError> {
    let (family, job) = jobs.db.read(move |tx| access::job(tx, &who, &name, &version, Scope::ReadJob)).await?;
    socket_io::admit(&jobs, &headers, &job);
    Ok(Json(show::job(&jobs, &family, &job, &base)))
}

/// `GET /job/{name}/{version}/traffic`: how much the deployment that serves was called in the last half hour:
/// `{"now", "slot_seconds", "points": [{"at", "requests", "errors", "slowest_ms"}]}`.
pub async fn show_traffic(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<router::Told>, JobsError> {
    let (_, job) = jobs.db.read(move |tx| access::job(tx, &who, &name, &version, Scope::ReadJob)).await?;
    let workload = job.deployment_id.map(|id| format!("{}{id}", Deployment::WORKLOAD)).unwrap_or_default();
    Ok(Json(jobs.run.rooms().publisher.traffic(&workload)))
}

/// `DELETE /job/{name}/{version}`: it is called no more when this answers, and ends soon after.
pub async fn delete_job(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Value>, JobsError> {
    let (job, family) = jobs
        .db
        .write(move |tx| {
            access::no_maintenance(tx)?;
            let (family, job) = access::exact_job(tx, &who, &name, &version, Scope::DeleteJob)?;
            let open = Deployment::of_job(tx, &name, &version)?;
            if open.iter().any(|deployment| deployment.status == IN_PROGRESS) {
                return Err(JobsError::Conflict(format!(
                    "job {name} v{version} is being deployed: wait until that has ended"
                )));
            }
            remove(tx, &who, &family, &job)?;
            Ok((job, family))
        })
        .await?;
    publish::job(&jobs, &job.id).await?;
    publish::subject(&jobs, &Subject::Family(family.id)).await?;
    publish::applied(&jobs).await;
    Ok(Json(Value::Null))
}

/// Removes a job and all that is only its own; what remains of it is its trash record and its deployments.
fn remove(tx: &mut Tx<'_>, who: &Who, family: &Family, job: &Job) -> Result<(), JobsError> {
    Trash::put(tx, family, job)?;
    let place = Cond::all().add(Expr::col("place_kind").eq("job")).add(Expr::col("place_id").eq(job.id.as_str()));
    grant::forget(tx, place)?;
    record::remove::<Job>(tx, &job.id)?;
    // Nobody of the family runs any more: nobody needs a token of it.
    if Job::of_family(tx, &family.id)?.is_empty() {
        Token::remove_of(tx, &Subject::Family(family.id.clone()), None)?;
    }
    let data = json!({ "deployment_id": job.deployment_id });
    Ok(event::note(tx, &who.actor(), "job.delete", family, job, data)?)
}

/// `POST /job/all/reconcile`: the reconciler looks at everything at once, as it does by itself now and then.
pub async fn reconcile(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    jobs.db
        .read(move |tx| {
            access::scope(tx, &who, Scope::CallAdminApi)?;
            access::no_maintenance(tx)
        })
        .await?;
    if let Some(handle) = jobs.run.reconciler() {
        handle.kick_all();
    }
    Ok(Json(Value::Null))
}
