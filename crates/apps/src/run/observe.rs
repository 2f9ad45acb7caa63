//! What the reconciler sees: crashes and readiness become events and log lines, routability becomes the front door's table.

use super::dress::Turned;
use super::{DATABASE_PAUSE, route};
use crate::repo::app::App;
use crate::repo::process::Process;
use crate::repo::space::Space;
use crate::repo::{audit, record};
use crate::{ApiError, Apps};
use engine::{Crash, ExitKind, Observer};
use futures_util::future::BoxFuture;
use ledger::Object;
use serde_json::json;
use std::time::Duration;

/// The front door has a change within 50 ms (measured: within 5).
const FRONT_DOOR: Duration = Duration::from_millis(50);

/// The reconciler's listener.
pub(super) struct Observing {
    apps: Apps,
}

impl Observing {
    pub(super) fn new(apps: &Apps) -> Self {
        Self { apps: apps.clone() }
    }
}

impl Observer for Observing {
    fn crashed(&self, crash: Crash) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let process = crash.workload.clone();
            let noted = self.apps.db.write(move |tx| note(tx, &crash)).await;
            match noted {
                Ok(Some((app, kind, line))) => {
                    self.apps.run.journal().say(
                        &app,
                        "API",
                        "0",
                        &format!("Process has crashed with type: \"{kind}\""),
                    );
                    self.apps.run.journal().say(&app, "API", "0", &line);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(process, %error, "a crash could not be noted"),
            }
        })
    }

    fn routable_changed<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = route::publish_process(&self.apps, workload).await {
                tracing::warn!(process = workload, %error, "routes are not up to date until the database is back");
                let apps = self.apps.clone();
                // One for all that changes meanwhile.
                self.apps.run.begin("routes", move |stop| async move {
                    while stop.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await.is_some()
                        && route::publish_all(&apps).await.is_err()
                    {}
                });
                return;
            }
            tokio::time::sleep(FRONT_DOOR).await;
        })
    }
}

/// What an instance's readiness check says has changed. Routing does not wait for the event, and events keep the order of
/// what they tell of: one task at a time writes them.
pub(super) fn turned(apps: &Apps, turned: Turned) {
    let mut turns = super::lock(&apps.run.inner.turns);
    turns.push_back(turned.clone());
    if turns.len() > 1 {
        return;
    }
    let work = apps.clone();
    apps.run.inner.tasks.spawn(async move {
        let mut first = Some(turned);
        while let Some(turned) = first {
            let process = turned.process.clone();
            if let Err(error) = tell_turn(&work, turned).await {
                tracing::warn!(process, %error, "a change of readiness could not be noted");
            }
            // In one step, so that whoever adds one to an empty queue knows that nobody is at it.
            let mut turns = super::lock(&work.run.inner.turns);
            turns.pop_front();
            first = turns.front().cloned();
        }
    });
}

async fn tell_turn(apps: &Apps, turned: Turned) -> Result<(), ApiError> {
    let process = turned.process.clone();
    let process = apps.db.read(move |tx| record::find::<Process>(tx, &process)).await?;
    // Without a check of its own, ready is what is well.
    let Some(process) = process.filter(|process| process.readiness_check.0.kind != "process") else { return Ok(()) };
    let (app, index, ready) = (process.app_guid.clone(), turned.index.to_string(), turned.ready);
    apps.db.write(move |tx| note_turn(tx, &process, &turned)).await?;
    let words = if ready {
        "Container passed the readiness health check. Container marked ready and added to route pool."
    } else {
        "Container failed the readiness health check. Container marked not ready and removed from route pool."
    };
    apps.run.journal().say(&app, "CELL", &index, words);
    Ok(())
}

fn note_turn(tx: &mut store::Tx<'_>, process: &Process, turned: &Turned) -> Result<(), ApiError> {
    let Some(app) = App::find(tx, &process.app_guid)? else { return Ok(()) };
    let Some(space) = Space::find(tx, &app.space_guid)? else { return Ok(()) };
    let data = json!({ "instance": turned.instance.0, "index": turned.index, "cell_id": "local" });
    let actor = Object::new("process", &process.guid, process.kind.clone());
    let action = if turned.ready { "audit.app.process.ready" } else { "audit.app.process.not-ready" };
    audit::append(tx, actor, action, app.object(), &space.scope(), data)?;
    Ok(())
}

/// Writes both events of a crash; answers app, process type and a line for its log.
fn note(tx: &mut store::Tx<'_>, crash: &Crash) -> Result<Option<(String, String, String)>, ApiError> {
    let Some(process) = record::find::<Process>(tx, &crash.workload)? else { return Ok(None) };
    let Some(app) = App::find(tx, &process.app_guid)? else { return Ok(None) };
    let Some(space) = Space::find(tx, &app.space_guid)? else { return Ok(None) };
    let kind = process.kind.to_ascii_uppercase();
    let status = match crash.exit.kind {
        ExitKind::Code { code } => code,
        ExitKind::Signal { signal } => 128 + signal,
        ExitKind::OutOfMemory => 137,
        _ => 0,
    };
    let described = match &crash.exit.kind {
        ExitKind::Code { code } => format!("APP/PROC/{kind}: Exited with status {code}"),
        ExitKind::OutOfMemory => format!("APP/PROC/{kind}: Exited with status 137 (out of memory)"),
        _ => format!("APP/PROC/{kind}: {}", crash.reason),
    };
    let data = json!({
        "instance": crash.instance.0,
        "index": crash.index,
        "cell_id": "local",
        "exit_status": status,
        "exit_description": described,
        "reason": "CRASHED",
    });
    let mut full = data.clone();
    full["crash_count"] = json!(crash.crashes);
    full["crash_timestamp"] = json!(crash.exit.at.saturating_mul(1000));
    full["version"] = json!(crash.version);
    let scope = space.scope();
    let actor = Object::new("process", &process.guid, process.kind.clone());
    audit::append(tx, actor, "audit.app.process.crash", app.object(), &scope, full.clone())?;
    let actor = Object::new("app", &app.guid, app.name.clone());
    audit::append(tx, actor, "app.crash", app.object(), &scope, data)?;
    let line = format!("App instance exited with guid {} payload: {full}", app.guid);
    Ok(Some((app.guid, process.kind, line)))
}
