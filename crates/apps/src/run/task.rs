//! Tasks: each runs once, when the budget admits it; its state follows its exit. One that runs while this process ends is
//! found again.

use super::desired::{facts, limits, root, variables, whole};
use crate::model::{environment, time};
use crate::repo::app::App;
use crate::repo::droplet::Droplet;
use crate::repo::space::Space;
use crate::repo::task::Task;
use crate::repo::{audit, record, usage_event};
use crate::{ApiError, Apps};
use engine::{Ask, Exit, ExitKind, InstanceId, InstanceSpec, Lease, LogTag, Place, Purpose, exit_in_words, run_once};
use identity::Caller;
use sea_query::{Expr, ExprTrait};
use serde_json::json;
use std::time::Duration;
use store::StoreError;
use tokio_util::sync::CancellationToken;

/// Takes up what has not ended.
pub(super) async fn resume(apps: &Apps) -> Result<(), StoreError> {
    let open = apps.db.read(|tx| {
        let condition = Expr::col("state").is_in(["PENDING", "RUNNING", "CANCELING"]);
        record::all::<Task>(tx, condition)
    });
    for task in open.await? {
        begin(apps, &task.guid).await?;
    }
    Ok(())
}

/// Begins a task that has not ended and is not under way; stops one that is to be cancelled.
pub(super) async fn begin(apps: &Apps, guid: &str) -> Result<(), StoreError> {
    let (owned, runner) = (guid.to_owned(), apps.clone());
    apps.run.begin(guid, move |cancel| async move { run(&runner, &owned, &cancel).await });
    let wanted = guid.to_owned();
    let task: Option<Task> = apps.db.read(move |tx| record::find(tx, &wanted)).await?;
    if task.is_some_and(|task| task.state == "CANCELING") {
        apps.run.cancel(guid);
    }
    Ok(())
}

struct Parts {
    task: Task,
    app: App,
    droplet: Droplet,
    facts: environment::Facts,
}

async fn run(apps: &Apps, guid: &str, cancel: &CancellationToken) {
    let _lease = match admit(apps, guid, cancel).await {
        Ok(Admission::Granted(lease)) => lease,
        Ok(Admission::Over) => return,
        Ok(Admission::Refused(reason)) => return end(apps, guid, Err(reason)).await,
        Err(error) => return tracing::error!(task = guid, %error, "a task could not be begun; it is at the next start"),
    };
    let wanted = guid.to_owned();
    let parts = match super::write_at_last(apps, move |tx| Ok(take(tx, &wanted)?)).await {
        Ok(Some(parts)) => parts,
        Ok(None) => return,
        Err(error) => return tracing::error!(task = guid, %error, "a task could not be begun; it is at the next start"),
    };
    let id = InstanceId(guid.to_owned());
    let dressed = super::dressed(apps);
    let (result, kind) = match spec(apps, &parts).await {
        Ok(spec) => {
            // Stopping the platform only lets go of a task: `run_once` must not hear of it, or it would end it.
            let own = CancellationToken::new();
            let running = run_once(&*dressed, &spec, &own);
            tokio::pin!(running);
            let exit = tokio::select! {
                exit = &mut running => exit,
                () = cancel.cancelled() => {
                    if apps.run.is_stopping() {
                        return;
                    }
                    own.cancel();
                    running.await
                }
            };
            (outcome(&exit, &spec), Some(exit.kind))
        }
        Err(reason) => (Err(reason), None),
    };
    end(apps, guid, result).await;
    let ran = !matches!(kind, None | Some(ExitKind::NotStarted { .. }));
    if ran && let Err(error) = dressed.forget(&id).await {
        tracing::warn!(task = guid, %error, "what is left of a task stays");
    }
}

/// Whether a task may run.
enum Admission {
    /// It has the memory (if there is a bound).
    Granted(Option<Lease>),
    /// It never will.
    Refused(String),
    /// It has ended or gone, or the platform stops.
    Over,
}

/// Waits for a task's memory; meanwhile it stays `PENDING`, and its app's log says why. One that was begun already has it.
async fn admit(apps: &Apps, guid: &str, cancel: &CancellationToken) -> Result<Admission, ApiError> {
    let wanted = guid.to_owned();
    let found: Option<Task> = apps.db.read(move |tx| record::find(tx, &wanted)).await?;
    let Some(task) = found.filter(|task| !task.is_over()) else { return Ok(Admission::Over) };
    let Some(budget) = &apps.run.rooms().budget else { return Ok(Admission::Granted(None)) };
    let ask = Ask {
        what: format!("task {} of {}", task.name, task.app_guid),
        memory_bytes: limits(task.memory_mb, task.disk_mb, task.log_rate).memory_bytes,
        staging: false,
    };
    let begun = apps.run.rooms().engine.list().await.map_err(ApiError::internal)?;
    if begun.iter().any(|instance| instance.id.0 == guid) {
        return Ok(Admission::Granted(Some(budget.adopt(&ask))));
    }
    let ticket = match budget.ask(ask) {
        Ok(ticket) => ticket,
        Err(error) => return Ok(Admission::Refused(format!("the task {error}"))),
    };
    let source_type = format!("APP/TASK/{}", label(&task.name));
    let say = |place: Place| {
        apps.run.journal().say(&task.app_guid, &source_type, "0", &format!("The task {place}"));
    };
    tokio::select! {
        lease = ticket.admitted(say) => Ok(Admission::Granted(Some(lease))),
        // As at any other end of the platform, it begins at the next start.
        () = cancel.cancelled() => Ok(match apps.run.is_stopping() {
            true => Admission::Over,
            false => Admission::Refused("it was called off before it began".into()),
        }),
    }
}

/// Stores how a task ended.
async fn end(apps: &Apps, guid: &str, result: Result<(), String>) {
    let stored = guid.to_owned();
    let done = super::write_at_last(apps, move |tx| Ok(finish(tx, &stored, &result)?)).await;
    if let Err(error) = done {
        tracing::error!(task = guid, %error, "the end of a task could not be stored; it is read again at the next start");
    }
}

fn take(tx: &mut store::Tx<'_>, guid: &str) -> Result<Option<Parts>, StoreError> {
    let Some(mut task) = record::find::<Task>(tx, guid)?.filter(|task| !task.is_over()) else { return Ok(None) };
    let (Some(app), Some(droplet)) = (App::find(tx, &task.app_guid)?, record::find::<Droplet>(tx, &task.droplet_guid)?)
    else {
        return Ok(None);
    };
    if task.state == "PENDING" {
        task.state = "RUNNING".into();
        task.updated_at = time::now();
        record::save(tx, &task)?;
        note(tx, &app, &task)?;
    }
    let mut facts = facts(tx, "", &app)?;
    (facts.memory_mb, facts.disk_mb) = (whole(task.memory_mb), whole(task.disk_mb));
    Ok(Some(Parts { task, app, droplet, facts }))
}

async fn spec(apps: &Apps, parts: &Parts) -> Result<InstanceSpec, String> {
    let (group, variables) = variables(apps, &parts.app, "running").await?;
    let mut facts = parts.facts.clone();
    facts.api = apps.config.url.clone();
    let task = &parts.task;
    let name = label(&task.name);
    Ok(InstanceSpec {
        id: InstanceId(task.guid.clone()),
        workload: task.guid.clone(),
        version: task.droplet_guid.clone(),
        index: 0,
        purpose: Purpose::Task,
        root: root(apps, &parts.droplet).await?,
        argv: staging::launch_argv(&task.command),
        env: environment::task(&facts, &group, &variables),
        cwd: "/home/vcap/app".into(),
        limits: limits(task.memory_mb, task.disk_mb, task.log_rate),
        ports: Vec::new(),
        egress: true,
        grace: Duration::from_secs(10),
        log: LogTag { source: parts.app.guid.clone(), source_type: format!("APP/TASK/{name}"), instance: "0".into() },
        companions: Vec::new(),
    })
}

/// A task's name as part of a source type.
fn label(name: &str) -> String {
    name.replace(|letter: char| letter.is_whitespace() || letter.is_control(), "-")
}

fn outcome(exit: &Exit, spec: &InstanceSpec) -> Result<(), String> {
    match &exit.kind {
        ExitKind::Code { code: 0 } => Ok(()),
        ExitKind::Code { code } => {
            Err(format!("APP/TASK/{}: Exited with status {code}", spec.log.source_type.trim_start_matches("APP/TASK/")))
        }
        kind => Err(exit_in_words(kind, &spec.limits)),
    }
}

fn finish(tx: &mut store::Tx<'_>, guid: &str, result: &Result<(), String>) -> Result<(), StoreError> {
    let Some(mut task) = record::find::<Task>(tx, guid)?.filter(|task| !task.is_over()) else { return Ok(()) };
    let cancelled = task.state == "CANCELING";
    match result {
        Ok(()) => task.state = "SUCCEEDED".into(),
        Err(reason) => {
            task.state = "FAILED".into();
            task.failure_reason = Some(if cancelled { "task was cancelled".into() } else { reason.clone() });
        }
    }
    task.updated_at = time::now();
    record::save(tx, &task)?;
    let Some(app) = App::find(tx, &task.app_guid)? else { return Ok(()) };
    usage_event::task_changed(tx, &app, &task)?;
    note(tx, &app, &task)
}

/// Tells followers of the ledger of a task's new state.
fn note(tx: &mut store::Tx<'_>, app: &App, task: &Task) -> Result<(), StoreError> {
    let space = Space::find(tx, &app.space_guid)?;
    let scope = space.as_ref().map(Space::scope);
    let data = json!({"state": task.state, "app_guid": app.guid, "failure_reason": task.failure_reason});
    let scope = scope.as_ref().map_or(&[][..], |scope| &scope[..]);
    audit::append(tx, Caller::system().actor(), "task.state", task.object(), scope, data).map(|_| ())
}
