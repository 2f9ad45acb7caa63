//! How long a build and its phases take, for the figures.

use super::build::Progress;
use crate::Jobs;
use crate::repo::deployment::Deployment;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Passes on a build's progress, and counts it; the build is over when this is dropped.
pub(super) struct Timed<'p, P> {
    jobs: &'p Jobs,
    deployment: &'p Deployment,
    inner: &'p P,
    began: Instant,
    phase: Mutex<Option<(String, Instant)>>,
}

impl<'p, P> Timed<'p, P> {
    pub(super) fn begin(jobs: &'p Jobs, deployment: &'p Deployment, inner: &'p P) -> Self {
        jobs.metrics.builds_requested.inc();
        Self { jobs, deployment, inner, began: Instant::now(), phase: Mutex::default() }
    }

    /// Another phase begins, or none. What is told of waiting belongs to the phase that waits.
    fn turn(&self, next: Option<&str>) {
        let next = next.map(|next| next.split_once(": ").map_or(next, |(phase, _)| phase));
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if phase.as_ref().map(|(name, _)| name.as_str()) == next {
            return;
        }
        let former = std::mem::replace(&mut *phase, next.map(|next| (next.to_owned(), Instant::now())));
        if let Some((name, since)) = former {
            let labels = [self.deployment.job_name.as_str(), &self.deployment.job_version, &name];
            self.jobs.metrics.phase_duration.with_label_values(&labels).inc_by(since.elapsed().as_secs_f64());
            self.jobs.metrics.phase_done.with_label_values(&labels).inc();
        }
    }
}

impl<P: Progress> Progress for Timed<'_, P> {
    async fn phase(&self, phase: &str) {
        self.turn(Some(phase));
        self.inner.phase(phase).await;
    }

    async fn warn(&self, warning: &str) {
        self.inner.warn(warning).await;
    }
}

impl<P> Drop for Timed<'_, P> {
    fn drop(&mut self) {
        self.turn(None);
        self.jobs.metrics.builds_done.inc();
        self.jobs.metrics.build_duration.observe(self.began.elapsed().as_secs_f64());
    }
}
