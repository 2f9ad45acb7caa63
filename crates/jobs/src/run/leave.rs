//! What a replaced deployment has begun it may finish: its instances go on, without new calls, until those they have are
//! answered.
//!
//! This is known in memory alone: when the platform stops meanwhile, they are stopped at its next start.

use super::lock;
use crate::Jobs;
use crate::repo::deployment::Deployment;
use router::CallCounts;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Nobody's answer is waited for any longer.
const LIMIT: Duration = Duration::from_secs(600);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Who leaves, and what is asked by this process itself.
#[derive(Default)]
pub(super) struct Leaving {
    deployments: Mutex<HashSet<String>>,
    /// Asynchronous calls that are being made, by workload.
    calls: Mutex<HashMap<String, usize>>,
}

impl Leaving {
    pub(super) fn all(&self) -> Vec<String> {
        lock(&self.deployments).iter().cloned().collect()
    }

    pub(super) fn has(&self, deployment: &str) -> bool {
        lock(&self.deployments).contains(deployment)
    }

    fn calls(&self, workload: &str) -> bool {
        lock(&self.calls).contains_key(workload)
    }
}

/// A deployment whose instances stay until this is dropped.
pub(super) struct Stay {
    jobs: Jobs,
    deployment: String,
}

impl Stay {
    /// To be had before another one takes its place.
    pub(super) fn of(jobs: &Jobs, deployment: String) -> Self {
        lock(&jobs.run.inner.leaving.deployments).insert(deployment.clone());
        Self { jobs: jobs.clone(), deployment }
    }

    /// Ends it once nothing is asked of its instances any more. The gateway sends them nothing new by now.
    pub(super) fn until_idle(self) {
        let runtime = self.jobs.run.clone();
        runtime.inner.tasks.spawn(async move {
            let end = Instant::now() + LIMIT;
            let stopping = self.jobs.run.inner.stopping.clone();
            while stopping.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some()
                && Instant::now() < end
                && self.is_busy().await
            {}
        });
    }

    async fn is_busy(&self) -> bool {
        let workload = format!("{}{}", Deployment::WORKLOAD, self.deployment);
        let states = self.jobs.run.states(&workload);
        let instances: Vec<&str> =
            states.iter().filter_map(|state| Some(state.instance.as_ref()?.0.as_str())).collect();
        if instances.is_empty() {
            return false;
        }
        if self.jobs.run.inner.leaving.calls(&workload) {
            return true;
        }
        // A front door that does not tell has none of these calls any more, or is about to be replaced.
        let counts = CallCounts::ask(&self.jobs.config.router_socket).await.unwrap_or_default();
        counts.leaving.keys().any(|instance| instances.contains(&instance.as_str()))
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        lock(&self.jobs.run.inner.leaving.deployments).remove(&self.deployment);
        if let Some(handle) = self.jobs.run.reconciler() {
            handle.kick(&format!("{}{}", Deployment::WORKLOAD, self.deployment));
        }
        self.jobs.run.replaced();
    }
}

/// An asynchronous call that is being made, until dropped.
pub(super) struct Calling<'j>(&'j Jobs, String);

impl<'j> Calling<'j> {
    pub(super) fn of(jobs: &'j Jobs, workload: &str) -> Self {
        *lock(&jobs.run.inner.leaving.calls).entry(workload.to_owned()).or_default() += 1;
        Self(jobs, workload.to_owned())
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        let mut calls = lock(&self.0.run.inner.leaving.calls);
        if let Some(count) = calls.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                calls.remove(&self.1);
            }
        }
    }
}
