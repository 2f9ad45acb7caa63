//! Processes: list, show, change, scale, statistics, single instances.
//!
//! With `embed=process_instances` a list shows each process's instances: what clients ask of a server that advertises
//! 3.211.0 or newer. Lists hide commands; the single process shows them to who may see secrets.

mod stats;

use super::body::{Body, present};
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::show;
use crate::error::Kind;
use crate::model::actions;
use crate::model::check::CheckChange;
use crate::model::label::{Metadata, MetadataPatch};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::droplet::Droplet;
use crate::repo::process::{self as repo, Process};
use crate::repo::record::{self, Record};
use crate::repo::space::Space;
use crate::repo::{allowance, audit, deployment, feature, list, metadata, scope, sidecar};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use store::Tx;

/// What stands for a command in lists.
pub(super) const HIDDEN: &str = "[PRIVATE DATA HIDDEN IN LISTS]";

const LIST: Spec =
    Spec { labels: true, ..Spec::new(&["types", "app_guids", "space_guids", "organization_guids", "embed"]) };

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/processes", list_processes)
        .get("/v3/processes/{guid}", get_process)
        .patch("/v3/processes/{guid}", update_process)
        .post("/v3/processes/{guid}/actions/scale", scale_process)
        .get("/v3/apps/{guid}/processes", list_app_processes)
        .get("/v3/apps/{guid}/processes/{kind}", get_app_process)
        .patch("/v3/apps/{guid}/processes/{kind}", update_app_process)
        .post("/v3/apps/{guid}/processes/{kind}/actions/scale", scale_app_process)
        .merge(stats::routes())
}

/// Which process a path names.
#[derive(Clone)]
pub(super) enum Named {
    Guid(String),
    Type(String, String),
}

impl Named {
    /// Loads it for `caller` to do `action`.
    pub(super) fn load(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        action: &identity::Action,
    ) -> Result<(Process, App, Space), ApiError> {
        match self {
            Self::Guid(guid) => load_part(tx, caller, guid, action, "Process", |process: &Process| &process.app_guid),
            Self::Type(app, kind) => {
                let (app, space) = App::load(tx, caller, app, action)?;
                let process = repo::of_type(tx, &app.guid, kind)?.ok_or_else(|| ApiError::not_found("Process"))?;
                Ok((process, app, space))
            }
        }
    }
}

/// `command`: what the reader is shown in its place; `None` for what staging detected.
pub(super) fn show_process(
    base: &Base,
    process: &Process,
    app: &App,
    command: Option<&str>,
    metadata: &Metadata,
) -> Value {
    let path = format!("/v3/processes/{}", process.guid);
    show::resource(
        &process.guid,
        process.created_at,
        process.updated_at,
        Some(metadata),
        json!({
            "version": process.version,
            "type": process.kind,
            "command": command,
            "user": process.user.as_deref().unwrap_or("vcap"),
            "instances": process.instances,
            "memory_in_mb": process.memory_mb,
            "disk_in_mb": process.disk_mb,
            "log_rate_limit_in_bytes_per_second": process.log_rate,
            "health_check": process.health_check.0.show_health(),
            "readiness_health_check": process.readiness_check.0.show_readiness(),
            "relationships": {
                "app": to_one(Some(&process.app_guid)),
                "revision": process.revision_guid.as_deref().map_or(Value::Null, |guid| to_one(Some(guid))),
            },
            "links": {
                "self": base.link(&path),
                "scale": base.action(&format!("{path}/actions/scale"), "POST"),
                "app": base.link(&format!("/v3/apps/{}", process.app_guid)),
                "space": base.link(&format!("/v3/spaces/{}", app.space_guid)),
                "stats": base.link(&format!("{path}/stats")),
                "process_instances": base.link(&format!("{path}/process_instances")),
            },
        }),
    )
}

/// The process with its command, for who may see it.
fn show_one(
    tx: &mut Tx<'_>,
    caller: &Caller,
    base: &Base,
    (process, app, space): &(Process, App, Space),
) -> Result<Value, ApiError> {
    let secrets = scope::sees_secrets(caller) || scope::may_in_space(tx, caller, space, &actions::SECRETS_READ)?;
    let command = match &process.command {
        _ if !secrets => Some("[PRIVATE DATA HIDDEN]".to_owned()),
        Some(command) => Some(command.clone()),
        None => match &app.droplet_guid {
            Some(guid) => record::find::<Droplet>(tx, guid)?
                .and_then(|droplet| droplet.process_types.0.get(&process.kind).cloned()),
            None => None,
        },
    };
    Ok(show_process(base, process, app, command.as_deref(), &metadata::of(tx, &process.guid)?))
}

async fn list_processes(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    listed(apps, caller, base, params, None).await
}

async fn list_app_processes(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    listed(apps, caller, base, params, Some(guid)).await
}

async fn listed(apps: Apps, caller: Caller, base: Base, params: Params, app: Option<String>) -> Shown {
    let page = Page::parse(params, &LIST)?;
    let embed = match page.filter("embed") {
        None => false,
        Some([only]) if only == "process_instances" => true,
        Some(_) => return Err(ApiError::bad_query("Invalid embed value. Valid values are: 'process_instances'")),
    };
    let state = apps.clone();
    apps.db
        .read(move |tx| {
            let mut narrowed = apps_repo::visible(&scope::Visible::load(tx, &caller, &actions::SPACE_READ)?)
                .add(list::any_of(&page, "types", "kind"))
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_in(&page, "space_guids", "app_guid", |guids| {
                    apps_repo::guids_where("space_guid", guids)
                }))
                .add(list::any_in(&page, "organization_guids", "app_guid", apps_repo::guids_in_organizations));
            if let Some(app) = &app {
                App::load(tx, &caller, app, &actions::SPACE_READ)?;
                narrowed = narrowed.add(Expr::col("app_guid").eq(app.as_str()));
            }
            let listed = list::rows::<Process>(tx, &page, Process::TABLE, Process::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|process| process.guid.clone()))?;
            let owners = show::distinct(listed.rows.iter().map(|process| &process.app_guid));
            let owners: Vec<App> = record::all(tx, Cond::all().add(Expr::col("guid").is_in(owners)))?;
            let owners: HashMap<&str, &App> = owners.iter().map(|app| (app.guid.as_str(), app)).collect();
            let none = Metadata::default();
            let mut shown = Vec::new();
            for process in &listed.rows {
                let Some(app) = owners.get(process.app_guid.as_str()) else { continue };
                let metadata = metadata.get(&process.guid).unwrap_or(&none);
                let mut one = show_process(&base, process, app, Some(HIDDEN), metadata);
                if embed {
                    one["process_instances"] = stats::show_instances(&state, process, app);
                }
                shown.push(one);
            }
            Ok(Json(page.envelope(&base, listed.total, shown)))
        })
        .await
}

async fn get_process(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    get(apps, caller, base, Named::Guid(guid)).await
}

async fn get_app_process(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path((guid, kind)): Path<(String, String)>,
) -> Shown {
    get(apps, caller, base, Named::Type(guid, kind)).await
}

async fn get(apps: Apps, caller: Caller, base: Base, named: Named) -> Shown {
    apps.db
        .read(move |tx| {
            let found = named.load(tx, &caller, &actions::SPACE_READ)?;
            Ok(Json(show_one(tx, &caller, &base, &found)?))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Update {
    #[serde(default, deserialize_with = "present")]
    command: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    user: Option<Option<String>>,
    health_check: Option<CheckChange>,
    readiness_health_check: Option<CheckChange>,
    metadata: Option<MetadataPatch>,
}

async fn update_process(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Shown {
    update(apps, caller, base, Named::Guid(guid), body).await
}

async fn update_app_process(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path((guid, kind)): Path<(String, String)>,
    body: Body<Update>,
) -> Shown {
    update(apps, caller, base, Named::Type(guid, kind), body).await
}

async fn update(apps: Apps, caller: Caller, base: Base, named: Named, body: Body<Update>) -> Shown {
    apps.db
        .write(move |tx| {
            let (mut process, app, space) = named.load(tx, &caller, &actions::SPACE_DEVELOP)?;
            if !deployment::active(tx, Some(&app.guid))?.is_empty() {
                return Err(ApiError::new(
                    Kind::PROCESS_UPDATE_DISABLED_DURING_DEPLOYMENT,
                    "Cannot update this process while a deployment is in flight.",
                ));
            }
            let change = &body.data;
            if let Some(command) = &change.command {
                if command.as_deref().is_some_and(|command| command.trim().is_empty() || command.len() > 4096) {
                    return Err(ApiError::unprocessable("Command must be between 1 and 4096 characters"));
                }
                process.command = command.clone();
            }
            if let Some(user) = &change.user {
                check_user(user.as_deref())?;
                process.user = user.clone();
            }
            for (check, wanted, words) in [
                (&mut process.health_check.0, &change.health_check, "Health check"),
                (&mut process.readiness_check.0, &change.readiness_health_check, "Readiness health check"),
            ] {
                if let Some(wanted) = wanted {
                    check.change(wanted).map_err(|problem| ApiError::unprocessable(format!("{words} {problem}")))?;
                }
            }
            process.save(tx)?;
            metadata::merge(tx, &process.guid, change.metadata.as_ref())?;
            let mut request = body.raw.clone();
            if request.get("command").is_some() {
                request["command"] = json!(audit::HIDDEN);
            }
            let data = json!({"process_guid": process.guid, "process_type": process.kind, "request": request});
            audit::record(tx, &caller, "audit.app.process.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_one(tx, &caller, &base, &(process, app, space))?))
        })
        .await
}

/// Containers know one user.
pub(super) fn check_user(user: Option<&str>) -> Result<(), ApiError> {
    match user {
        None | Some("vcap") => Ok(()),
        Some(other) => Err(ApiError::unprocessable(format!("User \"{other}\" is not allowed; use \"vcap\""))),
    }
}

/// What `actions/scale` takes.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    pub(super) instances: Option<i64>,
    pub(super) memory_in_mb: Option<i64>,
    pub(super) disk_in_mb: Option<i64>,
    pub(super) log_rate_limit_in_bytes_per_second: Option<i64>,
}

impl Scale {
    /// Takes the sizes over; 422 for what cannot be.
    pub(super) fn apply(&self, process: &mut Process) -> Result<(), ApiError> {
        let within = |name: &str, value: Option<i64>, least: i64, most: i64| match value {
            Some(value) if value < least => {
                Err(ApiError::unprocessable(format!("{name} must be greater than or equal to {least}")))
            }
            Some(value) if value > most => {
                Err(ApiError::unprocessable(format!("{name} must be less than or equal to {most}")))
            }
            value => Ok(value),
        };
        process.instances = within("Instances", self.instances, 0, 1000)?.unwrap_or(process.instances);
        process.memory_mb = within("Memory in mb", self.memory_in_mb, 1, 1 << 20)?.unwrap_or(process.memory_mb);
        process.disk_mb = within("Disk in mb", self.disk_in_mb, 1, 1 << 20)?.unwrap_or(process.disk_mb);
        let rate = within("Log rate limit in bytes per second", self.log_rate_limit_in_bytes_per_second, -1, i64::MAX)?;
        process.log_rate = rate.unwrap_or(process.log_rate);
        Ok(())
    }
}

async fn scale_process(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Scale>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    scale(apps, caller, base, Named::Guid(guid), body).await
}

async fn scale_app_process(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path((guid, kind)): Path<(String, String)>,
    body: Body<Scale>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    scale(apps, caller, base, Named::Type(guid, kind), body).await
}

async fn scale(
    apps: Apps,
    caller: Caller,
    base: Base,
    named: Named,
    body: Body<Scale>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let (mut process, app, space) = named.load(tx, &caller, &actions::SPACE_OPERATE)?;
            feature::require(tx, &caller, "app_scaling")?;
            if process.kind == "web" && !deployment::active(tx, Some(&app.guid))?.is_empty() {
                return Err(ApiError::new(
                    Kind::SCALE_DISABLED_DURING_DEPLOYMENT,
                    "Cannot scale this process while a deployment is in flight.",
                ));
            }
            body.data.apply(&mut process)?;
            check_command(tx, &app, &mut process)?;
            process.save(tx)?;
            sidecar::check_memory(tx, &app.guid)?;
            allowance::check(tx, &space)?;
            let data = json!({"process_guid": process.guid, "process_type": process.kind, "request": body.raw});
            audit::record(tx, &caller, "audit.app.process.scale", app.object(), &space.scope(), data)?;
            Ok((StatusCode::ACCEPTED, Json(show_one(tx, &caller, &base, &(process, app, space))?)))
        })
        .await
}

/// A process of a started app that gets its first instances needs a droplet and a command.
pub(super) fn check_command(tx: &mut Tx<'_>, app: &App, process: &mut Process) -> Result<(), ApiError> {
    if !app.is_started() || process.instances == 0 {
        return Ok(());
    }
    if process.droplet_guid.is_none() {
        process.droplet_guid = app.droplet_guid.clone();
    }
    let droplet: Option<Droplet> = match &process.droplet_guid {
        Some(guid) => record::find(tx, guid)?,
        None => None,
    };
    let detected = droplet.is_some_and(|droplet| droplet.process_types.0.contains_key(&process.kind));
    if process.command.is_none() && !detected {
        return Err(ApiError::unprocessable(format!("Process \"{}\" has no start command", process.kind)));
    }
    Ok(())
}
