//! Usage events: entries of the ledger about one object, `app_usage`, so that they have its order and are never changed.
//!
//! Processes are written by `repo/process.rs` and apps by `repo/app.rs` alone, which tell of every change of what runs. A series
//! begins anew with an entry [`RESTART`]; what was before it is not listed any more.

use super::app::App;
use super::audit;
use super::build::Build;
use super::droplet::UsedBuildpack;
use super::process::Process;
use super::record;
use super::space::Space;
use super::task::Task;
use crate::model::usage_event::Footprint;
use identity::Caller;
use ledger::{Filter, Object};
use sea_query::{Cond, Expr, ExprTrait};
use serde_json::{Value, json};
use store::{StoreError, Tx};

/// The object of all usage events.
pub const OBJECT: &str = "app_usage";
/// Before the state, in the action of an event.
pub const PREFIX: &str = "usage.app.";
/// The series begins anew.
const RESTART: &str = "usage.restart";

/// An event about an app, without what it is about.
fn about(tx: &mut Tx<'_>, app: &App, state: (&str, &str)) -> Result<Value, StoreError> {
    let space = Space::find(tx, &app.space_guid)?;
    let (name, organization) = space.map(|space| (space.name, space.organization_guid)).unwrap_or_default();
    Ok(json!({
        "state": {"current": state.0, "previous": state.1},
        "app": {"guid": app.guid, "name": app.name},
        "process": {"guid": null, "type": null},
        "space": {"guid": app.space_guid, "name": name},
        "organization": {"guid": organization},
        "buildpack": {"guid": null, "name": null},
        "task": {"guid": null, "name": null},
        "memory_in_mb_per_instance": {"current": null, "previous": null},
        "instance_count": {"current": null, "previous": null},
    }))
}

fn append(tx: &mut Tx<'_>, state: &str, data: Value) -> Result<(), StoreError> {
    let object = Object::new("usage", OBJECT, OBJECT);
    audit::append(tx, Caller::system().actor(), &format!("{PREFIX}{state}"), object, &[], data).map(|_| ())
}

/// Tells of a process whose footprint was `before` and is `after`, if that is to be told.
pub(super) fn process_changed(
    tx: &mut Tx<'_>,
    app: &App,
    process: &Process,
    before: Footprint,
    after: Footprint,
) -> Result<(), StoreError> {
    if !after.tells(before) {
        return Ok(());
    }
    let mut data = about(tx, app, (after.state(), before.state()))?;
    data["process"] = json!({"guid": process.guid, "type": process.kind});
    data["memory_in_mb_per_instance"] = json!({"current": after.memory_mb, "previous": before.memory_mb});
    data["instance_count"] = json!({"current": after.instances, "previous": before.instances});
    append(tx, after.state(), data)
}

/// Tells that a task begins, or has ended.
pub fn task_changed(tx: &mut Tx<'_>, app: &App, task: &Task) -> Result<(), StoreError> {
    let state = if task.is_over() { ("TASK_STOPPED", "TASK_STARTED") } else { ("TASK_STARTED", "TASK_STOPPED") };
    let mut data = about(tx, app, state)?;
    data["task"] = json!({"guid": task.guid, "name": task.name});
    data["memory_in_mb_per_instance"] = json!({"current": task.memory_mb, "previous": task.memory_mb});
    data["instance_count"] = json!({"current": 1, "previous": 1});
    append(tx, state.0, data)
}

/// Tells that a build begins, or has ended; with the buildpack that made its droplet, which is told too.
pub fn build_changed(
    tx: &mut Tx<'_>,
    app: &App,
    build: &Build,
    buildpack: Option<&UsedBuildpack>,
) -> Result<(), StoreError> {
    let over = build.state != super::build::STAGING;
    let state = if over { ("STAGING_STOPPED", "STAGING_STARTED") } else { ("STAGING_STARTED", "STAGING_STOPPED") };
    let mut data = about(tx, app, state)?;
    data["memory_in_mb_per_instance"] = json!({"current": build.memory_mb, "previous": build.memory_mb});
    data["instance_count"] = json!({"current": 1, "previous": 1});
    append(tx, state.0, data)?;
    let Some(used) = buildpack else { return Ok(()) };
    let stack = build.lifecycle.0.stack.as_deref().unwrap_or_default();
    let known = super::buildpack::buildpack_named(tx, &used.name, stack)?.map(|known| known.guid);
    let mut data = about(tx, app, ("BUILDPACK_SET", if app.is_started() { "STARTED" } else { "STOPPED" }))?;
    data["buildpack"] = json!({"guid": known, "name": used.name});
    append(tx, "BUILDPACK_SET", data)
}

/// The position in the ledger after which the series lies.
pub fn beginning(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let filter = Filter {
        object_ids: vec![OBJECT.into()],
        actions: vec![RESTART.into()],
        descending: true,
        limit: 1,
        ..Filter::default()
    };
    Ok(ledger::find(tx, &filter)?.0.first().map_or(0, |record| record.position))
}

/// Begins the series anew with what runs now.
pub fn restart(tx: &mut Tx<'_>, caller: &Caller) -> Result<(), StoreError> {
    audit::append(tx, caller.actor(), RESTART, Object::new("usage", OBJECT, OBJECT), &[], json!({}))?;
    for app in record::all::<App>(tx, Cond::all().add(Expr::col("state").eq(super::app::STARTED)))? {
        for process in super::process::processes(tx, &app.guid)? {
            let now = process.footprint(&app);
            process_changed(tx, &app, &process, Footprint { started: false, ..now }, now)?;
        }
    }
    Ok(())
}
