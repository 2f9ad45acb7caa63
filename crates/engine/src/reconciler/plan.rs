//! One pass over one workload, as a pure function: the book is changed, actions come out, nothing is awaited.

use super::Crash;
use super::book::{Doom, Life, Room, Slot};
use crate::{
    Exit, ExitKind, InstanceId, InstanceSpec, InstanceState, Observed, Phase, SETTLED_AFTER, Workload, exit_in_words,
    restart_delay,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio::time::Instant;

/// What is to be done now.
#[derive(Debug)]
pub(super) enum Action {
    /// Start an instance; its slot is `Launching` already.
    Launch(Box<InstanceSpec>),
    /// Watch the health of the slot's instance.
    Monitor { index: u32, id: InstanceId },
    /// Stop (if it runs) and forget.
    Dispose { id: InstanceId, running: bool, was_routable: bool },
    /// Another pass then.
    Wake(Instant),
}

/// What a pass came to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action>,
    pub(super) crashes: Vec<Crash>,
    /// Instances adopted, with the memory that is set aside for them.
    pub(super) adopted: Vec<(InstanceId, u64)>,
    pub(super) changed: bool,
    pub(super) routing: bool,
}

/// What was known before the list was taken: only that makes an absence mean something.
#[derive(Debug, Default, Clone)]
pub(super) struct Before {
    /// Instances alive in the book.
    pub(super) alive: HashSet<InstanceId>,
    /// Instances whose end was done.
    pub(super) done: HashSet<InstanceId>,
}

/// Plans a pass. `workload`: `None` if nothing of it should run. `observed`: its instances as listed.
pub(super) fn plan(
    id: &str,
    room: &mut Room,
    doomed: &mut HashMap<InstanceId, Doom>,
    workload: Option<&Workload>,
    observed: &[Observed],
    before: &Before,
) -> Plan {
    let states: Vec<InstanceState> = room.slots.values().map(|slot| slot.state.clone()).collect();
    let mut pass = Pass { id, room, doomed, workload, before, now: Instant::now(), plan: Plan::default() };
    let unrouted = pass.fit_slots();
    let running = pass.sort_out_ended(observed);
    pass.match_running(running, &unrouted);
    pass.note_vanished(observed);
    pass.fill_missing();
    let mut plan = pass.plan;
    let after = || room.slots.values().map(|slot| &slot.state);
    plan.changed = !after().eq(states.iter());
    let routable = |state: &&InstanceState| state.routable;
    let routed = |state: &InstanceState| (state.instance.clone(), state.address);
    plan.routing = !after().filter(routable).map(routed).eq(states.iter().filter(routable).map(routed));
    plan
}

struct Pass<'a> {
    id: &'a str,
    room: &'a mut Room,
    doomed: &'a mut HashMap<InstanceId, Doom>,
    workload: Option<&'a Workload>,
    before: &'a Before,
    now: Instant,
    plan: Plan,
}

impl Pass<'_> {
    /// One slot for each desired index, of the desired version. Answers which instances were routable and lost their slot.
    fn fit_slots(&mut self) -> HashSet<InstanceId> {
        let mut unrouted = HashSet::new();
        let wanted = self.workload.map_or(0, |workload| workload.instances);
        let version = self.workload.map(|workload| workload.template.version.as_str());
        self.room.slots.retain(|index, slot| {
            let keep = *index < wanted && Some(slot.version.as_str()) == version;
            if !keep && slot.state.routable {
                unrouted.extend(slot.state.instance.clone());
            }
            keep
        });
        let Some(workload) = self.workload else { return unrouted };
        for index in 0..wanted {
            let slot = self.room.slots.entry(index).or_insert_with(|| new_slot(workload, index, self.now));
            let checks = (&workload.health, &workload.readiness);
            if (&slot.checks.0, &slot.checks.1) != checks {
                slot.checks = (workload.health.clone(), workload.readiness.clone());
                if let Life::Alive(id, _) = &slot.life {
                    self.plan.actions.push(Action::Monitor { index, id: id.clone() });
                }
            }
        }
        unrouted
    }

    /// Ended instances are counted as crashes where they are somebody's, and forgotten. Answers those that run, by index.
    fn sort_out_ended<'o>(&mut self, observed: &'o [Observed]) -> BTreeMap<u32, Vec<&'o Observed>> {
        let mut running: BTreeMap<u32, Vec<&Observed>> = BTreeMap::new();
        let mut found: BTreeMap<u32, &Observed> = BTreeMap::new();
        for instance in observed {
            if self.is_on_its_way_out(instance) {
                continue;
            }
            let Some(exit) = &instance.exit else {
                running.entry(instance.spec.index).or_default().push(instance);
                continue;
            };
            let slot = self.room.slots.get(&instance.spec.index);
            if slot.is_some_and(|slot| slot.is_alive(&instance.id)) {
                self.crash(instance.spec.index, &instance.id, exit.clone());
            } else if slot.is_some_and(|slot| slot.state.instance.is_none() && slot.version == instance.spec.version) {
                let newest = found.entry(instance.spec.index).or_insert(instance);
                if (newest.started_at, &newest.id) < (instance.started_at, &instance.id) {
                    *newest = instance;
                }
            }
            self.dispose(&instance.id, false, false);
        }
        // It ended while this process was away; unless its successor runs already, that was a crash.
        for (index, instance) in found {
            if !running.contains_key(&index)
                && let Some(exit) = &instance.exit
            {
                self.crash(index, &instance.id, exit.clone());
            }
        }
        running
    }

    fn is_on_its_way_out(&mut self, instance: &Observed) -> bool {
        match self.doomed.get(&instance.id) {
            None => false,
            Some(Doom::Underway) => true,
            Some(Doom::Failed) => {
                self.dispose(&instance.id, instance.exit.is_none(), false);
                true
            }
            Some(Doom::Done) => {
                // Still there though its end was done before the list was taken: once more.
                if self.before.done.contains(&instance.id) {
                    self.dispose(&instance.id, instance.exit.is_none(), false);
                }
                true
            }
        }
    }

    /// Of each index the newest instance of the right version is kept; the others go, the highest index first.
    fn match_running(&mut self, running: BTreeMap<u32, Vec<&Observed>>, unrouted: &HashSet<InstanceId>) {
        for (index, mut instances) in running.into_iter().rev() {
            instances.sort_by_key(|instance| (instance.started_at, &instance.id));
            let mut kept = false;
            for instance in instances.into_iter().rev() {
                let slot = self.room.slots.get_mut(&index).filter(|slot| slot.version == instance.spec.version);
                let current = slot.as_ref().is_some_and(|slot| slot.is_alive(&instance.id));
                match slot {
                    // Its own action is at it.
                    Some(slot) if slot.life == Life::Launching(instance.id.clone()) => kept = true,
                    Some(slot) if !kept && !matches!(slot.life, Life::Launching(_)) => {
                        kept = true;
                        if !current {
                            self.adopt(index, instance);
                        }
                    }
                    _ => self.dispose(&instance.id, true, current || unrouted.contains(&instance.id)),
                }
            }
        }
    }

    fn adopt(&mut self, index: u32, instance: &Observed) {
        let Some(slot) = self.room.slots.get_mut(&index) else { return };
        let now = jiff::Timestamp::now().as_microsecond();
        let age = std::time::Duration::from_micros(u64::try_from(now - instance.started_at).unwrap_or(0));
        let up = self.now.checked_sub(age).unwrap_or(self.now);
        slot.life = Life::Alive(instance.id.clone(), up);
        slot.state.instance = Some(instance.id.clone());
        slot.state.address = instance.address;
        slot.state.port = instance.spec.ports.first().copied();
        // As what it was known to be; its first probe follows at once.
        slot.enter(if instance.well.is_some() { Phase::Running } else { Phase::Starting });
        slot.state.since = instance.well.map_or(instance.started_at, |well| well.since);
        slot.state.routable = instance.well.is_some_and(|well| well.ready);
        self.plan.adopted.push((instance.id.clone(), instance.spec.limits.reserved()));
        self.plan.actions.push(Action::Monitor { index, id: instance.id.clone() });
    }

    /// Instances that the list should have shown and did not.
    fn note_vanished(&mut self, observed: &[Observed]) {
        let seen: HashSet<&InstanceId> = observed.iter().map(|instance| &instance.id).collect();
        let vanished: Vec<(u32, InstanceId)> = self
            .room
            .slots
            .iter()
            .filter_map(|(index, slot)| match &slot.life {
                Life::Alive(id, _) if self.before.alive.contains(id) && !seen.contains(id) => {
                    Some((*index, id.clone()))
                }
                _ => None,
            })
            .collect();
        for (index, id) in vanished {
            let exit = Exit { kind: ExitKind::Lost, at: jiff::Timestamp::now().as_microsecond() };
            self.crash(index, &id, exit);
        }
    }

    fn fill_missing(&mut self) {
        let Some(workload) = self.workload else { return };
        for (index, slot) in &mut self.room.slots {
            if slot.life != Life::None {
                continue;
            }
            match slot.retry_at {
                Some(at) if at <= self.now => {
                    let spec = InstanceSpec {
                        id: InstanceId::random(),
                        workload: self.id.to_owned(),
                        index: *index,
                        ..workload.template.clone()
                    };
                    slot.life = Life::Launching(spec.id.clone());
                    slot.state.instance = Some(spec.id.clone());
                    slot.state.address = None;
                    slot.state.port = spec.ports.first().copied();
                    slot.enter(Phase::Down);
                    self.plan.actions.push(Action::Launch(Box::new(spec)));
                }
                Some(at) if slot.woken_at != Some(at) => {
                    slot.woken_at = Some(at);
                    self.plan.actions.push(Action::Wake(at));
                }
                _ => {}
            }
        }
    }

    fn crash(&mut self, index: u32, id: &InstanceId, exit: Exit) {
        let Some(slot) = self.room.slots.get_mut(&index) else { return };
        self.plan.crashes.extend(crash(slot, id, exit, self.now));
    }

    fn dispose(&mut self, id: &InstanceId, running: bool, was_routable: bool) {
        self.doomed.insert(id.clone(), Doom::Underway);
        self.plan.actions.push(Action::Dispose { id: id.clone(), running, was_routable });
    }
}

/// The slot's instance is gone: counts it and sets when the next one may come. `None` if it had been told to stop.
pub(super) fn crash(slot: &mut Slot, id: &InstanceId, exit: Exit, now: Instant) -> Option<Crash> {
    let settled = matches!(slot.life, Life::Alive(_, up) if now.duration_since(up) >= SETTLED_AFTER);
    slot.life = Life::None;
    slot.task = None;
    slot.state.instance = Some(id.clone());
    slot.retry_at = Some(now);
    if exit.kind == ExitKind::Stopped {
        slot.enter(Phase::Down);
        return None;
    }
    let crashes = if settled { 1 } else { slot.state.crashes + 1 };
    let reason = exit_in_words(&exit.kind, &slot.limits);
    slot.state.crashes = crashes;
    slot.retry_at = restart_delay(crashes).map(|delay| now + delay);
    slot.state.details = Some(match slot.retry_at {
        Some(_) => reason.clone(),
        None => format!("{reason}; given up after {crashes} crashes in a row"),
    });
    slot.enter(Phase::Crashed);
    let version = slot.version.clone();
    let (workload, index) = (slot.state.workload.clone(), slot.state.index);
    Some(Crash { workload, index, instance: id.clone(), exit, crashes, reason, version })
}

/// A slot that has seen nothing yet.
fn new_slot(workload: &Workload, index: u32, now: Instant) -> Slot {
    Slot {
        state: InstanceState {
            workload: workload.id.clone(),
            index,
            instance: None,
            phase: Phase::Down,
            since: jiff::Timestamp::now().as_microsecond(),
            routable: false,
            address: None,
            port: workload.template.ports.first().copied(),
            crashes: 0,
            details: None,
        },
        life: Life::None,
        version: workload.template.version.clone(),
        limits: workload.template.limits.clone(),
        checks: (workload.health.clone(), workload.readiness.clone()),
        retry_at: Some(now),
        woken_at: None,
        task: None,
    }
}
