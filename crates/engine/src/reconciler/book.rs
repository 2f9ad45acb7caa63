//! What the reconciler remembers, behind one lock that is never held across an await.

use super::{Desired, Observer, Options};
use crate::{Engine, HealthCheck, InstanceId, InstanceState, Lease, Limits, Phase};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What all tasks of one reconciler share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) desired: Arc<dyn Desired>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) starts: Semaphore,
    pub(super) changed: broadcast::Sender<String>,
    /// Asks for a pass over everything.
    pub(super) everything: tokio::sync::Notify,
    /// Has everything been compared once?
    pub(super) settled: watch::Sender<bool>,
    /// Fires at [`super::Handle::stop`]: no new pass, no new action.
    pub(super) stopping: CancellationToken,
    pub(super) tasks: TaskTracker,
    book: Mutex<Book>,
}

/// The lock's content.
#[derive(Default)]
pub(super) struct Book {
    pub(super) rooms: HashMap<String, Room>,
    /// Instances on their way out. Kept until a list taken after their end no longer shows them, so that an old
    /// list cannot bring one back.
    pub(super) doomed: HashMap<InstanceId, Doom>,
    pub(super) leases: HashMap<InstanceId, Lease>,
    /// Counts passes in the order in which they began to read.
    pub(super) ticket: u64,
    /// Nothing should run any more.
    pub(super) draining: bool,
}

/// Where an instance is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doom {
    /// An action is at it.
    Underway,
    /// The action failed; the next pass tries again.
    Failed,
    /// Stopped and forgotten.
    Done,
}

/// One workload.
#[derive(Default)]
pub(super) struct Room {
    pub(super) slots: BTreeMap<u32, Slot>,
    /// The latest pass that was planned; an earlier one comes too late.
    pub(super) planned: u64,
    /// A task is at it.
    pub(super) active: bool,
    /// Something changed since that task began to read.
    pub(super) dirty: bool,
    /// Woken when the next pass is planned.
    pub(super) waiters: Vec<oneshot::Sender<()>>,
}

/// One desired index.
pub(super) struct Slot {
    pub(super) state: InstanceState,
    pub(super) life: Life,
    pub(super) version: String,
    pub(super) limits: Limits,
    pub(super) checks: (HealthCheck, HealthCheck),
    /// Not before; `None` for never again.
    pub(super) retry_at: Option<Instant>,
    /// The `retry_at` for which a pass has been ordered.
    pub(super) woken_at: Option<Instant>,
    /// Ends the start or the monitor that belongs to this slot.
    pub(super) task: Option<DropGuard>,
}

/// Has it an instance?
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    None,
    /// Being started.
    Launching(InstanceId),
    /// Started, at that time.
    Alive(InstanceId, Instant),
}

impl Slot {
    /// Sets the phase, and the time of its beginning.
    pub(super) fn enter(&mut self, phase: Phase) {
        if self.state.phase != phase {
            self.state.phase = phase;
            self.state.since = jiff::Timestamp::now().as_microsecond();
        }
        self.state.routable &= phase == Phase::Running;
    }

    pub(super) fn is_alive(&self, id: &InstanceId) -> bool {
        matches!(&self.life, Life::Alive(alive, _) if alive == id)
    }
}

impl Shared {
    pub(super) fn new(
        options: Options,
        engine: Arc<dyn Engine>,
        desired: Arc<dyn Desired>,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            starts: Semaphore::new(options.parallel_starts.max(1)),
            options,
            engine,
            desired,
            observer,
            changed: broadcast::channel(4096).0,
            everything: tokio::sync::Notify::new(),
            settled: watch::channel(false).0,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            book: Mutex::new(Book::default()),
        })
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while planning one workload leaves the others' entries whole.
        self.book.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes the slot whose instance `id` is alive; answers whether there is one.
    pub(super) fn update(
        self: &Arc<Self>,
        workload: &str,
        index: u32,
        id: &InstanceId,
        change: impl FnOnce(&mut Slot),
    ) -> bool {
        let routing = {
            let mut book = self.book();
            let slot = book.rooms.get_mut(workload).and_then(|room| room.slots.get_mut(&index));
            let Some(slot) = slot.filter(|slot| slot.is_alive(id)) else { return false };
            let before = slot.state.clone();
            change(slot);
            if slot.state == before {
                return true;
            }
            slot.state.routable != before.routable
        };
        self.publish(workload, routing);
        true
    }

    /// Tells that a workload's states changed, and `routing` with them.
    pub(super) fn publish(self: &Arc<Self>, workload: &str, routing: bool) {
        // No receiver is no error.
        let _ = self.changed.send(workload.to_owned());
        if routing {
            let (shared, workload) = (self.clone(), workload.to_owned());
            self.tasks.spawn(async move { shared.observer.routable_changed(&workload).await });
        }
    }
}
