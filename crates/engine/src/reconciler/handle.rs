//! The handle: what others ask of the reconciler.

use super::book::{Doom, Life, Shared};
use super::plan::{Action, Plan};
use crate::{InstanceState, Phase, Purpose};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, oneshot};

/// Ongoing starts and stops are waited for so long when the reconciler stops.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// A pass is waited for so long by [`Handle::reconcile`].
const PLAN_LIMIT: Duration = Duration::from_secs(2);

/// The running reconciler. Cheap to clone; it goes on when all handles are dropped.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What should run of `workload` may have changed. Returns at once.
    pub fn kick(&self, workload: &str) {
        self.shared.kick(workload);
    }

    /// As [`Handle::kick`], and waits until a pass that read the desired state after this call has been planned:
    /// [`Handle::states`] then shows the new version and number (not yet well). At most two seconds.
    pub async fn reconcile(&self, workload: &str) {
        let (sender, planned) = oneshot::channel();
        self.shared.kick_and_hear(workload, Some(sender));
        // An error says that it was dropped, which is the signal.
        let _ = tokio::time::timeout(PLAN_LIMIT, planned).await;
    }

    /// Anything may have changed.
    pub fn kick_all(&self) {
        self.shared.everything.notify_one();
    }

    /// One entry for every desired index, in order, as far as a pass has seen the workload.
    pub fn states(&self, workload: &str) -> Vec<InstanceState> {
        let book = self.shared.book();
        let room = book.rooms.get(workload);
        room.map_or_else(Vec::new, |room| room.slots.values().map(|slot| slot.state.clone()).collect())
    }

    /// Exactly `instances` entries, whatever has been seen: an index no pass has reached yet is `DOWN`. For APIs whose
    /// clients read an empty list as success.
    pub fn states_of(&self, workload: &str, instances: u32) -> Vec<InstanceState> {
        let mut states = self.states(workload);
        states.retain(|state| state.index < instances);
        for index in 0..instances {
            if states.get(index as usize).is_none_or(|state| state.index != index) {
                states.insert(index as usize, down(workload, index));
            }
        }
        states
    }

    /// All workloads' states, by workload and index.
    pub fn all_states(&self) -> Vec<InstanceState> {
        let book = self.shared.book();
        let slots = book.rooms.values().flat_map(|room| room.slots.values());
        let mut states: Vec<InstanceState> = slots.map(|slot| slot.state.clone()).collect();
        drop(book);
        states.sort_by(|a, b| (&a.workload, a.index).cmp(&(&b.workload, b.index)));
        states
    }

    /// Ids of workloads whose states changed. A reader that lags reads [`Handle::all_states`].
    pub fn watch(&self) -> broadcast::Receiver<String> {
        self.shared.changed.subscribe()
    }

    /// Ends one instance; its index begins anew, its crashes forgotten. `false` if there is no such index.
    pub fn restart_instance(&self, workload: &str, index: u32) -> bool {
        let plan = {
            let mut guard = self.shared.book();
            let book = &mut *guard;
            let slot = book.rooms.get_mut(workload).and_then(|room| room.slots.get_mut(&index));
            let Some(slot) = slot else { return false };
            let was_routable = slot.state.routable;
            let mut plan = Plan { changed: true, routing: was_routable, ..Plan::default() };
            match std::mem::replace(&mut slot.life, Life::None) {
                Life::Alive(id, _) => {
                    book.doomed.insert(id.clone(), Doom::Underway);
                    plan.actions.push(Action::Dispose { id, running: true, was_routable });
                }
                // It has only just begun.
                Life::Launching(id) => slot.life = Life::Launching(id),
                Life::None => {}
            }
            if slot.life == Life::None {
                slot.task = None;
                slot.retry_at = Some(tokio::time::Instant::now());
                slot.enter(Phase::Down);
            }
            slot.state.crashes = 0;
            slot.state.details = None;
            plan
        };
        self.shared.carry_out(workload, plan);
        self.shared.kick(workload);
        true
    }

    /// Waits until the first pass is done, which takes as long as the database is away. A routing table made then lacks
    /// nobody who was well before this process began.
    pub async fn settled(&self) {
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = self.shared.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// Stops reconciling; instances go on. Ongoing starts and stops are waited for, at most ten seconds.
    pub async fn stop(&self) {
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        let _ = tokio::time::timeout(STOP_LIMIT, self.shared.tasks.wait()).await;
    }

    /// Ends every instance of a process, then stops. Answers how many are left after `limit`.
    pub async fn drain(&self, limit: Duration) -> usize {
        self.shared.book().draining = true;
        self.kick_all();
        let end = tokio::time::Instant::now() + limit;
        let mut pause = Duration::from_millis(10);
        let left = loop {
            let left = match self.shared.engine.list().await {
                Ok(list) => list.iter().filter(|instance| instance.spec.purpose == Purpose::Process).count(),
                Err(_) => usize::MAX,
            };
            let launching = self.shared.book().rooms.values().any(|room| !room.slots.is_empty());
            if (left == 0 && !launching) || tokio::time::Instant::now() >= end {
                break left;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        };
        self.stop().await;
        left
    }
}

fn down(workload: &str, index: u32) -> InstanceState {
    InstanceState {
        workload: workload.to_owned(),
        index,
        instance: None,
        phase: Phase::Down,
        since: jiff::Timestamp::now().as_microsecond(),
        routable: false,
        address: None,
        port: None,
        crashes: 0,
        details: None,
    }
}
