//! An app as a manifest.

use crate::model::check::Check;
use crate::model::size::show_log_rate;
use crate::repo::app::App;
use crate::repo::process::{self, Process};
use crate::repo::route::Route;
use crate::repo::sidecar::{self, Sidecar};
use crate::repo::{destination, domain::Domain, metadata};
use crate::{ApiError, Apps};
use serde_json::{Value, json};
use store::Tx;

/// As `applications[0]` of its manifest.
pub(super) fn application(apps: &Apps, tx: &mut Tx<'_>, app: &App) -> Result<Value, ApiError> {
    let mut shown = json!({"name": app.name, "lifecycle": app.lifecycle, "stack": app.stack});
    let environment = apps.open_environment(app)?;
    if !environment.is_empty() {
        shown["env"] = json!(environment);
    }
    if !app.buildpacks.0.is_empty() {
        shown["buildpacks"] = json!(app.buildpacks.0);
    }
    if !app.features.0.is_empty() {
        shown["features"] = json!(app.features.0);
    }
    let mut routes = Vec::new();
    for destination in destination::destinations_to(tx, &app.guid)? {
        let Some(route) = Route::find(tx, &destination.route_guid)? else { continue };
        let Some(domain) = Domain::find(tx, &route.domain_guid)? else { continue };
        let mut entry = json!({"route": route.url(&domain.name), "protocol": destination.protocol});
        if route.options.as_object().is_some_and(|options| !options.is_empty()) {
            entry["options"] = route.options.clone();
        }
        routes.push(entry);
    }
    if !routes.is_empty() {
        shown["routes"] = routes.into();
    }
    let metadata = metadata::of(tx, &app.guid)?;
    for (name, map) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        if !map.is_empty() {
            shown["metadata"][name] = json!(map);
        }
    }
    let mut processes: Vec<Process> = process::processes(tx, &app.guid)?;
    // During a deployment the new one is what the app will be.
    processes.sort_by_key(|process| std::cmp::Reverse(process.created_at));
    let mut seen = Vec::new();
    processes.retain(|process| {
        let first = !seen.contains(&process.kind);
        seen.push(process.kind.clone());
        first
    });
    processes.sort_by(|a, b| (a.kind != "web", &a.kind).cmp(&(b.kind != "web", &b.kind)));
    shown["processes"] = processes.iter().map(show_process).collect();
    let sidecars: Vec<Value> = sidecar::sidecars(tx, &app.guid)?.iter().map(show_sidecar).collect();
    if !sidecars.is_empty() {
        shown["sidecars"] = sidecars.into();
    }
    Ok(shown)
}

fn show_process(process: &Process) -> Value {
    let mut shown = json!({
        "type": process.kind,
        "instances": process.instances,
        "memory": format!("{}M", process.memory_mb),
        "disk_quota": format!("{}M", process.disk_mb),
        "log-rate-limit-per-second": show_log_rate(process.log_rate),
    });
    if let Some(command) = &process.command {
        shown["command"] = json!(command);
    }
    if let Some(user) = &process.user {
        shown["user"] = json!(user);
    }
    if let Some(timeout) = process.health_check.0.timeout {
        shown["timeout"] = json!(timeout);
    }
    show_check(&mut shown, "health-check", &process.health_check.0);
    show_check(&mut shown, "readiness-health-check", &process.readiness_check.0);
    shown
}

fn show_sidecar(sidecar: &Sidecar) -> Value {
    let mut shown = json!({"name": sidecar.name, "process_types": sidecar.process_types.0, "command": sidecar.command});
    if let Some(memory) = sidecar.memory_mb {
        shown["memory"] = json!(format!("{memory}M"));
    }
    shown
}

fn show_check(shown: &mut Value, prefix: &str, check: &Check) {
    shown[format!("{prefix}-type")] = json!(check.kind);
    if let Some(endpoint) = &check.endpoint {
        shown[format!("{prefix}-http-endpoint")] = json!(endpoint);
    }
    if let Some(seconds) = check.invocation_timeout {
        shown[format!("{prefix}-invocation-timeout")] = json!(seconds);
    }
    if let Some(seconds) = check.interval {
        shown[format!("{prefix}-interval")] = json!(seconds);
    }
}
