//! Following the ledger: an entry about an app makes the reconciler look at its processes and the front door's table
//! new; one about a build or a task begins or ends it.
//!
//! Entries that are there together are seen together, so that a burst of changes costs a few readings and the front door
//! is never far behind.

use super::{DATABASE_PAUSE, build, deployment, desired, route, task};
use crate::Apps;
use futures_util::StreamExt;
use ledger::{Ledger, Record};
use serde_json::Value;
use std::collections::BTreeSet;
use store::StoreError;

/// Entries that are seen together at most.
const TOGETHER: usize = 128;

/// Follows from `position` on until the platform stops.
pub(super) async fn follow(apps: Apps, position: i64) {
    let mut records = Box::pin(Ledger::new(apps.db.clone()).follow(position).ready_chunks(TOGETHER));
    loop {
        let entries = tokio::select! {
            entries = records.next() => entries,
            () = apps.run.inner.stopping.cancelled() => return,
        };
        let Some(entries) = entries else { return };
        // Seeing an entry twice does no harm.
        while let Err(error) = see(&apps, &entries).await {
            let position = entries.first().map(|entry| entry.position);
            // Its build or task would not begin before the next start: the entry is seen once only.
            if let StoreError::Unavailable(_) | StoreError::Conflict(_) = error {
                tracing::warn!(position, %error, "entries wait for the database");
                match apps.run.inner.stopping.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await {
                    Some(()) => continue,
                    None => return,
                }
            }
            tracing::warn!(position, %error, "an entry could not be acted on; all is looked at anew");
            if let Some(handle) = apps.run.reconciler() {
                handle.kick_all();
            }
            break;
        }
    }
}

/// What some entries have changed.
#[derive(Default)]
struct Changed {
    apps: BTreeSet<String>,
    processes: BTreeSet<String>,
    routes: BTreeSet<String>,
    everything: bool,
}

async fn see(apps: &Apps, entries: &[Record]) -> Result<(), StoreError> {
    let mut changed = Changed::default();
    for entry in entries {
        match entry.object.kind.as_str() {
            "app" => see_app(apps, entry, &mut changed).await?,
            "route" => drop(changed.routes.insert(entry.object.id.clone())),
            // What goes with these is more than one app.
            "space" | "organization" | "domain" if entry.action.contains("delete") => changed.everything = true,
            _ => {}
        }
    }
    let (of, mut routes, mut processes) = (changed.apps, changed.routes, changed.processes);
    if !of.is_empty() {
        let found = apps.db.read(move |tx| {
            let (mut processes, mut routes) = (Vec::new(), BTreeSet::new());
            for app in &of {
                processes.extend(desired::processes_of(tx, app)?);
                routes.append(&mut route::routes_to(tx, app)?);
            }
            Ok::<_, StoreError>((processes, routes))
        });
        let (of_apps, mut to_apps) = found.await?;
        processes.extend(of_apps);
        routes.append(&mut to_apps);
    }
    if let Some(handle) = apps.run.reconciler() {
        match changed.everything {
            true => handle.kick_all(),
            false => processes.iter().for_each(|process| handle.kick(process)),
        }
    }
    match changed.everything {
        true => route::publish_all(apps).await,
        false => route::publish(apps, routes).await,
    }
}

async fn see_app(apps: &Apps, record: &Record, changed: &mut Changed) -> Result<(), StoreError> {
    let app = record.object.id.clone();
    let guids = |name: &str| {
        let list = record.data[name].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    match record.action.as_str() {
        "audit.app.build.create" => {
            return match record.data["build_guid"].as_str() {
                Some(build) => build::begin(apps, build).await,
                None => Ok(()),
            };
        }
        "audit.app.task.create" | "audit.app.task.cancel" => {
            return match record.data["task_guid"].as_str() {
                Some(task) => task::begin(apps, task).await,
                None => Ok(()),
            };
        }
        "audit.app.package.delete" => {
            guids("build_guids").iter().for_each(|build| apps.run.cancel(build));
            return Ok(());
        }
        "audit.app.deployment.create" | "audit.app.deployment.cancel" | "audit.app.deployment.continue" => {
            deployment::resume_of(apps, &app).await?;
        }
        "audit.app.delete-request" => {
            for guid in guids("task_guids").iter().chain(&guids("build_guids")) {
                apps.run.cancel(guid);
            }
            let (run, owned) = (apps.run.clone(), app.clone());
            apps.run.begin(&app, move |cancel| async move { build::forget_app(&run, &owned, &cancel).await });
        }
        _ => {}
    }
    changed.processes.extend(guids("process_guids"));
    changed.routes.extend(guids("route_guids"));
    changed.routes.extend(record.data["route_guid"].as_str().map(str::to_owned));
    changed.apps.insert(app);
    Ok(())
}
