//! Health of one instance: start-up, liveness, readiness (cloud-foundry.md 12.3).

use super::act::unhealthy;
use super::book::{Life, Shared};
use crate::{HealthCheck, HealthKind, InstanceId, Phase, Well};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The first pause between probes at start-up, and the longest.
const QUICKEST: Duration = Duration::from_millis(10);
const SLOWEST: Duration = Duration::from_secs(2);
/// A second look, before an instance is ended or taken from routing for one missed probe.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// From then on it is said where a slow starter listens.
const SLOW: Duration = Duration::from_secs(4);
/// Looking for that takes no longer.
const LOOK: Duration = Duration::from_secs(2);

struct Monitor {
    shared: Arc<Shared>,
    workload: String,
    index: u32,
    id: InstanceId,
    target: Option<SocketAddr>,
    health: HealthCheck,
    readiness: HealthCheck,
    up: Instant,
}

/// Begins to watch the slot's instance, in place of whatever watched it before.
pub(super) fn spawn(shared: &Arc<Shared>, workload: &str, index: u32, id: &InstanceId) {
    let cancel = CancellationToken::new();
    let (monitor, known) = {
        let mut book = shared.book();
        let slot = book.rooms.get_mut(workload).and_then(|room| room.slots.get_mut(&index));
        let Some(slot) = slot.filter(|slot| slot.is_alive(id)) else { return };
        let Life::Alive(_, up) = slot.life else { return };
        slot.task = Some(cancel.clone().drop_guard());
        let monitor = Monitor {
            shared: shared.clone(),
            workload: workload.to_owned(),
            index,
            id: id.clone(),
            target: slot.state.address.zip(slot.state.port).map(SocketAddr::from),
            health: slot.checks.0.clone(),
            readiness: slot.checks.1.clone(),
            up,
        };
        // Adopted, or watched by other checks until now.
        let well = || Well { since: slot.state.since, ready: slot.state.routable };
        (monitor, (slot.state.phase == Phase::Running).then(well))
    };
    let stopping = shared.stopping.clone();
    shared.tasks.spawn(async move {
        tokio::select! {
            () = monitor.run(known) => {}
            () = cancel.cancelled() => {}
            () = stopping.cancelled() => {}
        }
    });
}

impl Monitor {
    /// `known`: it has got well before.
    async fn run(&self, known: Option<Well>) {
        let mut seen = self.probe(&self.health).await;
        if known.is_some() && seen.is_err() {
            seen = self.second_look().await;
        }
        let still = known.filter(|_| seen.is_ok());
        if seen.is_err() {
            let mut began = self.up;
            if known.is_some() {
                // It gets its start-up time again.
                began = Instant::now();
                self.note(None).await;
                self.update(|slot| slot.enter(Phase::Starting));
            }
            if let Err(reason) = self.start_up(began).await {
                return unhealthy(&self.shared, &self.workload, self.index, &self.id, reason);
            }
        }
        let ready = self.is_always_ready() || self.probe(&self.readiness).await.is_ok();
        let since = still.map_or_else(|| jiff::Timestamp::now().as_microsecond(), |well| well.since);
        let well = Well { since, ready };
        if still != Some(well) {
            self.note(Some(well)).await;
        }
        self.update(|slot| {
            slot.enter(Phase::Running);
            slot.state.since = since;
            slot.state.routable = ready;
            slot.state.details = None;
        });
        tokio::join!(self.stay_well(), self.stay_ready(well));
    }

    /// Probes until well. Pauses grow with the time it has taken, so that little is added to it.
    async fn start_up(&self, began: Instant) -> Result<(), String> {
        loop {
            let waited = began.elapsed();
            sleep((waited / 8).clamp(QUICKEST, SLOWEST)).await;
            let Err(seen) = self.probe(&self.health).await else { return Ok(()) };
            if began.elapsed() >= self.health.timeout {
                return Err(self.gave_up(&seen).await);
            }
            // Whoever waits may see by now what it waits for.
            if waited >= SLOW
                && let Some(target) = self.unopened()
                && let Some(words) = self.elsewhere(target).await
            {
                let words = format!("waits for port {}: {words}", target.port());
                self.update(|slot| slot.state.details = Some(words));
            }
        }
    }

    async fn gave_up(&self, seen: &str) -> String {
        let limit = self.health.timeout.as_secs();
        let Some(target) = self.unopened() else {
            return format!("health check: {seen}; not well within {limit} s");
        };
        let words = format!("did not open port {} within {limit} s", target.port());
        match self.elsewhere(target).await {
            Some(other) => format!("{words}: {other}"),
            None => words,
        }
    }

    /// The port that is waited for, where the check is no more than that.
    fn unopened(&self) -> Option<SocketAddr> {
        self.target.filter(|_| self.health.kind == HealthKind::Port)
    }

    /// Where it listens instead, and what to do about it.
    async fn elsewhere(&self, target: SocketAddr) -> Option<String> {
        let found = timeout(LOOK, self.shared.engine.listeners(&self.id)).await.ok().flatten()?;
        listens_elsewhere(target.port(), &found)
    }

    async fn stay_well(&self) {
        if self.health.kind == HealthKind::Process {
            return;
        }
        loop {
            sleep(self.health.interval).await;
            if self.probe(&self.health).await.is_ok() {
                continue;
            }
            if let Err(seen) = self.second_look().await {
                let reason = format!("health check: {seen}");
                return unhealthy(&self.shared, &self.workload, self.index, &self.id, reason);
            }
        }
    }

    async fn second_look(&self) -> Result<(), String> {
        sleep(SECOND_LOOK.min(self.health.interval)).await;
        self.probe(&self.health).await
    }

    async fn stay_ready(&self, mut well: Well) {
        if self.is_always_ready() {
            return;
        }
        let mut pause = QUICKEST;
        let mut ready_once = well.ready;
        loop {
            let seen = self.probe(&self.readiness).await;
            ready_once |= seen.is_ok();
            if well.ready != seen.is_ok() {
                well.ready = seen.is_ok();
                self.note(Some(well)).await;
            }
            self.update(|slot| {
                slot.state.routable = seen.is_ok();
                slot.state.details = seen.err().map(|seen| format!("not ready: {seen}"));
            });
            // Quickly until it is ready for the first time, as at start-up.
            pause = if ready_once { self.readiness.interval } else { (pause * 2).min(SLOWEST) };
            sleep(pause).await;
        }
    }

    fn is_always_ready(&self) -> bool {
        self.readiness.kind == HealthKind::Process
    }

    /// Before routing changes: should this process end in between, the next one's first table agrees with the last.
    async fn note(&self, well: Option<Well>) {
        if let Err(error) = self.shared.engine.note_well(&self.id, well).await {
            tracing::warn!(instance = %self.id.0, %error, "that an instance is well, or not, is not noted; after a restart of control it is found out anew");
        }
    }

    fn update(&self, change: impl FnOnce(&mut super::book::Slot)) {
        self.shared.update(&self.workload, self.index, &self.id, change);
    }

    async fn probe(&self, check: &HealthCheck) -> Result<(), String> {
        let limit = check.invocation_timeout;
        // The prober keeps the limit itself; this is for one that does not.
        let look = self.shared.options.prober.probe(&check.kind, self.target, limit);
        timeout(limit * 2, look).await.unwrap_or_else(|_| Err("the check did not end".to_owned()))
    }
}

/// Words for somebody whose application listens where nobody asks it.
fn listens_elsewhere(wanted: u16, found: &[SocketAddr]) -> Option<String> {
    if found.iter().any(|at| at.port() == wanted && !at.ip().is_loopback()) {
        return None;
    }
    if let Some(at) = found.iter().find(|at| at.port() == wanted) {
        return Some(format!("it listens on {at}, where only itself can reach it; it must listen on 0.0.0.0"));
    }
    let mut ports: Vec<u16> = found.iter().map(SocketAddr::port).collect();
    ports.sort_unstable();
    ports.dedup();
    let shown = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    Some(match ports.as_slice() {
        [] => "it listens on no port; the environment variable PORT says which one it must open".to_owned(),
        [port] => format!("it listens on port {port}; the environment variable PORT says which one it must open"),
        several => format!(
            "it listens on the ports {}; the environment variable PORT says which one it must open",
            shown(&several[..several.len().min(8)])
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::listens_elsewhere;
    use std::net::SocketAddr;

    #[test]
    fn it_is_said_where_it_listens() {
        let said = |found: &[&str]| {
            let found: Vec<SocketAddr> = found.iter().map(|at| at.parse().unwrap()).collect();
            listens_elsewhere(8080, &found)
        };
        assert_eq!(said(&["0.0.0.0:8080", "127.0.0.1:1"]), None, "it is only slow to answer");
        for (found, words) in [
            (&[][..], "it listens on no port; "),
            (&["[::]:5000", "0.0.0.0:5000"], "it listens on port 5000; "),
            (&["0.0.0.0:3000", "127.0.0.1:9229"], "it listens on the ports 3000, 9229; "),
            (&["127.0.0.1:8080", "0.0.0.0:1"], "it listens on 127.0.0.1:8080, where only itself"),
        ] {
            let said = said(found).unwrap();
            assert!(said.starts_with(words), "{said}");
        }
    }
}
