//! Whatever happens in whatever order, what runs becomes what should run, each index once.

use super::fake::{World, workload};
use engine::{ExitKind, Handle, InstanceId, Phase};
use proptest::prelude::*;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    Want { workload: u8, instances: u32, version: u8 },
    Unwant { workload: u8 },
    Crash { which: prop::sample::Index, kind: u8 },
    Restart { workload: u8, index: u32 },
    ControlDies,
    ControlStops,
    Ill(bool),
    StartsFail(bool),
    DatabaseGone(bool),
    StopsTake(u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3u8, 0..4u32, 0..3u8).prop_map(|(workload, instances, version)| Step::Want { workload, instances, version }),
        1 => (0..3u8).prop_map(|workload| Step::Unwant { workload }),
        4 => (any::<prop::sample::Index>(), 0..3u8).prop_map(|(which, kind)| Step::Crash { which, kind }),
        1 => (0..3u8, 0..4u32).prop_map(|(workload, index)| Step::Restart { workload, index }),
        1 => Just(Step::ControlDies),
        1 => Just(Step::ControlStops),
        1 => any::<bool>().prop_map(Step::Ill),
        1 => any::<bool>().prop_map(Step::StartsFail),
        1 => any::<bool>().prop_map(Step::DatabaseGone),
        1 => (0..15_000u64).prop_map(Step::StopsTake),
        4 => prop_oneof![0..20u64, 0..2_000u64, 0..400_000u64].prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn it_always_converges(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(scenario(steps))?;
    }
}

async fn scenario(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = World::new();
    let mut handle = world.reconciler();
    for step in steps {
        match step {
            Step::Want { workload: id, instances, version } => {
                let id = format!("w{id}");
                world.want(workload(&id, instances, &version.to_string()));
                handle.kick(&id);
            }
            Step::Unwant { workload } => {
                world.unwant(&format!("w{workload}"));
                handle.kick(&format!("w{workload}"));
            }
            Step::Crash { which, kind } => {
                let instances = world.instances.lock().unwrap().clone();
                let running: Vec<_> = instances.iter().filter(|instance| instance.exit.is_none()).collect();
                if !running.is_empty() {
                    let kind = [ExitKind::Code { code: 1 }, ExitKind::OutOfMemory, ExitKind::Stopped]
                        [usize::from(kind)]
                    .clone();
                    world.end(&running[which.index(running.len())].id, kind);
                }
            }
            Step::Restart { workload, index } => {
                handle.restart_instance(&format!("w{workload}"), index);
            }
            // A killed process does nothing more, but what it has asked of the driver still happens, beside its successor.
            Step::ControlDies => {
                let dead = handle.clone();
                let routed = routed(&world, &dead);
                tokio::spawn(async move { dead.stop().await });
                tokio::task::yield_now().await;
                handle = world.reconciler();
                if !*world.database_gone.lock().unwrap() {
                    handle.settled().await;
                    for (workload, index, id) in routed {
                        let found = handle.states(&workload).into_iter().find(|state| state.index == index);
                        let goes_on = found.is_some_and(|state| state.routable && state.instance.as_ref() == Some(&id));
                        prop_assert!(goes_on, "{workload}/{index} left routing with the process that routed to it");
                    }
                }
            }
            Step::ControlStops => {
                handle.stop().await;
                handle = world.reconciler();
            }
            Step::Ill(ill) => {
                let mut answers = world.ill.lock().unwrap();
                answers.clear();
                answers.extend(ill.then(|| ("port", "ill".to_owned())));
            }
            Step::StartsFail(fail) => *world.start_error.lock().unwrap() = fail.then(|| "no".to_owned()),
            Step::DatabaseGone(gone) => *world.database_gone.lock().unwrap() = gone,
            Step::StopsTake(milliseconds) => *world.stop_takes.lock().unwrap() = Duration::from_millis(milliseconds),
            Step::Wait(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
        }
        tokio::task::yield_now().await;
    }
    world.ill.lock().unwrap().clear();
    *world.start_error.lock().unwrap() = None;
    *world.database_gone.lock().unwrap() = false;
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    let desired = world.desired.lock().unwrap().clone();
    let mut expected = Vec::new();
    for workload in desired.values().flatten() {
        let states = handle.states(&workload.id);
        prop_assert_eq!(states.len(), workload.instances as usize);
        prop_assert!(states.iter().all(|state| state.phase == Phase::Running && state.routable), "{:?}", states);
        expected.extend(
            (0..workload.instances).map(|index| format!("{}/{index}@{}", workload.id, workload.template.version)),
        );
    }
    expected.sort();
    prop_assert_eq!(world.running(), expected);
    let ended = world.instances.lock().unwrap().iter().filter(|instance| instance.exit.is_some()).count();
    prop_assert_eq!(ended, 0, "ended instances are forgotten");
    Ok(())
}

/// What is routed to, runs and is to run on: workload, index, instance.
fn routed(world: &World, handle: &Handle) -> Vec<(String, u32, InstanceId)> {
    let (desired, instances) = (world.desired.lock().unwrap(), world.instances.lock().unwrap());
    let mut states = handle.all_states();
    states.retain(|state| {
        let wanted = desired.get(&state.workload).and_then(|row| row.as_ref().ok());
        state.routable
            && wanted.is_some_and(|wanted| {
                state.index < wanted.instances
                    && instances.iter().any(|instance| {
                        state.instance.as_ref() == Some(&instance.id)
                            && instance.exit.is_none()
                            && instance.spec.version == wanted.template.version
                    })
            })
    });
    states.into_iter().filter_map(|state| Some((state.workload, state.index, state.instance?))).collect()
}
