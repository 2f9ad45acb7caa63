//! Permissions: given, listed, taken away.

use super::access;
use super::body::Body;
use super::caller::Who;
use super::token::published;
use crate::model::scope::Scope;
use crate::repo::consumer::Consumer;
use crate::repo::endpoint::Endpoint;
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::record;
use crate::repo::token::subject_of;
use crate::repo::{grant, new_id};
use crate::run::publish::description;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use identity::{Grant, ORIGIN, Place, Subject, person_by_name, platform};
use ledger::Actor;
use router::endpoint_of;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

/// `POST /auth/allow/esc/{id}/job/{family}/scope/{scope}`: on the whole family.
pub async fn allow_consumer(
    State(jobs): State<Jobs>,
    who: Who,
    Path((id, family, scope)): Path<(String, String, String)>,
) -> Result<Json<Value>, JobsError> {
    let subject = jobs
        .db
        .write(move |tx| {
            access::scope(tx, &who, Scope::CallAdminApi)?;
            let consumer: Option<Consumer> = record::find(tx, &id)?;
            let consumer = consumer.ok_or_else(|| JobsError::NotFound(format!("ESC with ID {id} was not found")))?;
            let subject = Subject::Consumer(consumer.id);
            on_family(tx, &who.actor(), &subject, &family, &scope)?;
            Ok::<_, JobsError>(subject)
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(Json(Value::Null))
}

/// `POST /auth/allow/job_family/{source}/job/{target}/scope/{scope}`: one way, all versions to all versions.
pub async fn allow_family(
    State(jobs): State<Jobs>,
    who: Who,
    Path((source, target, scope)): Path<(String, String, String)>,
) -> Result<Json<Value>, JobsError> {
    let subject = jobs
        .db
        .write(move |tx| {
            access::scope(tx, &who, Scope::CallAdminApi)?;
            let subject = Subject::Family(family_named(tx, &source)?.id);
            on_family(tx, &who.actor(), &subject, &target, &scope)?;
            Ok::<_, JobsError>(subject)
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(Json(Value::Null))
}

fn family_named(tx: &mut Tx<'_>, name: &str) -> Result<Family, JobsError> {
    Family::named(tx, name)?.ok_or_else(|| JobsError::NotFound(format!("Job Family with name {name} was not found")))
}

fn scope_named(name: &str) -> Result<Scope, JobsError> {
    let known = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(name).ok_or_else(|| JobsError::Invalid(format!("scope: \"{name}\" is none of {known}")))
}

fn on_family(tx: &mut Tx<'_>, actor: &Actor, subject: &Subject, family: &str, scope: &str) -> Result<(), JobsError> {
    let family = family_named(tx, family)?;
    let place = Place::new("family", &family.id);
    Ok(grant::allow(tx, actor, subject, scope_named(scope)?, &place, family.scope())?)
}

/// A permission to be given: to one of `user` (name), `esc` (id) and `job_family` (name); narrowed by what is set of `family`
/// and `job` (`name version`, or its id) and `endpoint`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    user: Option<String>,
    esc: Option<String>,
    job_family: Option<String>,
    scope: String,
    family: Option<String>,
    job: Option<String>,
    endpoint: Option<String>,
}

/// `POST /permission`.
pub async fn add_permission(
    State(jobs): State<Jobs>,
    who: Who,
    Body(new): Body<New>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let subject = jobs
        .db
        .write(move |tx| {
            let subject = subject(tx, &new)?;
            let (place, scopes) = place(tx, &new)?;
            grant::allow(tx, &who.actor(), &subject, scope_named(&new.scope)?, &place, scopes)?;
            Ok::<_, JobsError>(subject)
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(Json(Value::Null))
}

fn subject(tx: &mut Tx<'_>, new: &New) -> Result<Subject, JobsError> {
    match (&new.user, &new.esc, &new.job_family) {
        (Some(name), None, None) => {
            let person = person_by_name(tx, name, ORIGIN)?;
            let person = person.ok_or_else(|| JobsError::NotFound(format!("User {name} was not found")))?;
            Ok(Subject::Person(person.id))
        }
        (None, Some(id), None) => match record::find::<Consumer>(tx, id)? {
            Some(consumer) => Ok(Subject::Consumer(consumer.id)),
            None => Err(JobsError::NotFound(format!("ESC with ID {id} was not found"))),
        },
        (None, None, Some(name)) => Ok(Subject::Family(family_named(tx, name)?.id)),
        _ => Err(JobsError::Invalid("give exactly one of user, esc and job_family".into())),
    }
}

fn place(tx: &mut Tx<'_>, new: &New) -> Result<(Place, Vec<String>), JobsError> {
    let mut family = new.family.as_deref().map(|name| family_named(tx, name)).transpose()?;
    let job = match &new.job {
        None => None,
        Some(text) => {
            let found = match text.split_once(' ') {
                Some((name, version)) => {
                    let of = family_named(tx, name)?;
                    Job::of_family(tx, &of.id)?.into_iter().find(|job| job.version == version)
                }
                None => record::find::<Job>(tx, text)?,
            };
            Some(found.ok_or_else(|| JobsError::NotFound(format!("there is no job {text}")))?)
        }
    };
    if let Some(job) = &job {
        let own: Option<Family> = record::find(tx, &job.family_id)?;
        if family.as_ref().is_some_and(|family| family.id != job.family_id) {
            return Err(JobsError::Invalid("the job is not of that family: leave one of them out".into()));
        }
        family = own;
    }
    let scopes = family.as_ref().map(Family::scope).unwrap_or_default();
    let place = match (&new.endpoint, &job, &family) {
        (Some(path), _, _) => {
            let endpoint = Endpoint {
                id: new_id(),
                family_id: family.as_ref().map(|family| family.id.clone()),
                job_id: job.as_ref().map(|job| job.id.clone()),
                path: endpoint_of(path),
            };
            record::insert(tx, &endpoint)?;
            Place::new("endpoint", &endpoint.id)
        }
        (None, Some(job), _) => Place::new("job", &job.id),
        (None, None, Some(family)) => Place::new("family", &family.id),
        (None, None, None) => platform(),
    };
    Ok((place, scopes))
}

/// `DELETE /permission/{id}`.
pub async fn remove_permission(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let subject = jobs
        .db
        .write(move |tx| {
            let removed = grant::forbid(tx, &who.actor(), &id)?;
            removed.ok_or_else(|| JobsError::NotFound(format!("permission with ID {id} was not found")))
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(Json(Value::Null))
}

/// `GET /permission`: all of them.
pub async fn list_permissions(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let shown = jobs.db.read(|tx| {
        let all = grant::all(tx)?;
        all.iter().map(|grant| show(tx, grant)).collect::<Result<Vec<_>, JobsError>>()
    });
    Ok(Json(Value::Array(shown.await?)))
}

/// `GET /job/{name}/{version}/callers`: who may call it, for those who may read it.
pub async fn list_callers(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Value>, JobsError> {
    let shown = jobs.db.read(move |tx| {
        let (family, job) = access::job(tx, &who, &name, &version, Scope::ReadJob)?;
        let mut shown = Vec::new();
        for one in grant::all(tx)? {
            let calls = one.role == Scope::CallJob.as_str() || one.role == Scope::FullAccess.as_str();
            let Some(right) = grant::right(tx, &one.place)?.filter(|_| calls) else { continue };
            let rights = router::Rights { all: false, some: vec![right] };
            if rights.allow(Some(&family.id), Some(&job.id), None) {
                shown.push(show(tx, &one)?);
            }
        }
        Ok::<_, JobsError>(shown)
    });
    Ok(Json(Value::Array(shown.await?)))
}

fn show(tx: &mut Tx<'_>, grant: &Grant) -> Result<Value, JobsError> {
    let right = grant::right(tx, &grant.place)?.unwrap_or_default();
    let job: Option<Job> = right.job.as_deref().map(|id| record::find(tx, id)).transpose()?.flatten();
    let family = right.family.clone().or(job.as_ref().map(|job| job.family_id.clone()));
    let family: Option<Family> = family.as_deref().map(|id| record::find(tx, id)).transpose()?.flatten();
    let subject = subject_of(grant.subject.kind(), grant.subject.id());
    Ok(json!({
        "id": grant.id,
        "subject_kind": subject.kind(),
        "subject_id": subject.id(),
        "subject": description(tx, &subject)?.unwrap_or_else(|| format!("{} {}", subject.kind(), subject.id())),
        "scope": grant.role,
        "family": family.map(|family| family.name),
        "job_version": job.map(|job| job.version),
        "endpoint": right.endpoint,
    }))
}
