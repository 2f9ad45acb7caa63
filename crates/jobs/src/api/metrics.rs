//! Figures for Prometheus (reference, 11.8 and 18.4). What bears a job's name is told to who may read the job: without a
//! token there are the sums alone.

use super::caller::{Anybody, Who};
use super::job::readable;
use crate::Jobs;
use crate::metrics::{JOB, calls, family, gauge, level};
use crate::repo::deployment::Deployment;
use crate::repo::job::{ERROR, Job, LOST, RUNNING, STARTING};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use prometheus::TextEncoder;
use prometheus::proto::{MetricFamily, MetricType};
use router::CallCounts;
use std::collections::HashMap;
use std::time::Instant;
use store::StoreError;

/// `GET /lifecycle/metrics`.
pub async fn of_lifecycle(State(jobs): State<Jobs>, Anybody(who): Anybody) -> Response {
    jobs.metrics.scrapes.inc();
    let mut families = jobs.metrics.of_lifecycle();
    let read = jobs.db.read(|tx| Ok::<_, StoreError>((Job::all(tx)?, Deployment::open(tx)?.len()))).await;
    let answers = f64::from(u8::from(read.is_ok()));
    families.push(gauge("lifecycle_database_connected", "Whether the database answers", answers));
    if let Ok((all, open)) = read {
        let count = |status: &str| all.iter().filter(|(_, job)| job.status == status).count() as f64;
        let by_status = [STARTING, RUNNING, ERROR, LOST].map(|status| level(&[("status", status)], count(status)));
        families.push(family(MetricType::GAUGE, "jobs_count_by_status", "Jobs by status", by_status.into()));
        families.push(gauge("active_building_tasks", "Deployments that go on", open as f64));
    }
    if let Ok(threads) = std::fs::read_dir("/proc/self/task") {
        let threads = threads.count() as f64;
        families.push(gauge("lifecycle_active_threads_count", "Threads of this process", threads));
    }
    told(families, &known(&jobs, who).await)
}

/// `GET /pub/metrics`: since the front door's process began, which is asked, and this one. While it cannot be asked, its
/// figures are missing.
pub async fn of_gateway(State(jobs): State<Jobs>, Anybody(who): Anybody) -> Response {
    let known = known(&jobs, who).await;
    let mut families = jobs.metrics.of_gateway();
    match CallCounts::ask(&jobs.config.router_socket).await {
        Ok(counts) => families.extend(calls::families(&counts, &known)),
        Err(error) => tracing::warn!(%error, "the front door does not tell what it has counted"),
    }
    told(families, &known)
}

/// Name and version of the jobs that the asking one may read, by id.
async fn known(jobs: &Jobs, who: Option<Who>) -> HashMap<String, (String, String)> {
    let Some(who) = who else { return HashMap::new() };
    // Who may read none, or cannot be judged now, knows none.
    let all = jobs.db.read(move |tx| readable(tx, &who)).await.unwrap_or_default();
    all.into_iter().map(|(family, job)| (job.id, (family.name, job.version))).collect()
}

fn told(mut families: Vec<MetricFamily>, known: &HashMap<String, (String, String)>) -> Response {
    for family in &mut families {
        family.mut_metric().retain(|metric| {
            let label = |wanted: &str| metric.get_label().iter().find(|label| label.name() == wanted);
            match (label(JOB[0]), label(JOB[1])) {
                (Some(name), Some(version)) => {
                    known.values().any(|known| (name.value(), version.value()) == (&known.0, &known.1))
                }
                _ => true,
            }
        });
    }
    families.retain(|family| !family.get_metric().is_empty());
    families.sort_by(|a, b| a.name().cmp(b.name()));
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => crate::JobsError::internal(error).into_response(),
    }
}

/// Counts requests of the Lifecycle API.
pub async fn count(State(jobs): State<Jobs>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/lifecycle") && !path.starts_with(super::BARE) {
        return next.run(request).await;
    }
    jobs.metrics.requests_started.inc();
    let counted = Counted(&jobs, Instant::now());
    let response = next.run(request).await;
    drop(counted);
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        jobs.metrics.request_errors.inc();
    }
    response
}

/// A request that is not over; it may be broken off.
struct Counted<'j>(&'j Jobs, Instant);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.metrics.requests_done.inc();
        self.0.metrics.request_duration.observe(self.1.elapsed().as_secs_f64());
    }
}
