//! Tasks and staging runs.

use super::fake::{Driver, World, spec};
use engine::{ExitKind, InstanceId, InstanceSpec, Purpose, attach, run_once};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn task() -> InstanceSpec {
    InstanceSpec { id: InstanceId::random(), purpose: Purpose::Task, ..spec("task", "1") }
}

#[tokio::test(start_paused = true)]
async fn runs_to_its_end_and_is_found_again() {
    let (world, spec) = (World::new(), task());
    let driver = Driver(world.clone());
    let cancel = CancellationToken::new();
    let ended = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.end(&spec.id, ExitKind::Code { code: 3 });
    };
    let (exit, ()) = tokio::join!(run_once(&driver, &spec, &cancel), ended);
    assert_eq!(exit.kind, ExitKind::Code { code: 3 });
    // As after a restart, before the result was stored: it does not run again.
    assert_eq!(run_once(&driver, &spec, &cancel).await.kind, ExitKind::Code { code: 3 });
    assert_eq!(world.story(), ["start task/0"]);
    assert!(attach(&driver, &InstanceId::random(), &cancel).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_and_during() {
    let (world, spec) = (World::new(), task());
    let driver = Driver(world.clone());
    let cancel = CancellationToken::new();
    let during = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    };
    let (exit, ()) = tokio::join!(run_once(&driver, &spec, &cancel), during);
    assert_eq!(exit.kind, ExitKind::Stopped);
    let other = task();
    assert_eq!(run_once(&driver, &other, &cancel).await.kind, ExitKind::Stopped);
    assert_eq!(world.story(), ["start task/0", "stop task/0"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_started_says_why() {
    let world = World::new();
    *world.start_error.lock().unwrap() = Some("no room on the disk".into());
    let exit = run_once(&Driver(world), &task(), &CancellationToken::new()).await;
    assert_eq!(exit.kind, ExitKind::NotStarted { reason: "no room on the disk".into() });
}
