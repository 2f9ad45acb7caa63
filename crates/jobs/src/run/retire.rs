//! A family's token goes with the deployment it was made for: once the instances that hold it have ended, it is good no more.
//!
//! Not sooner, because what a replaced version has begun it may finish, calls of other jobs included. What is left to do
//! stands in the tables, so a restart forgets nothing.

use super::{DATABASE_PAUSE, publish, write_at_last};
use crate::model::token::hash;
use crate::repo::deployment::Deployment;
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::record;
use crate::repo::token::Token;
use crate::{Jobs, JobsError};
use identity::Subject;
use std::time::Duration;
use store::StoreError;

/// Between two looks at instances that are ending.
const LOOK: Duration = Duration::from_secs(1);

/// Looks whenever something has been replaced, deleted, or has failed.
pub(super) async fn run(jobs: Jobs) {
    let stopping = jobs.run.inner.stopping.clone();
    while stopping.run_until_cancelled(jobs.run.inner.replaced.notified()).await.is_some() {
        loop {
            let pause = match all(&jobs).await {
                Ok(0) => break,
                Ok(_) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "tokens of former deployments are removed once the database is back");
                    DATABASE_PAUSE
                }
            };
            if stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

/// Removes what can be removed now; answers how many wait for instances to end.
async fn all(jobs: &Jobs) -> Result<usize, JobsError> {
    let former = jobs.db.read(|tx| {
        let mut former = Vec::new();
        for deployment in Deployment::ended_with_token(tx)? {
            if Job::served_by(tx, &deployment.id)?.is_none() {
                former.push(deployment);
            }
        }
        Ok::<_, StoreError>(former)
    });
    let mut waiting = 0;
    for deployment in former.await? {
        if jobs.run.states(&deployment.workload()).is_empty() {
            one(jobs, deployment).await?;
        } else {
            waiting += 1;
        }
    }
    Ok(waiting)
}

async fn one(jobs: &Jobs, deployment: Deployment) -> Result<(), JobsError> {
    let token = jobs.open_token(&deployment)?.map(|text| hash(&text));
    let family = write_at_last(jobs, move |tx| {
        if let Some(token) = &token {
            Token::remove_hash(tx, token)?;
        }
        record::save(tx, &Deployment { token: None, ..deployment.clone() })?;
        Ok(Family::named(tx, &deployment.job_name)?)
    });
    if let Some(family) = family.await? {
        publish::subject(jobs, &Subject::Family(family.id)).await?;
    }
    Ok(())
}
