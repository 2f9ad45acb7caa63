//! Running what was built, beside whatever serves now, until it is ready or has failed (reference, 9.1).

use super::build::Progress;
use super::probe;
use crate::Jobs;
use crate::repo::deployment::Deployment;
use engine::{InstanceState, Phase};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Without any news, the job is looked at so often.
const LOOK: Duration = Duration::from_millis(100);
/// Lines of the job's log that a failure shows.
const TAIL: usize = 20;

/// Waits until all instances accept calls. The error is what the deployer reads, with the job's last words.
pub(super) async fn until_ready(
    jobs: &Jobs,
    deployment: &Deployment,
    replicas: u32,
    progress: &impl Progress,
    cancel: &CancellationToken,
) -> Result<(), String> {
    let workload = deployment.workload();
    let watch = watch(jobs, deployment, &workload, replicas, progress);
    let failure = tokio::select! {
        done = watch => match done {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        },
        () = cancel.cancelled() => return Err("it was called off".into()),
    };
    // Its last words are written a moment after its end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lines = recent(jobs, &workload, TAIL, |line| line.source_type == "JOB").await;
    Err(match lines.is_empty() {
        true => format!("verifying deployed job: {failure}"),
        false => format!("verifying deployed job: {failure}\nJob logs:\n{}", lines.join("\n")),
    })
}

async fn watch(
    jobs: &Jobs,
    deployment: &Deployment,
    workload: &str,
    replicas: u32,
    progress: &impl Progress,
) -> Result<(), String> {
    let mut teller = Teller::begin(progress, "starting Job server").await;
    let Some(handle) = jobs.run.reconciler() else { return Err("nothing runs here".into()) };
    handle.reconcile(workload).await;
    let mut news = handle.watch();
    let began = Instant::now();
    // First its life, by its own word and the time stamp of this very deployment.
    let mut seen;
    loop {
        let states = handle.states(workload);
        if let Some(fallen) = fallen(&states) {
            return Err(format!("Job server crashed while starting: {}", how(jobs, workload, fallen).await));
        }
        teller.tell(&states).await;
        match states.first() {
            Some(state) => match address(state) {
                Some(at) => match probe::judge_live(probe::get(at, "/live").await, deployment.stamp) {
                    Ok(None) => break,
                    Ok(Some(failure)) => return Err(failure),
                    Err(waits) => seen = waits,
                },
                None => seen = state.details.clone().unwrap_or_else(|| "its container is being set up".into()),
            },
            None => seen = "no instance has been started".into(),
        }
        if began.elapsed() > jobs.config.alive_limit {
            return Err(seen);
        }
        let _ = tokio::time::timeout(LOOK, news.recv()).await;
    }
    let mut teller = Teller::begin(progress, "initializing Job entrypoint").await;
    let began = Instant::now();
    loop {
        let states = handle.states(workload);
        if let Some(fallen) = fallen(&states) {
            return Err(format!("Job server crashed while initialization: {}", how(jobs, workload, fallen).await));
        }
        if states.len() >= replicas as usize && states.iter().all(|state| state.routable) {
            return Ok(());
        }
        teller.tell(&states).await;
        for at in states.iter().filter(|state| !state.routable).filter_map(address) {
            if let Ok(Some(failure)) = probe::judge_live(probe::get(at, "/live").await, deployment.stamp) {
                return Err(failure);
            }
            if let Ok((404, _)) = probe::get(at, "/ready").await {
                return Err("Job health error: readiness endpoint not found".into());
            }
        }
        if began.elapsed() > jobs.config.ready_limit {
            let why = states.iter().find_map(|state| state.details.clone()).unwrap_or_default();
            return Err(format!("Job initialization timed out: {why}"));
        }
        let _ = tokio::time::timeout(LOOK, news.recv()).await;
    }
}

/// Tells a phase, and behind it what an instance that cannot start yet waits for.
struct Teller<'p, P> {
    progress: &'p P,
    phase: &'static str,
    waits: Option<String>,
}

impl<'p, P: Progress> Teller<'p, P> {
    async fn begin(progress: &'p P, phase: &'static str) -> Self {
        progress.phase(phase).await;
        Self { progress, phase, waits: None }
    }

    async fn tell(&mut self, states: &[InstanceState]) {
        let waiting = states.iter().find(|state| state.phase == Phase::Down && state.crashes == 0);
        let waits = waiting.and_then(|state| state.details.clone());
        if waits != self.waits {
            let told = waits.as_ref().map_or_else(|| self.phase.to_owned(), |waits| format!("{}: {waits}", self.phase));
            self.progress.phase(&told).await;
            self.waits = waits;
        }
    }
}

fn address(state: &InstanceState) -> Option<SocketAddr> {
    let alive = matches!(state.phase, Phase::Starting | Phase::Running);
    alive.then(|| Some(SocketAddr::new(state.address?, state.port?))).flatten()
}

/// An instance that ended by itself, perhaps to be started again since.
fn fallen(states: &[InstanceState]) -> Option<&InstanceState> {
    states.iter().find(|state| state.crashes > 0 || state.phase == Phase::Crashed)
}

/// How it ended. The observer is told of it beside this task.
async fn how(jobs: &Jobs, workload: &str, state: &InstanceState) -> String {
    let told = jobs.run.last_end(workload).await;
    told.or_else(|| state.details.clone()).unwrap_or_else(|| "it ended".into())
}

/// The newest `count` lines of a log that `keep` likes, oldest first.
pub(super) async fn recent(
    jobs: &Jobs,
    source: &str,
    count: usize,
    keep: impl Fn(&logs::Line) -> bool + Send + 'static,
) -> Vec<String> {
    let (root, source) = (jobs.logs.clone(), source.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let query = logs::Query { start: 0, end: i64::MAX, limit: count, descending: true };
        logs::read_where(&root, &source, &query, keep)
    });
    let mut lines = read.await.ok().and_then(Result::ok).unwrap_or_default();
    lines.reverse();
    lines.into_iter().map(|line| line.payload).collect()
}
