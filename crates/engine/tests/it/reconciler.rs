//! The reconciler's promises, one by one.

use super::fake::{World, spec, workload};
use engine::*;
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(200);

async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn phases(handle: &Handle, workload: &str) -> Vec<(Phase, bool)> {
    handle.states(workload).iter().map(|state| (state.phase, state.routable)).collect()
}

/// How many indexes there are, all of them neither well nor routable.
fn begun(handle: &Handle) -> usize {
    let states = phases(handle, "web");
    assert!(states.iter().all(|state| matches!(state, (Phase::Down | Phase::Starting, false))), "{states:?}");
    states.len()
}

fn details(handle: &Handle) -> String {
    handle.states("web")[0].details.clone().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn starts_scales_replaces_and_stops() {
    let world = World::new();
    let handle = world.reconciler();
    world.want(workload("web", 2, "1"));
    handle.reconcile("web").await;
    // Every index is there from the first moment, and none is well.
    assert_eq!(begun(&handle), 2);
    pass(SOON).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true); 2]);
    world.want(workload("web", 3, "2"));
    handle.reconcile("web").await;
    assert_eq!(begun(&handle), 3);
    pass(SOON).await;
    assert_eq!(world.running(), ["web/0@2", "web/1@2", "web/2@2"]);
    world.want(workload("web", 1, "2"));
    handle.reconcile("web").await;
    pass(SOON).await;
    assert_eq!(world.running(), ["web/0@2"]);
    world.unwant("web");
    handle.reconcile("web").await;
    assert!(handle.states("web").is_empty());
    pass(SOON).await;
    assert!(world.instances.lock().unwrap().is_empty(), "ended instances are forgotten");
    assert_eq!(
        handle.states_of("web", 2).iter().map(|s| (s.index, s.phase)).collect::<Vec<_>>(),
        [(0, Phase::Down), (1, Phase::Down)]
    );
}

#[tokio::test(start_paused = true)]
async fn surplus_goes_highest_first_and_leaves_routing_first() {
    let world = World::new();
    world.want(workload("web", 3, "1"));
    let handle = world.reconciler();
    pass(SOON).await;
    world.story.lock().unwrap().clear();
    world.want(workload("web", 1, "1"));
    handle.reconcile("web").await;
    pass(SOON).await;
    let story = world.story();
    assert_eq!(story[0], "routing web");
    assert_eq!(story.iter().filter(|line| line.starts_with("stop")).collect::<Vec<_>>(), ["stop web/2", "stop web/1"]);
}

#[tokio::test(start_paused = true)]
async fn crashes_back_off_and_are_told_in_words() {
    let world = World::new();
    world.want(workload("web", 1, "1"));
    let handle = world.reconciler();
    for crash in 1..=4 {
        pass(SOON).await;
        let id = world.running_id("web", 0).unwrap_or_else(|| panic!("restarted at once before crash {crash}"));
        world.end(&id, ExitKind::Code { code: 1 });
    }
    pass(Duration::from_secs(29)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Crashed, false)]);
    assert_eq!(details(&handle), "exited with status 1");
    pass(Duration::from_secs(2)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true)]);
    let told: Vec<(u32, String)> =
        world.crashes.lock().unwrap().iter().map(|crash| (crash.crashes, crash.reason.clone())).collect();
    assert_eq!(told, (1..=4).map(|n| (n, "exited with status 1".to_owned())).collect::<Vec<_>>());
    // Five minutes up, and it counts from the beginning again.
    pass(Duration::from_secs(301)).await;
    world.end(&world.running_id("web", 0).unwrap(), ExitKind::OutOfMemory);
    pass(SOON).await;
    assert_eq!(world.crashes.lock().unwrap().last().unwrap().crashes, 1);
    assert_eq!(world.running(), ["web/0@1"]);
}

#[tokio::test(start_paused = true)]
async fn after_200_crashes_it_is_given_up_until_somebody_restarts_it() {
    let world = World::new();
    *world.start_error.lock().unwrap() = Some("no stack `x` is installed".into());
    world.want(workload("web", 1, "1"));
    let handle = world.reconciler();
    pass(Duration::from_secs(300 * 16 * 60)).await;
    assert_eq!(world.crashes.lock().unwrap().len(), 200);
    assert_eq!(
        details(&handle),
        "could not be started: no stack `x` is installed; given up after 200 crashes in a row"
    );
    *world.start_error.lock().unwrap() = None;
    assert!(handle.restart_instance("web", 0) && !handle.restart_instance("web", 1));
    pass(SOON).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true)]);
}

#[tokio::test(start_paused = true)]
async fn never_well_is_a_crash_with_its_reason() {
    let world = World::new();
    world.ill.lock().unwrap().insert("port", "nothing listens on port 8080".into());
    world.ill.lock().unwrap().insert("http", "GET /health answered 503".into());
    world.want(workload("web", 1, "1"));
    let handle = world.reconciler();
    pass(Duration::from_secs(59)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Starting, false)]);
    pass(Duration::from_secs(4)).await;
    assert_eq!(details(&handle), "did not open port 8080 within 60 s");
    assert_eq!(world.crashes.lock().unwrap().len(), 1);
    let mut other = workload("web", 1, "2");
    other.health.kind = HealthKind::Http { endpoint: "/health".into() };
    world.want(other);
    handle.kick("web");
    pass(Duration::from_secs(64)).await;
    assert_eq!(details(&handle), "health check: GET /health answered 503; not well within 60 s");
    assert_eq!(world.instances.lock().unwrap().len(), 1, "the ill instance was ended and forgotten");
}

#[tokio::test(start_paused = true)]
async fn liveness_ends_what_stays_ill_and_overlooks_one_missed_probe() {
    let world = World::new();
    world.want(workload("web", 1, "1"));
    let handle = world.reconciler();
    pass(SOON).await;
    let first = world.running_id("web", 0);
    let ill = |world: &Arc<World>| world.ill.lock().unwrap().insert("port", "its port did not answer".into());
    ill(&world);
    pass(Duration::from_millis(30_300)).await;
    world.ill.lock().unwrap().clear();
    pass(Duration::from_secs(30)).await;
    assert_eq!(world.running_id("web", 0), first);
    ill(&world);
    pass(Duration::from_secs(32)).await;
    assert_ne!(world.running_id("web", 0), first);
    assert_eq!(details(&handle), "health check: its port did not answer");
}

#[tokio::test(start_paused = true)]
async fn readiness_only_takes_from_routing() {
    let world = World::new();
    let mut web = workload("web", 1, "1");
    web.readiness.kind = HealthKind::Http { endpoint: "/ready".into() };
    world.ill.lock().unwrap().insert("http", "GET /ready answered 503".into());
    world.want(web);
    let handle = world.reconciler();
    pass(SOON).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, false)]);
    assert_eq!(details(&handle), "not ready: GET /ready answered 503");
    world.ill.lock().unwrap().clear();
    pass(Duration::from_secs(3)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true)]);
    world.ill.lock().unwrap().insert("http", "GET /ready answered 503".into());
    pass(Duration::from_secs(31)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, false)]);
    assert!(world.crashes.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_process_adopts_what_runs_without_taking_it_from_routing() {
    let world = World::new();
    let web = workload("web", 3, "1");
    let old = world.put_well(&web, 0, Duration::from_secs(3600), true);
    let young = world.put_well(&web, 1, Duration::from_millis(1), true);
    let twin = world.put_well(&web, 2, Duration::from_secs(50), true);
    let newer_twin = world.put_well(&web, 2, Duration::from_secs(40), true);
    let stale = world.put_well(&workload("gone", 1, "1"), 0, Duration::from_secs(3600), true);
    world.want(web);
    // The first picture does not wait for what probes see.
    *world.probe_takes.lock().unwrap() = Duration::from_millis(900);
    let handle = world.reconciler();
    handle.settled().await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true); 3]);
    let ids: Vec<_> = handle.states("web").into_iter().map(|state| state.instance.unwrap()).collect();
    assert_eq!(ids, [old, young, newer_twin]);
    pass(SOON).await;
    let left = world.instances.lock().unwrap().iter().filter(|i| i.id == twin || i.id == stale).count();
    assert_eq!(left, 0);
    assert!(!world.story().iter().any(|line| line.starts_with("start")));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_well_or_not_ready_is_adopted_as_that() {
    let world = World::new();
    let mut web = workload("web", 3, "1");
    web.readiness.kind = HealthKind::Http { endpoint: "/ready".into() };
    // However old it is.
    world.put(&web, 0, Duration::from_secs(3600));
    world.put_well(&web, 1, Duration::from_secs(3600), false);
    world.put_well(&web, 2, Duration::from_secs(3600), true);
    world.want(web);
    *world.probe_takes.lock().unwrap() = Duration::from_millis(100);
    let handle = world.reconciler();
    handle.settled().await;
    assert_eq!(phases(&handle, "web"), [(Phase::Starting, false), (Phase::Running, false), (Phase::Running, true)]);
    pass(Duration::from_secs(1)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true); 3]);
}

#[tokio::test(start_paused = true)]
async fn what_was_well_and_is_not_any_more_leaves_routing_after_a_second_look() {
    let world = World::new();
    let web = workload("web", 1, "1");
    let id = world.put_well(&web, 0, Duration::from_secs(3600), true);
    world.want(web);
    world.ill.lock().unwrap().insert("port", "nothing listens on port 8080".into());
    let handle = world.reconciler();
    pass(Duration::from_millis(500)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true)], "one missed probe is none");
    pass(Duration::from_secs(1)).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Starting, false)]);
    // It has its start-up time again before it is ended.
    pass(Duration::from_secs(50)).await;
    assert_eq!(world.running_id("web", 0), Some(id.clone()));
    pass(Duration::from_secs(15)).await;
    assert_ne!(world.running_id("web", 0), Some(id));
    assert_eq!(details(&handle), "did not open port 8080 within 60 s");
}

#[tokio::test(start_paused = true)]
async fn wellness_is_noted_before_routing_changes() {
    let world = World::new();
    let mut web = workload("web", 1, "1");
    web.readiness = HealthCheck {
        kind: HealthKind::Http { endpoint: "/ready".into() },
        interval: Duration::from_secs(1),
        ..web.readiness
    };
    world.want(web);
    world.reconciler();
    pass(SOON).await;
    world.ill.lock().unwrap().insert("http", "GET /ready answered 503".into());
    pass(Duration::from_secs(2)).await;
    world.ill.lock().unwrap().clear();
    pass(Duration::from_secs(2)).await;
    let told = ["start web/0", "note web/0 ready", "routing web", "note web/0 well", "routing web"];
    assert_eq!(world.story(), [&told[..], &["note web/0 ready", "routing web"]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_nobody_looked_is_told_once() {
    let world = World::new();
    let web = workload("web", 1, "1");
    let id = world.put(&web, 0, Duration::from_secs(10));
    world.end(&id, ExitKind::Signal { signal: 9 });
    world.want(web);
    let handle = world.reconciler();
    pass(SOON).await;
    handle.stop().await;
    world.reconciler();
    pass(SOON).await;
    assert_eq!(
        world.crashes.lock().unwrap().iter().map(|c| c.reason.as_str()).collect::<Vec<_>>(),
        ["killed by signal 9 (SIGKILL)"]
    );
    assert_eq!(world.running(), ["web/0@1"]);
}

#[tokio::test(start_paused = true)]
async fn tasks_and_staging_runs_are_not_touched() {
    let world = World::new();
    for purpose in [Purpose::Task, Purpose::Staging] {
        let template = InstanceSpec { purpose, ..spec("job", "1") };
        world.put(&Workload { template, ..workload("job", 1, "1") }, 0, Duration::from_secs(1));
    }
    world.reconciler();
    pass(Duration::from_secs(120)).await;
    assert_eq!(world.running().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_unreadable_row_stops_nobody_and_nobody_else() {
    let world = World::new();
    world.want(workload("good", 1, "1"));
    world.want(workload("bad", 1, "1"));
    let handle = world.reconciler();
    pass(SOON).await;
    world.desired.lock().unwrap().insert("bad".into(), Err("row 7 is no JSON".into()));
    world.want(workload("good", 2, "1"));
    handle.kick_all();
    pass(Duration::from_secs(100)).await;
    assert_eq!(world.running(), ["bad/0@1", "good/0@1", "good/1@1"]);
    assert_eq!(phases(&handle, "bad"), [(Phase::Running, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_changes_nothing_and_is_seen_when_back() {
    let world = World::new();
    world.want(workload("web", 1, "1"));
    let handle = world.reconciler();
    pass(SOON).await;
    *world.database_gone.lock().unwrap() = true;
    handle.kick("web");
    pass(Duration::from_secs(100)).await;
    assert_eq!(world.running(), ["web/0@1"]);
    world.want(workload("web", 2, "1"));
    *world.database_gone.lock().unwrap() = false;
    pass(Duration::from_secs(3)).await;
    assert_eq!(world.running(), ["web/0@1", "web/1@1"]);
}

#[tokio::test(start_paused = true)]
async fn one_workloads_trouble_blocks_no_other() {
    let world = World::new();
    *world.stop_takes.lock().unwrap() = Duration::from_secs(3600);
    *world.hanging.lock().unwrap() = Some("hangs".into());
    world.want(workload("hangs", 1, "1"));
    world.want(workload("slow", 1, "1"));
    let handle = world.reconciler();
    pass(SOON).await;
    // Its old instance takes an hour to stop; its new one does not wait for that.
    world.want(workload("slow", 1, "2"));
    world.want(workload("web", 2, "1"));
    handle.kick("slow");
    handle.kick("web");
    pass(SOON).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true); 2]);
    assert_eq!(phases(&handle, "slow"), [(Phase::Running, true)]);
    pass(Duration::from_secs(62)).await;
    assert_eq!(
        handle.states("hangs")[0].details.as_deref(),
        Some("could not be started: its container was not set up within 60 s")
    );
}

#[tokio::test(start_paused = true)]
async fn memory_is_waited_for_visibly_and_given_back() {
    let world = World::new();
    let budget = Budget::new(Room { memory_bytes: 600 << 20, staging_slots: 1 });
    world.want(workload("web", 3, "1"));
    let handle = world.reconciler_with(Options { budget: Some(budget.clone()), ..Options::default() });
    pass(SOON).await;
    assert_eq!(phases(&handle, "web").iter().filter(|(phase, _)| *phase == Phase::Running).count(), 2);
    let waiting = handle.states("web").into_iter().find(|state| state.phase == Phase::Down).unwrap();
    assert_eq!(waiting.details.as_deref(), Some("waits for free memory on this host, place 1 in the queue"));
    // Restarted with a new version, in place of the old one.
    world.want(workload("web", 2, "2"));
    handle.kick("web");
    pass(SOON).await;
    assert_eq!(world.running(), ["web/0@2", "web/1@2"]);
    assert_eq!((budget.used().1, budget.queue().len()), (512 << 20, 0));
    let mut huge = workload("huge", 1, "1");
    huge.template.limits.memory_bytes = 1 << 40;
    world.want(huge);
    handle.kick("huge");
    pass(SOON).await;
    assert!(handle.states("huge")[0].details.as_deref().unwrap().contains("asks for 1 TB of memory"));
}

#[tokio::test(start_paused = true)]
async fn what_is_set_aside_counts_and_not_what_may_be_used() {
    let world = World::new();
    let budget = Budget::new(Room { memory_bytes: 600 << 20, staging_slots: 1 });
    let mut web = workload("web", 4, "1");
    web.template.limits.reserved_bytes = Some(100 << 20);
    world.put_well(&web, 0, Duration::from_secs(60), true);
    world.want(web);
    let handle = world.reconciler_with(Options { budget: Some(budget.clone()), ..Options::default() });
    pass(SOON).await;
    assert_eq!(phases(&handle, "web"), [(Phase::Running, true); 4]);
    assert_eq!(budget.used().1, 400 << 20, "adopted ones count as those that were started");
}

#[test]
fn limits_of_older_records_set_aside_what_may_be_used() {
    let mut limits = serde_json::to_value(&spec("web", "1").limits).unwrap();
    limits.as_object_mut().unwrap().remove("reserved_bytes");
    let limits: Limits = serde_json::from_value(limits).unwrap();
    assert_eq!(limits.reserved(), limits.memory_bytes);
}

#[tokio::test(start_paused = true)]
async fn changes_are_heard_and_draining_ends_everything() {
    let world = World::new();
    let handle = world.reconciler();
    let mut watch = handle.watch();
    world.want(workload("web", 2, "1"));
    handle.kick("web");
    assert_eq!(watch.recv().await.unwrap(), "web");
    pass(SOON).await;
    assert_eq!(handle.drain(Duration::from_secs(20)).await, 0);
    assert!(world.running().is_empty());
    world.want(workload("web", 3, "1"));
    handle.kick("web");
    pass(Duration::from_secs(100)).await;
    assert!(world.running().is_empty(), "a stopped reconciler starts nothing");
}
