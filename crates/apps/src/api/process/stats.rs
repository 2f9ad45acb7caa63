//! Instances: what each does and uses. One entry for every desired index from the first moment, because clients read an
//! empty list as success.

use super::Named;
use crate::api::caller::{Reader, Writer};
use crate::api::routes::Routes;
use crate::model::{actions, environment, time};
use crate::repo::app::App;
use crate::repo::audit;
use crate::repo::process::Process;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use engine::{InstanceState, Phase};
use http::StatusCode;
use identity::Caller;
use serde_json::{Value, json};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/processes/{guid}/stats", get_stats)
        .get("/v3/processes/{guid}/process_instances", list_instances)
        .delete("/v3/processes/{guid}/instances/{index}", delete_instance)
        .get("/v3/apps/{guid}/processes/{kind}/stats", get_app_stats)
        .get("/v3/apps/{guid}/processes/{kind}/process_instances", list_app_instances)
        .delete("/v3/apps/{guid}/processes/{kind}/instances/{index}", delete_app_instance)
}

type Shown = Result<Json<Value>, ApiError>;

/// States of all desired instances. Of an app that is not started each is down.
fn states(apps: &Apps, process: &Process, app: &App) -> Vec<InstanceState> {
    let mut states = apps.run.states(&process.guid, u32::try_from(process.instances).unwrap_or(0));
    if !app.is_started() {
        for state in &mut states {
            (state.phase, state.routable, state.details) = (Phase::Down, false, None);
        }
    }
    states
}

fn seconds_since(micros: i64) -> i64 {
    ((time::now() - micros) / 1_000_000).max(0)
}

/// As embedded in lists.
pub(super) fn show_instances(apps: &Apps, process: &Process, app: &App) -> Value {
    let show = |state: &InstanceState| json!({"index": state.index, "state": state.phase, "since": seconds_since(state.since)});
    states(apps, process, app).iter().map(show).collect()
}

async fn get_stats(State(apps): State<Apps>, Reader(caller): Reader, Path(guid): Path<String>) -> Shown {
    stats(apps, caller, Named::Guid(guid)).await
}

async fn get_app_stats(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path((guid, kind)): Path<(String, String)>,
) -> Shown {
    stats(apps, caller, Named::Type(guid, kind)).await
}

async fn stats(apps: Apps, caller: Caller, named: Named) -> Shown {
    let (process, app, _) = apps.db.read(move |tx| named.load(tx, &caller, &actions::SPACE_READ)).await?;
    let mut resources = Vec::new();
    for state in states(&apps, &process, &app) {
        resources.push(show_stats(&apps, &process, &state).await);
    }
    Ok(Json(json!({ "resources": resources })))
}

async fn show_stats(apps: &Apps, process: &Process, state: &InstanceState) -> Value {
    // Clients of Cloud Foundry show `details` of what is starting as an error, which a slow start is not: that is ours to tell.
    let slow = |details: &&String| state.phase == Phase::Starting && details.starts_with("waits for port");
    let waits_for = state.details.as_ref().filter(slow);
    let mut base = json!({
        "type": process.kind,
        "index": state.index,
        "state": state.phase,
        "routable": state.routable,
        "uptime": seconds_since(state.since),
        "isolation_segment": null,
        "details": if waits_for.is_some() { None } else { state.details.as_ref() },
    });
    if let Some(waits_for) = waits_for {
        base["waits_for"] = json!(waits_for);
    }
    let (Some(instance), true) = (&state.instance, state.phase != Phase::Down) else { return base };
    let mut full = base;
    let usage = apps.run.usage(instance).await.map(|(usage, share)| {
        json!({
            "time": time::format(time::now()),
            "cpu": share,
            "cpu_entitlement": null,
            "mem": usage.memory_bytes,
            "disk": usage.disk_bytes,
            "log_rate": 0,
        })
    });
    let address = state.address.map(|address| address.to_string()).unwrap_or_default();
    let ports = state.port.map_or_else(Vec::new, |port| {
        vec![json!({
            "external": port,
            "internal": port,
            "external_tls_proxy_port": null,
            "internal_tls_proxy_port": null,
        })]
    });
    let own = [
        ("instance_guid", json!(instance.0)),
        ("host", json!(address)),
        ("instance_internal_ip", json!(address)),
        ("mem_quota", json!(process.memory_mb << 20)),
        ("disk_quota", json!(process.disk_mb << 20)),
        ("fds_quota", json!(environment::FILES)),
        ("log_rate_limit", json!(process.log_rate)),
        ("instance_ports", json!(ports)),
        ("usage", usage.unwrap_or_else(|| json!({}))),
    ];
    for (name, value) in own {
        full[name] = value;
    }
    full
}

async fn list_instances(State(apps): State<Apps>, Reader(caller): Reader, Path(guid): Path<String>) -> Shown {
    instances(apps, caller, Named::Guid(guid)).await
}

async fn list_app_instances(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path((guid, kind)): Path<(String, String)>,
) -> Shown {
    instances(apps, caller, Named::Type(guid, kind)).await
}

async fn instances(apps: Apps, caller: Caller, named: Named) -> Shown {
    let (process, app, _) = apps.db.read(move |tx| named.load(tx, &caller, &actions::SPACE_READ)).await?;
    Ok(Json(json!({ "resources": show_instances(&apps, &process, &app) })))
}

async fn delete_instance(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, index)): Path<(String, u32)>,
) -> Result<StatusCode, ApiError> {
    restart(apps, caller, Named::Guid(guid), index).await
}

async fn delete_app_instance(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, kind, index)): Path<(String, String, u32)>,
) -> Result<StatusCode, ApiError> {
    restart(apps, caller, Named::Type(guid, kind), index).await
}

async fn restart(apps: Apps, caller: Caller, named: Named, index: u32) -> Result<StatusCode, ApiError> {
    let process = apps
        .db
        .write(move |tx| {
            let (process, app, space) = named.load(tx, &caller, &actions::SPACE_OPERATE)?;
            if i64::from(index) >= process.instances || !app.is_started() {
                return Err(ApiError::not_found("Instance"));
            }
            let data = json!({"process_guid": process.guid, "process_type": process.kind, "process_index": index});
            audit::record(tx, &caller, "audit.app.process.terminate_instance", app.object(), &space.scope(), data)?;
            Ok(process)
        })
        .await?;
    apps.run.restart_instance(&process.guid, index);
    Ok(StatusCode::NO_CONTENT)
}
