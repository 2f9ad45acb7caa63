//! Deployments: new instances in small steps, old ones leave as new ones are well. Canary deployments wait on their way.
//!
//! Invariant: an old instance goes only for a new one that is well. Each step is one unit of work computed from what is stored and what runs, so a step that was lost
//! is taken anew, and a restart of this process only pauses it.

use crate::model::time;
use crate::repo::app::App;
use crate::repo::deployment::{self as repo, CANCELING, Deployment, PAUSED};
use crate::repo::process::{self, Process};
use crate::repo::space::Space;
use crate::repo::{audit, record};
use crate::{ApiError, Apps};
use engine::Phase;
use identity::Caller;
use ledger::Object;
use serde_json::json;
use std::time::Duration;
use store::{StoreError, Tx};
use tokio_util::sync::CancellationToken;

/// Without any news, everything is looked at so often.
const LOOK: Duration = Duration::from_secs(1);
/// A cancelled deployment waits so long for the old instances to be well again; microseconds.
const PATIENCE_MICROS: i64 = 180_000_000;

/// Takes up all that go on.
pub(super) async fn resume(apps: &Apps) -> Result<(), StoreError> {
    for deployment in apps.db.read(|tx| repo::active(tx, None)).await? {
        begin(apps, &deployment.guid);
    }
    Ok(())
}

/// Takes up those of an app that go on.
pub(super) async fn resume_of(apps: &Apps, app: &str) -> Result<(), StoreError> {
    let app = app.to_owned();
    for deployment in apps.db.read(move |tx| repo::active(tx, Some(&app))).await? {
        begin(apps, &deployment.guid);
    }
    Ok(())
}

fn begin(apps: &Apps, guid: &str) {
    let (owned, runner) = (guid.to_owned(), apps.clone());
    apps.run.begin(guid, move |cancel| async move { drive(&runner, &owned, &cancel).await });
}

/// Steps until the deployment has ended or gone.
async fn drive(apps: &Apps, guid: &str, cancel: &CancellationToken) {
    let Some(handle) = apps.run.reconciler() else { return };
    let mut news = handle.watch();
    loop {
        let (state, wanted) = (apps.clone(), guid.to_owned());
        let done = if waits(apps, guid).await {
            Ok(Step::Wait)
        } else {
            apps.db.write(move |tx| step(&state, tx, &wanted)).await
        };
        match done {
            Ok(Step::Over) => return,
            Ok(Step::Wait) => {}
            Err(error) => tracing::warn!(deployment = guid, %error, "a step of a deployment failed; it is taken again"),
        }
        tokio::select! {
            _ = tokio::time::timeout(LOOK, news.recv()) => {}
            () = cancel.cancelled() => return,
        }
    }
}

/// Does it wait to be continued? That may take days, so it is only read.
async fn waits(apps: &Apps, guid: &str) -> bool {
    let guid = guid.to_owned();
    let found = apps.db.read(move |tx| record::find::<Deployment>(tx, &guid)).await;
    found.is_ok_and(|found: Option<Deployment>| found.is_some_and(|one| one.status == "ACTIVE" && one.reason == PAUSED))
}

enum Step {
    Over,
    Wait,
}

/// Instances of a process that are well.
fn well(apps: &Apps, process: &Process) -> i64 {
    let states = apps.run.states(&process.guid, u32::try_from(process.instances).unwrap_or(0));
    let well = states.iter().filter(|state| state.phase == Phase::Running && state.routable);
    i64::try_from(well.count()).unwrap_or(i64::MAX)
}

fn step(apps: &Apps, tx: &mut Tx<'_>, guid: &str) -> Result<Step, ApiError> {
    let Some(mut deployment) = record::find::<Deployment>(tx, guid)?.filter(|found| found.status == "ACTIVE") else {
        return Ok(Step::Over);
    };
    let Some(mut app) = App::find(tx, &deployment.app_guid)? else { return Ok(Step::Over) };
    let Some(space) = Space::find(tx, &app.space_guid)? else { return Ok(Step::Over) };
    let all = process::processes(tx, &app.guid)?;
    let (new, mut old): (Vec<Process>, Vec<Process>) = all
        .into_iter()
        .filter(|one| one.kind == deployment.process_type)
        .partition(|one| one.guid == deployment.process_guid);
    let Some(mut new) = new.into_iter().next() else { return Ok(Step::Over) };
    let changed = if deployment.reason == PAUSED {
        false
    } else if deployment.reason == CANCELING {
        cancel(apps, tx, &mut app, &mut deployment, &new, &mut old)?
    } else {
        roll(apps, tx, &mut app, &mut deployment, &mut new, &mut old)?
    };
    if changed {
        deployment.updated_at = time::now();
        record::save(tx, &deployment)?;
        let processes: Vec<&String> = old.iter().map(|one| &one.guid).chain([&new.guid]).collect();
        let data = json!({
            "deployment_guid": guid,
            "status": deployment.status,
            "reason": deployment.reason,
            "process_guids": processes,
        });
        let action = "deployment.step";
        audit::append(
            tx,
            Caller::system().actor(),
            action,
            Object::new("app", &app.guid, &app.name),
            &space.scope(),
            data,
        )?;
    }
    Ok(if deployment.status == "ACTIVE" { Step::Wait } else { Step::Over })
}

fn roll(
    apps: &Apps,
    tx: &mut Tx<'_>,
    app: &mut App,
    deployment: &mut Deployment,
    new: &mut Process,
    old: &mut [Process],
) -> Result<bool, StoreError> {
    let well_now = well(apps, new);
    let (step, in_flight) = (deployment.step(), deployment.options.0.max_in_flight);
    let target = step.map_or(deployment.target_instances, |step| step.new);
    let mut changed = false;
    // Old ones leave for new ones that are well; what a superseded deployment had begun leaves first. A canary deployment
    // keeps those of its step.
    let mut keep = (deployment.original_instances - well_now).max(step.map_or(0, |step| step.old));
    for process in old.iter_mut() {
        let wanted = process.instances.min(keep);
        keep -= wanted;
        if wanted != process.instances {
            process.instances = wanted;
            process.save(tx)?;
            (deployment.healthy_at, changed) = (time::now(), true);
        }
    }
    if well_now >= target && step.is_some() {
        deployment.reason = PAUSED.into();
        deployment.status_at = time::now();
        return Ok(true);
    }
    if well_now >= target {
        for process in old.iter() {
            process.remove(tx, app)?;
        }
        promote(tx, app, deployment, new)?;
        return Ok(true);
    }
    let next = (well_now + in_flight).min(target).max(new.instances);
    if next != new.instances {
        new.instances = next;
        new.save(tx)?;
        changed = true;
    }
    Ok(changed)
}

/// The new process is the app's; the other types are started anew with the same droplet.
fn promote(tx: &mut Tx<'_>, app: &App, deployment: &mut Deployment, new: &mut Process) -> Result<(), StoreError> {
    new.instances = deployment.target_instances;
    new.save(tx)?;
    for mut process in process::processes(tx, &app.guid)? {
        if process.kind != deployment.process_type {
            process.version = app.version.clone();
            process.droplet_guid = Some(deployment.droplet_guid.clone());
            process.revision_guid.clone_from(&deployment.revision_guid);
            process.save(tx)?;
        }
    }
    deployment.end("DEPLOYED");
    Ok(())
}

/// Brings the instances of the oldest process back, which ran before, then takes the others away.
fn cancel(
    apps: &Apps,
    tx: &mut Tx<'_>,
    app: &mut App,
    deployment: &mut Deployment,
    new: &Process,
    old: &mut [Process],
) -> Result<bool, StoreError> {
    let Some((first, rest)) = old.split_first_mut() else {
        // Nothing to go back to: what has been rolled out stays.
        deployment.end("CANCELED");
        return Ok(true);
    };
    let mut changed = false;
    if first.instances != deployment.original_instances {
        first.instances = deployment.original_instances;
        first.save(tx)?;
        changed = true;
    }
    // What does not get well again was not well before either.
    if well(apps, first) >= first.instances || time::now() - deployment.status_at > PATIENCE_MICROS {
        for process in rest.iter().chain([new]) {
            process.remove(tx, app)?;
        }
        app.droplet_guid = first.droplet_guid.clone();
        app.save(tx)?;
        deployment.end("CANCELED");
        changed = true;
    }
    Ok(changed)
}
