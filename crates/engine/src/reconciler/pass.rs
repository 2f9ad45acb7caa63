//! Passes: when they happen, what they read, and the carrying out of what they planned.

use super::act::{dispose, launch};
use super::book::{Book, Doom, Life, Shared};
use super::monitor;
use super::plan::{Action, Before, Plan, plan};
use crate::{InstanceId, Observed, Purpose, Workload};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// After the database or the driver could not answer.
const RETRY: Duration = Duration::from_secs(2);

/// Starts the two loops: passes over everything, and the driver's changes.
pub(super) fn spawn(shared: &Arc<Shared>) {
    let changes = shared.engine.changes();
    shared.tasks.spawn(shared.stopping.clone().run_until_cancelled_owned(over_everything(shared.clone())));
    shared.tasks.spawn(shared.stopping.clone().run_until_cancelled_owned(follow_driver(shared.clone(), changes)));
}

async fn over_everything(shared: Arc<Shared>) {
    loop {
        let pause = match everything(&shared).await {
            Ok(()) => {
                shared.settled.send_if_modified(|settled| !std::mem::replace(settled, true));
                shared.options.full_pass
            }
            Err(error) => {
                tracing::warn!(%error, "what should run cannot be compared with what runs; trying again");
                RETRY
            }
        };
        let _ = tokio::time::timeout(pause, shared.everything.notified()).await;
    }
}

async fn follow_driver(shared: Arc<Shared>, mut changes: tokio::sync::broadcast::Receiver<InstanceId>) {
    loop {
        match changes.recv().await {
            Ok(id) => {
                let book = shared.book();
                let owns = |slot: &super::book::Slot| slot.state.instance.as_ref() == Some(&id);
                let room = book.rooms.iter().find(|(_, room)| room.slots.values().any(owns));
                let workload = room.map(|(workload, _)| workload.clone());
                drop(book);
                if let Some(workload) = workload {
                    shared.kick(&workload);
                }
            }
            Err(RecvError::Lagged(_)) => shared.everything.notify_one(),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn everything(shared: &Arc<Shared>) -> Result<(), String> {
    let (ticket, before) = shared.book().begin(None);
    let draining = shared.book().draining;
    let workloads = if draining { Vec::new() } else { shared.desired.workloads().await? };
    let mut observed: HashMap<String, Vec<Observed>> = HashMap::new();
    for instance in processes(shared).await? {
        observed.entry(instance.spec.workload.clone()).or_default().push(instance);
    }
    shared.book().sweep(&before, &observed.values().flatten().map(|instance| instance.id.clone()).collect());
    for workload in &workloads {
        let instances = observed.remove(&workload.id).unwrap_or_default();
        shared.plan_and_act(&workload.id, ticket, Some(workload), &instances, &before);
    }
    // What is not desired is asked for by name before anything of it is stopped: its row may only be unreadable.
    let known: HashSet<&String> = workloads.iter().map(|workload| &workload.id).collect();
    let rooms: Vec<String> = shared.book().rooms.keys().filter(|id| !known.contains(id)).cloned().collect();
    for id in rooms.iter().chain(observed.keys()) {
        shared.kick(id);
    }
    Ok(())
}

async fn processes(shared: &Shared) -> Result<Vec<Observed>, String> {
    let mut observed = shared.engine.list().await.map_err(|error| error.to_string())?;
    observed.retain(|instance| instance.spec.purpose == Purpose::Process);
    Ok(observed)
}

impl Book {
    /// A pass begins to read: its number, and what is known of one workload or of all.
    fn begin(&mut self, workload: Option<&str>) -> (u64, Before) {
        self.ticket += 1;
        if workload.is_none() {
            // Nobody is reading for these, so none of their passes can come too late.
            self.rooms.retain(|_, room| room.active || !room.slots.is_empty());
        }
        let rooms = self.rooms.iter().filter(|(id, _)| workload.is_none_or(|workload| workload == *id));
        let alive = rooms.flat_map(|(_, room)| room.slots.values()).filter_map(|slot| match &slot.life {
            Life::Alive(id, _) => Some(id.clone()),
            _ => None,
        });
        let alive = alive.collect();
        let done = self.doomed.iter().filter(|(_, doom)| **doom == Doom::Done).map(|(id, _)| id.clone()).collect();
        (self.ticket, Before { alive, done })
    }

    /// What was done before the list was taken and is not in it needs no remembering.
    fn sweep(&mut self, before: &Before, seen: &HashSet<InstanceId>) {
        self.doomed.retain(|id, doom| *doom != Doom::Done || !before.done.contains(id) || seen.contains(id));
    }
}

impl Shared {
    /// Asks for a pass over one workload. Many at once become one or two.
    pub(super) fn kick(self: &Arc<Self>, workload: &str) {
        self.kick_and_hear(workload, None);
    }

    /// As [`Shared::kick`]; `planned` is told when a pass that began to read after this call has been planned.
    pub(super) fn kick_and_hear(self: &Arc<Self>, workload: &str, planned: Option<tokio::sync::oneshot::Sender<()>>) {
        if self.stopping.is_cancelled() {
            return;
        }
        let mut book = self.book();
        let room = book.rooms.entry(workload.to_owned()).or_default();
        room.dirty = true;
        room.waiters.extend(planned);
        if std::mem::replace(&mut room.active, true) {
            return;
        }
        drop(book);
        let passes = passes(self.clone(), workload.to_owned());
        self.tasks.spawn(self.stopping.clone().run_until_cancelled_owned(passes));
    }

    /// As [`Shared::kick`], then.
    fn kick_at(self: &Arc<Self>, at: tokio::time::Instant, workload: &str) {
        let (shared, workload) = (self.clone(), workload.to_owned());
        let wake = async move {
            tokio::time::sleep_until(at).await;
            shared.kick(&workload);
        };
        self.tasks.spawn(self.stopping.clone().run_until_cancelled_owned(wake));
    }

    /// Plans a pass and carries it out, unless a later one has been planned already.
    fn plan_and_act(
        self: &Arc<Self>,
        id: &str,
        ticket: u64,
        workload: Option<&Workload>,
        observed: &[Observed],
        before: &Before,
    ) {
        let mut guard = self.book();
        let book = &mut *guard;
        let room = book.rooms.entry(id.to_owned()).or_default();
        if room.planned > ticket || self.stopping.is_cancelled() {
            return;
        }
        room.planned = ticket;
        // It may have begun to drain since the desired state was read.
        let workload = workload.filter(|_| !book.draining);
        let plan = plan(id, room, &mut book.doomed, workload, observed, before);
        if let Some(budget) = &self.options.budget {
            for (instance, memory_bytes) in &plan.adopted {
                let ask = crate::Ask { what: id.to_owned(), memory_bytes: *memory_bytes, staging: false };
                book.leases.entry(instance.clone()).or_insert_with(|| budget.adopt(&ask));
            }
        }
        drop(guard);
        self.carry_out(id, plan);
    }

    /// Starts a plan's actions.
    pub(super) fn carry_out(self: &Arc<Self>, workload: &str, plan: Plan) {
        if plan.changed {
            self.publish(workload, plan.routing);
        }
        for crash in plan.crashes {
            tracing::info!(workload, index = crash.index, reason = %crash.reason, crashes = crash.crashes, "an instance crashed");
            let shared = self.clone();
            self.tasks.spawn(async move { shared.observer.crashed(crash).await });
        }
        for action in plan.actions {
            let (shared, workload) = (self.clone(), workload.to_owned());
            match action {
                Action::Launch(spec) => launch(&shared, *spec),
                Action::Monitor { index, id } => monitor::spawn(&shared, &workload, index, &id),
                Action::Dispose { id, running, was_routable } => {
                    self.tasks.spawn(dispose(shared, workload, id, running, was_routable));
                }
                Action::Wake(at) => self.kick_at(at, &workload),
            }
        }
    }
}

/// Passes over one workload until nothing has changed meanwhile.
async fn passes(shared: Arc<Shared>, id: String) {
    loop {
        let (ticket, before, waiters) = {
            let mut book = shared.book();
            let begun = book.begin(Some(&id));
            let room = book.rooms.entry(id.clone()).or_default();
            room.dirty = false;
            (begun.0, begun.1, std::mem::take(&mut room.waiters))
        };
        let read = async {
            let draining = shared.book().draining;
            let workload = if draining { None } else { shared.desired.workload(&id).await? };
            let mut observed = processes(&shared).await?;
            shared.book().sweep(&before, &observed.iter().map(|instance| instance.id.clone()).collect());
            observed.retain(|instance| instance.spec.workload == id);
            Ok::<_, String>((workload, observed))
        };
        match read.await {
            Ok((workload, observed)) => shared.plan_and_act(&id, ticket, workload.as_ref(), &observed, &before),
            Err(error) => {
                tracing::warn!(workload = %id, %error, "left as it is, for what should run or what runs cannot be read");
                shared.kick_at(tokio::time::Instant::now() + RETRY, &id);
            }
        }
        drop(waiters);
        let mut book = shared.book();
        let Some(room) = book.rooms.get_mut(&id) else { return };
        if !room.dirty {
            room.active = false;
            return;
        }
    }
}
