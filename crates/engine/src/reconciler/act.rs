//! Starting and ending single instances.

use super::book::{Doom, Life, Shared, Slot};
use super::monitor;
use super::plan::{Action, Plan, crash};
use crate::{Ask, EngineError, Exit, ExitKind, InstanceId, InstanceSpec, Lease, Phase};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A driver that has not set up a container by then has failed.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The front door hears of a change within 50 ms; a dead one must not keep an instance from stopping.
const UNROUTE_LIMIT: Duration = Duration::from_secs(2);
/// After an instance could not be stopped or forgotten.
const RETRY: Duration = Duration::from_secs(5);

/// Starts `spec`, for which its slot is `Launching`: waits for memory, for its turn, then asks the driver.
pub(super) fn launch(shared: &Arc<Shared>, spec: InstanceSpec) {
    let cancel = CancellationToken::new();
    if !with_slot(shared, &spec, |slot| slot.task = Some(cancel.clone().drop_guard())) {
        return;
    }
    let (task, shared) = (shared.clone(), shared.clone());
    shared.tasks.spawn(async move {
        let lease = tokio::select! {
            lease = memory(&task, &spec) => lease,
            () = cancel.cancelled() => return,
            () = task.stopping.cancelled() => return,
        };
        let lease = match lease {
            Ok(lease) => lease,
            Err(reason) => return failed(&task, &spec, reason),
        };
        let permit = tokio::select! {
            permit = task.starts.acquire() => permit.expect("the semaphore is never closed"),
            () = cancel.cancelled() => return,
            () = task.stopping.cancelled() => return,
        };
        if !with_slot(&task, &spec, |slot| slot.enter(Phase::Starting)) {
            return;
        }
        task.publish(&spec.workload, false);
        let result = tokio::time::timeout(START_LIMIT, task.engine.start(&spec)).await;
        drop(permit);
        started(&task, &spec, lease, result).await;
    });
}

async fn started(
    shared: &Arc<Shared>,
    spec: &InstanceSpec,
    lease: Option<Lease>,
    result: Result<Result<crate::Observed, EngineError>, tokio::time::error::Elapsed>,
) {
    match result {
        Ok(Ok(observed)) => {
            let taken = with_slot(shared, spec, |slot| {
                slot.life = Life::Alive(spec.id.clone(), Instant::now());
                slot.state.address = observed.address;
                slot.state.since = observed.started_at;
            });
            if taken {
                shared.book().leases.extend(lease.map(|lease| (spec.id.clone(), lease)));
                shared.publish(&spec.workload, false);
                monitor::spawn(shared, &spec.workload, spec.index, &spec.id);
                // It may have ended before it was known to be alive.
                shared.kick(&spec.workload);
            } else {
                // Nobody wants it any more.
                shared.book().doomed.insert(spec.id.clone(), Doom::Underway);
                dispose(shared.clone(), spec.workload.clone(), spec.id.clone(), true, false).await;
            }
        }
        Ok(Err(error)) => failed(shared, spec, error.to_string()),
        Err(_) => {
            shared.book().doomed.insert(spec.id.clone(), Doom::Underway);
            failed(shared, spec, format!("its container was not set up within {} s", START_LIMIT.as_secs()));
            dispose(shared.clone(), spec.workload.clone(), spec.id.clone(), true, false).await;
        }
    }
}

/// The memory for it, once there is some.
async fn memory(shared: &Arc<Shared>, spec: &InstanceSpec) -> Result<Option<Lease>, String> {
    let Some(budget) = &shared.options.budget else { return Ok(None) };
    let what = format!("instance {} of {}", spec.index, spec.workload);
    let ask = Ask { what, memory_bytes: spec.limits.reserved(), staging: false };
    let ticket = budget.ask(ask).map_err(|error| error.to_string())?;
    let lease = ticket.admitted(|place| {
        if with_slot(shared, spec, |slot| slot.state.details = Some(place.to_string())) {
            shared.publish(&spec.workload, false);
        }
    });
    Ok(Some(lease.await))
}

fn failed(shared: &Arc<Shared>, spec: &InstanceSpec, reason: String) {
    let exit = Exit { kind: ExitKind::NotStarted { reason }, at: jiff::Timestamp::now().as_microsecond() };
    let mut crashed = None;
    with_slot(shared, spec, |slot| crashed = crash(slot, &spec.id, exit, Instant::now()));
    let plan = Plan { crashes: crashed.into_iter().collect(), changed: true, ..Plan::default() };
    shared.carry_out(&spec.workload, plan);
    shared.kick(&spec.workload);
}

/// The instance is not well: it crashed in the sense of the policy, and is ended.
pub(super) fn unhealthy(shared: &Arc<Shared>, workload: &str, index: u32, id: &InstanceId, reason: String) {
    let plan = {
        let mut guard = shared.book();
        let book = &mut *guard;
        let slot = book.rooms.get_mut(workload).and_then(|room| room.slots.get_mut(&index));
        let Some(slot) = slot.filter(|slot| slot.is_alive(id)) else { return };
        let exit = Exit { kind: ExitKind::Unhealthy { reason }, at: jiff::Timestamp::now().as_microsecond() };
        let routing = slot.state.routable;
        let crashes = crash(slot, id, exit, Instant::now()).into_iter().collect();
        book.doomed.insert(id.clone(), Doom::Underway);
        let actions = vec![Action::Dispose { id: id.clone(), running: true, was_routable: routing }];
        Plan { actions, crashes, changed: true, routing, ..Plan::default() }
    };
    shared.carry_out(workload, plan);
    shared.kick(workload);
}

/// Stops an instance if it runs and forgets it; its place in `doomed` is `Underway`.
pub(super) async fn dispose(shared: Arc<Shared>, workload: String, id: InstanceId, running: bool, was_routable: bool) {
    if was_routable {
        let _ = tokio::time::timeout(UNROUTE_LIMIT, shared.observer.routable_changed(&workload)).await;
    }
    let known = |result: Result<(), EngineError>| match result {
        Err(EngineError::Unknown(_)) => Ok(()),
        other => other,
    };
    let end = async {
        if running {
            known(shared.engine.stop(&id).await)?;
        }
        known(shared.engine.forget(&id).await)
    };
    let doom = match end.await {
        Ok(()) => Doom::Done,
        Err(error) => {
            tracing::warn!(instance = %id.0, %workload, %error, "an instance could not be ended; trying again");
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = shared.stopping.cancelled() => {}
            }
            Doom::Failed
        }
    };
    let lease = {
        let mut book = shared.book();
        book.doomed.insert(id.clone(), doom);
        if doom == Doom::Done { book.leases.remove(&id) } else { None }
    };
    drop(lease);
    shared.kick(&workload);
}

/// Changes the slot that is launching `spec`; answers whether there is one.
fn with_slot(shared: &Shared, spec: &InstanceSpec, change: impl FnOnce(&mut Slot)) -> bool {
    let mut book = shared.book();
    let slot = book.rooms.get_mut(&spec.workload).and_then(|room| room.slots.get_mut(&spec.index));
    let Some(slot) = slot.filter(|slot| slot.life == Life::Launching(spec.id.clone())) else { return false };
    change(slot);
    true
}
