//! What the gateway is told: jobs with their instances, and who may call them.
//!
//! Each publication reads what is and hands the gateway the result; a lock keeps an older reading from overtaking a newer.

use crate::Jobs;
use crate::error::MAINTENANCE;
use crate::model::scope::Scope;
use crate::model::time::now;
use crate::repo::consumer::Consumer;
use crate::repo::deployment::Deployment;
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::public_endpoint::PublicEndpoint;
use crate::repo::token::Token;
use crate::repo::{grant, record, setting};
use engine::InstanceState;
use identity::{PersonState, Subject, person_get};
use router::{Backend, CallTable, CallToken, Callee, CallerEntry, Protocol};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use store::{StoreError, Tx};

/// Makes everything anew.
pub async fn all(jobs: &Jobs) -> Result<(), StoreError> {
    let _one = jobs.run.inner.publishing.lock().await;
    let (pairs, callers, closed) = jobs
        .db
        .read(|tx| {
            let mut pairs = Vec::new();
            for (family, job) in Job::all(tx)? {
                let public = open_paths(tx, &job.id)?;
                pairs.push((family, job, public));
            }
            let mut of: BTreeMap<(String, String), Subject> = BTreeMap::new();
            for token in Token::active(tx, now())? {
                of.insert((token.subject_kind.clone(), token.subject_id.clone()), token.subject());
            }
            let mut callers = Vec::new();
            for subject in of.values() {
                callers.extend(caller(tx, subject)?);
            }
            Ok::<_, StoreError>((pairs, callers, setting::is_on(tx, setting::MAINTENANCE)?))
        })
        .await?;
    let callees = pairs.iter().map(|(family, job, public)| callee(jobs, family, job, public.clone())).collect();
    let closed = closed.then(|| MAINTENANCE.to_owned());
    jobs.run.rooms().publisher.replace_calls(CallTable { jobs: callees, callers, closed });
    Ok(())
}

/// Makes one job anew; it is removed if it is no more.
pub async fn job(jobs: &Jobs, id: &str) -> Result<(), StoreError> {
    let _one = jobs.run.inner.publishing.lock().await;
    let wanted = id.to_owned();
    let found = jobs
        .db
        .read(move |tx| {
            let Some(job) = record::find::<Job>(tx, &wanted)? else { return Ok(None) };
            let Some(family) = record::find::<Family>(tx, &job.family_id)? else { return Ok(None) };
            let public = open_paths(tx, &job.id)?;
            Ok::<_, StoreError>(Some((family, job, public)))
        })
        .await?;
    let publisher = &jobs.run.rooms().publisher;
    match found {
        Some((family, job, public)) => publisher.set_job(callee(jobs, &family, &job, public)),
        None => publisher.remove_job(id),
    }
    Ok(())
}

/// Makes one caller anew.
pub async fn subject(jobs: &Jobs, subject: &Subject) -> Result<(), StoreError> {
    let _one = jobs.run.inner.publishing.lock().await;
    let wanted = subject.clone();
    let found = jobs.db.read(move |tx| caller(tx, &wanted)).await?;
    let publisher = &jobs.run.rooms().publisher;
    match found {
        Some(caller) => publisher.set_caller(caller),
        None => publisher.remove_caller(&key(subject)),
    }
    Ok(())
}

/// Stops calls, or lets them through.
pub async fn maintenance(jobs: &Jobs) -> Result<(), StoreError> {
    let closed = jobs.db.read(|tx| setting::is_on(tx, setting::MAINTENANCE)).await?;
    jobs.run.rooms().publisher.close_calls(closed.then(|| MAINTENANCE.to_owned()));
    Ok(())
}

/// Waits until the gateway has what was published.
pub async fn applied(jobs: &Jobs) {
    if !jobs.run.rooms().publisher.applied().await {
        tracing::warn!("no router has said that it applied the newest table; it does so once it follows again");
    }
}

fn open_paths(tx: &mut Tx<'_>, job: &str) -> Result<Vec<String>, StoreError> {
    let all = PublicEndpoint::of_job(tx, job)?;
    Ok(all.into_iter().filter(|one| one.active).map(|one| one.endpoint).collect())
}

fn callee(jobs: &Jobs, family: &Family, job: &Job, public: Vec<String>) -> Callee {
    let states = match &job.deployment_id {
        Some(id) => jobs.run.states(&format!("{}{id}", Deployment::WORKLOAD)),
        None => Vec::new(),
    };
    Callee {
        id: job.id.clone(),
        family: family.name.clone(),
        family_id: family.id.clone(),
        version: job.version.clone(),
        status: job.status.clone(),
        findable: job.is_findable(),
        public,
        backends: states.iter().filter_map(backend).collect(),
    }
}

fn backend(state: &InstanceState) -> Option<Backend> {
    let (address, instance, port) = (state.address?, state.instance.clone()?, state.port?);
    state.routable.then(|| Backend {
        address: SocketAddr::new(address, port),
        app: state.workload.clone(),
        process: state.workload.clone(),
        instance: instance.0,
        index: state.index,
        weight: None,
        protocol: Protocol::Http1,
    })
}

fn key(subject: &Subject) -> String {
    format!("{}:{}", subject.kind(), subject.id())
}

/// Somebody with a good token; `None` for all others.
fn caller(tx: &mut Tx<'_>, subject: &Subject) -> Result<Option<CallerEntry>, StoreError> {
    let now = now();
    let tokens: Vec<Token> = Token::of(tx, subject)?.into_iter().filter(|token| token.is_good(now)).collect();
    if tokens.is_empty() {
        return Ok(None);
    }
    let Some(name) = description(tx, subject)? else { return Ok(None) };
    let mut rights = grant::rights_of(tx, subject, Scope::CallJob)?;
    rights.all |= matches!(subject, Subject::Client(_));
    let tokens = tokens.into_iter().map(|token| CallToken { hash: token.hash, expires_at: token.expires_at });
    Ok(Some(CallerEntry { id: key(subject), name, rights, tokens: tokens.collect() }))
}

/// `User kim`, `ESC shop`, `Job family adder`; `None` for who is no more or may not act.
pub fn description(tx: &mut Tx<'_>, subject: &Subject) -> Result<Option<String>, StoreError> {
    Ok(match subject {
        Subject::Person(id) => person_get(tx, id)?
            .filter(|person| person.state == PersonState::Active)
            .map(|person| format!("User {}", person.user_name)),
        Subject::Consumer(id) => record::find::<Consumer>(tx, id)?.map(|consumer| format!("ESC {}", consumer.name)),
        Subject::Family(id) => record::find::<Family>(tx, id)?.map(|family| format!("Job family {}", family.name)),
        Subject::Client(name) => Some(format!("Service {name}")),
        Subject::System => None,
    })
}
