//! Following the ledger: an entry about an app makes the reconciler look at its processes and the front door's table
//! new; one about a build or a task begins or ends it.

use super::{DATABASE_PAUSE, build, deployment, desired, route, task};
use crate::Apps;
use futures_util::StreamExt;
use ledger::{Ledger, Record};
use serde_json::Value;
use std::collections::BTreeSet;
use store::StoreError;

/// Follows from `position` on until the platform stops.
pub(super) async fn follow(apps: Apps, position: i64) {
    let mut records = Box::pin(Ledger::new(apps.db.clone()).follow(position));
    loop {
        let record = tokio::select! {
            record = records.next() => record,
            () = apps.run.inner.stopping.cancelled() => return,
        };
        let Some(record) = record else { return };
        while let Err(error) = see(&apps, &record).await {
            // Its build or task would not begin before the next start: the entry is seen once only.
            if let StoreError::Unavailable(_) | StoreError::Conflict(_) = error {
                tracing::warn!(position = record.position, %error, "an entry waits for the database");
                match apps.run.inner.stopping.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await {
                    Some(()) => continue,
                    None => return,
                }
            }
            tracing::warn!(position = record.position, %error, "an entry could not be acted on; all is looked at anew");
            if let Some(handle) = apps.run.reconciler() {
                handle.kick_all();
            }
            break;
        }
    }
}

async fn see(apps: &Apps, record: &Record) -> Result<(), StoreError> {
    match record.object.kind.as_str() {
        "app" => see_app(apps, record).await,
        "route" => route::publish(apps, BTreeSet::from([record.object.id.clone()])).await,
        // What goes with these is more than one app.
        "space" | "organization" | "domain" if record.action.contains("delete") => {
            if let Some(handle) = apps.run.reconciler() {
                handle.kick_all();
            }
            route::publish_all(apps).await
        }
        _ => Ok(()),
    }
}

async fn see_app(apps: &Apps, record: &Record) -> Result<(), StoreError> {
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
    if let Some(handle) = apps.run.reconciler() {
        let of = app.clone();
        let mut processes = apps.db.read(move |tx| desired::processes_of(tx, &of)).await?;
        processes.extend(guids("process_guids"));
        processes.iter().for_each(|process| handle.kick(process));
    }
    let mut routes = guids("route_guids");
    routes.extend(record.data["route_guid"].as_str().map(str::to_owned));
    route::publish_app(apps, &app, routes).await
}
