//! Following the ledger: deployments begin, the reconciler looks, the gateway is told.

use super::{DATABASE_PAUSE, async_call, deploy, publish};
use crate::Jobs;
use crate::model::time::now;
use crate::repo::deployment::Deployment;
use crate::repo::job::Job;
use crate::repo::token::{Token, subject_of};
use futures_util::StreamExt;
use identity::Subject;
use ledger::{Ledger, Record};
use std::time::Duration;
use store::StoreError;

/// How often what is past its time is removed.
const SWEEP: Duration = Duration::from_secs(600);

/// Follows from `position` on until the platform stops.
pub(super) async fn follow(jobs: Jobs, position: i64) {
    let mut records = Box::pin(Ledger::new(jobs.db.clone()).follow(position));
    let stopping = jobs.run.inner.stopping.clone();
    loop {
        let record = tokio::select! {
            record = records.next() => record,
            () = stopping.cancelled() => return,
        };
        let Some(record) = record else { return };
        while let Err(error) = see(&jobs, &record).await {
            tracing::warn!(position = record.position, %error, "an entry about jobs waits for the database");
            if stopping.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await.is_none() {
                return;
            }
        }
    }
}

async fn see(jobs: &Jobs, record: &Record) -> Result<(), StoreError> {
    let id = record.object.id.as_str();
    match record.object.kind.as_str() {
        "job_deployment" => {
            if record.action == "job_deployment.create" {
                jobs.metrics.requested.inc();
                deploy::begin(jobs, id);
            }
            kick(jobs, id);
            Ok(())
        }
        "job" => {
            for key in ["deployment_id", "former_deployment_id"] {
                if let Some(deployment) = record.data[key].as_str() {
                    if record.action == "job.delete" {
                        jobs.run.cancel(deployment);
                    }
                    kick(jobs, deployment);
                }
            }
            if record.action == "job.delete" {
                jobs.run.replaced();
            }
            publish::job(jobs, id).await
        }
        "job_token" | "job_permission" => {
            let subject = &record.data["subject"];
            match (subject["kind"].as_str(), subject["id"].as_str()) {
                (Some(kind), Some(id)) => publish::subject(jobs, &subject_of(kind, id)).await,
                _ => Ok(()),
            }
        }
        "job_consumer" => publish::subject(jobs, &Subject::Consumer(id.into())).await,
        "job_setting" => publish::maintenance(jobs).await,
        // Suspended, deleted, made an administrator.
        "person" => publish::subject(jobs, &Subject::Person(id.into())).await,
        _ => Ok(()),
    }
}

fn kick(jobs: &Jobs, deployment: &str) {
    if let Some(handle) = jobs.run.reconciler() {
        handle.kick(&format!("{}{deployment}", Deployment::WORKLOAD));
    }
}

/// Writes down when jobs were called last, as the gateway tells it.
pub(super) async fn note_calls(jobs: Jobs) {
    let stopping = jobs.run.inner.stopping.clone();
    loop {
        let Some(calls) = stopping.run_until_cancelled(jobs.run.rooms().publisher.take_calls()).await else { return };
        let noted = super::write_at_last(&jobs, move |tx| {
            for (job, at) in &calls {
                Job::note_call(tx, job, *at)?;
            }
            Ok(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "times of last calls could not be noted");
        }
    }
}

/// Removes what is of no use any more, now and then.
pub(super) async fn sweep(jobs: Jobs) {
    let stopping = jobs.run.inner.stopping.clone();
    loop {
        if let Err(error) = jobs.db.write(|tx| Token::sweep(tx, now())).await {
            tracing::warn!(%error, "tokens past their time could not be removed");
        }
        if let Err(error) = async_call::sweep(&jobs).await {
            tracing::warn!(%error, "asynchronous calls that are over could not be removed");
        }
        if stopping.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_none() {
            return;
        }
    }
}
