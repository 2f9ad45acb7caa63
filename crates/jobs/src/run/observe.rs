//! What the reconciler sees of jobs: their status, and the gateway's table.

use super::{DATABASE_PAUSE, publish};
use crate::Jobs;
use crate::model::time::now;
use crate::repo::deployment::Deployment;
use crate::repo::family::Family;
use crate::repo::job::{ERROR, Job, RUNNING};
use crate::repo::{event, record};
use engine::{Crash, InstanceState, Observer};
use futures_util::future::BoxFuture;
use identity::Caller;
use serde_json::json;
use store::{StoreError, Tx};

/// The reconciler's listener.
pub(super) struct Observing {
    jobs: Jobs,
}

impl Observing {
    pub(super) fn new(jobs: &Jobs) -> Self {
        Self { jobs: jobs.clone() }
    }

    async fn look(&self, workload: &str) -> Result<(), StoreError> {
        // Before the start has the reconciler nothing is known of anything; [`look_at_all`] follows.
        if self.jobs.run.reconciler().is_none() {
            return Ok(());
        }
        let Some(id) = Deployment::of_workload(workload).map(str::to_owned) else { return Ok(()) };
        let states = self.jobs.run.states(workload);
        let job = self
            .jobs
            .db
            .write(move |tx| {
                let served = Job::served_by(tx, &id)?;
                if let Some(job) = &served {
                    note_status(tx, job, &states)?;
                    return Ok(Some(job.id.clone()));
                }
                // One that served until a moment ago: its job has another one now.
                let Some(old) = record::find::<Deployment>(tx, &id)? else { return Ok(None) };
                let Some(family) = Family::named(tx, &old.job_name)? else { return Ok(None) };
                let jobs = Job::of_family(tx, &family.id)?;
                Ok::<_, StoreError>(jobs.into_iter().find(|job| job.version == old.job_version).map(|job| job.id))
            })
            .await?;
        match job {
            Some(job) => publish::job(&self.jobs, &job).await,
            None => Ok(()),
        }
    }
}

/// Stores the status of every job as the reconciler's first pass found it.
pub(super) async fn look_at_all(jobs: &Jobs) -> Result<(), StoreError> {
    let run = jobs.run.clone();
    let look = move |tx: &mut Tx<'_>| {
        for (_, job) in Job::all(tx)? {
            if let Some(id) = &job.deployment_id {
                note_status(tx, &job, &run.states(&format!("{}{id}", Deployment::WORKLOAD)))?;
            }
        }
        Ok(())
    };
    jobs.db.write(look).await
}

impl Observer for Observing {
    fn crashed(&self, crash: Crash) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(id) = Deployment::of_workload(&crash.workload).map(str::to_owned) else { return };
            self.jobs.run.note_end(&id, &crash.workload, &crash.reason);
            let journal = &self.jobs.run.rooms().journal;
            journal.say(
                &crash.workload,
                "API",
                &crash.index.to_string(),
                &format!("The job has ended: {}", crash.reason),
            );
            let workload = crash.workload.clone();
            let noted = self.jobs.db.write(move |tx| note_crash(tx, &id, &crash)).await;
            if let Err(error) = noted {
                tracing::warn!(workload, %error, "a job's crash could not be noted");
            }
        })
    }

    fn routable_changed<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.look(workload).await {
                tracing::warn!(workload, %error, "the gateway is not up to date until the database is back");
                let jobs = self.jobs.clone();
                // One for all that changes meanwhile.
                self.jobs.run.begin("gateway", move |stop| async move {
                    while stop.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await.is_some()
                        && publish::all(&jobs).await.is_err()
                    {}
                });
                return;
            }
            // Before an instance is stopped this is waited for.
            self.jobs.run.rooms().publisher.applied().await;
        })
    }
}

/// Stores a job's status, if it is another one now.
fn note_status(tx: &mut Tx<'_>, job: &Job, states: &[InstanceState]) -> Result<(), StoreError> {
    let (status, error) = match states.iter().any(|state| state.routable) {
        true => (RUNNING, None),
        false => {
            let why = states.iter().find_map(|state| state.details.clone());
            (ERROR, Some(why.unwrap_or_else(|| "no instance of it answers".into())))
        }
    };
    set_status(tx, job, status, error)
}

fn set_status(tx: &mut Tx<'_>, job: &Job, status: &str, error: Option<String>) -> Result<(), StoreError> {
    if job.status == status && job.error == error {
        return Ok(());
    }
    let Some(family) = record::find::<Family>(tx, &job.family_id)? else { return Ok(()) };
    let changed = Job { status: status.into(), error: error.clone(), ..job.clone() };
    record::save(tx, &changed)?;
    if job.status == status {
        return Ok(());
    }
    let data = json!({ "before": job.status, "after": status, "error": error });
    event::note(tx, &Caller::system().actor(), "job.status", &family, &changed, data)
}

fn note_crash(tx: &mut Tx<'_>, deployment: &str, crash: &Crash) -> Result<(), StoreError> {
    let Some(job) = Job::served_by(tx, deployment)? else { return Ok(()) };
    let Some(family) = record::find::<Family>(tx, &job.family_id)? else { return Ok(()) };
    let data = json!({ "index": crash.index, "reason": crash.reason, "crashes": crash.crashes, "at": now() });
    event::note(tx, &Caller::system().actor(), "job.crash", &family, &job, data)
}
