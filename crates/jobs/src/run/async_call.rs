//! Making asynchronous calls: in the background, again if the job could not be reached, and on after a restart.

use super::leave::Calling;
use super::{call, write_at_last};
use crate::Jobs;
use crate::model::time::now;
use crate::repo::async_call::{AsyncCall, COMPLETED, FAILED, ONGOING};
use crate::repo::deployment::Deployment;
use crate::repo::job::Job;
use crate::repo::record::{self, Json};
use std::net::SocketAddr;
use std::time::Duration;
use store::{StoreError, Tx};
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;

/// A call is made so often at most.
const ATTEMPTS: i64 = 2;
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(10);
/// No call takes longer.
const LIMIT: Duration = Duration::from_secs(120 * 60);
/// A call is forgotten so many microseconds after it was begun.
const KEPT: i64 = 4 * 3_600_000_000;
/// And so many after its answer was read.
pub(crate) const READ: i64 = 30_000_000;

/// Takes up what an earlier process left.
pub(super) async fn resume(jobs: &Jobs) -> Result<(), StoreError> {
    for id in jobs.db.read(AsyncCall::ongoing).await? {
        jobs.metrics.async_crashed.inc();
        begin(jobs, &id);
    }
    Ok(())
}

/// Makes a call that was stored.
pub(crate) fn begin(jobs: &Jobs, id: &str) {
    let (owned, runner) = (id.to_owned(), jobs.clone());
    jobs.run.begin(id, move |stop| async move { Box::pin(run(&runner, &owned, &stop)).await });
}

async fn run(jobs: &Jobs, id: &str, stop: &CancellationToken) {
    loop {
        let wanted = id.to_owned();
        let taken = write_at_last(jobs, move |tx| Ok(take(tx, &wanted)?)).await;
        let Ok(Some((call, workload))) = taken else { return };
        let made = async {
            if call.attempts > ATTEMPTS {
                return Err("it was broken off each time it was made: the platform was stopped meanwhile".to_owned());
            }
            let workload = workload.ok_or("no instance of it runs")?;
            let _calling = Calling::of(jobs, &workload);
            let at = instance(jobs, &workload).ok_or("no instance of it runs")?;
            call::send(at, &call).await
        };
        let made = tokio::select! {
            made = tokio::time::timeout(LIMIT, made) => made.unwrap_or_else(|_| Err("it took longer than 120 minutes".into())),
            // It is taken up at the next start.
            () = stop.cancelled() => return,
        };
        let again = match &made {
            Ok(answer) => answer.status == 404,
            Err(_) => true,
        };
        if again && call.attempts < ATTEMPTS {
            jobs.metrics.async_retried.inc();
            if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return;
            }
            continue;
        }
        jobs.metrics.async_done.with_label_values(&[&call.job_name, &call.job_version]).inc();
        if made.is_err() {
            jobs.metrics.async_errors.inc();
        }
        let ended = AsyncCall { ended_at: Some(now()), ..call };
        let ended = match made {
            Ok(answer) => AsyncCall {
                status: COMPLETED.into(),
                response_status_code: Some(answer.status.into()),
                response_headers: Json(answer.headers),
                response_body: answer.body.into(),
                ..ended
            },
            Err(why) => {
                AsyncCall { status: FAILED.into(), error: Some(format!("making a request to a job: {why}")), ..ended }
            }
        };
        let stored = write_at_last(jobs, move |tx| {
            Job::note_call(tx, &ended.job_id, ended.started_at)?;
            Ok(record::save(tx, &ended)?)
        });
        if let Err(error) = stored.await {
            tracing::warn!(call = id, %error, "the end of an asynchronous call could not be stored");
        }
        jobs.run.inner.calls_ended.notify_waiters();
        return;
    }
}

/// The call, counted once more, and the workload of its job.
fn take(tx: &mut Tx<'_>, id: &str) -> Result<Option<(AsyncCall, Option<String>)>, StoreError> {
    let found = record::find::<AsyncCall>(tx, id)?.filter(|call| call.status == ONGOING);
    let Some(mut call) = found else { return Ok(None) };
    call.attempts += 1;
    record::save(tx, &call)?;
    let job = record::find::<Job>(tx, &call.job_id)?.and_then(|job| job.deployment_id);
    Ok(Some((call, job.map(|id| format!("{}{id}", Deployment::WORKLOAD)))))
}

/// An instance that may be called now; each as often as another.
fn instance(jobs: &Jobs, workload: &str) -> Option<SocketAddr> {
    let states = jobs.run.states(workload);
    let good: Vec<SocketAddr> = states
        .iter()
        .filter(|state| state.routable)
        .filter_map(|state| Some(SocketAddr::new(state.address?, state.port?)))
        .collect();
    (!good.is_empty()).then(|| good[rand::random_range(0..good.len())])
}

/// Comes when any call ends after this.
pub(crate) fn next_end(jobs: &Jobs) -> Notified<'_> {
    jobs.run.inner.calls_ended.notified()
}

/// Removes what nobody will ask for any more.
pub(super) async fn sweep(jobs: &Jobs) -> Result<u64, StoreError> {
    jobs.db.write(|tx| AsyncCall::sweep(tx, now() - KEPT, now() - READ)).await
}
