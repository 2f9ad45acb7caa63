//! Deployments: replacing an app's web process without a gap. The steps are in `run/deployment.rs`.

use super::body::Body;
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::package::{MetadataOnly, Relationships, app_of};
use super::page::{Page, Params, Spec};
use super::process::Scale;
use super::routes::Routes;
use super::show;
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, time};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::deployment::{self as repo, Deployment, Options};
use crate::repo::droplet::Droplet;
use crate::repo::process::{self, Process};
use crate::repo::record::{self, Json as Stored, Record};
use crate::repo::space::Space;
use crate::repo::{allowance, audit, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec::new(&["app_guids", "states", "status_values", "status_reasons"]);

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/deployments", list_deployments)
        .post("/v3/deployments", create_deployment)
        .get("/v3/deployments/{guid}", get_deployment)
        .patch("/v3/deployments/{guid}", update_deployment)
        .post("/v3/deployments/{guid}/actions/cancel", cancel_deployment)
        .post("/v3/deployments/{guid}/actions/continue", continue_deployment)
}

fn show_deployment(base: &Base, deployment: &Deployment, metadata: &Metadata) -> Value {
    let path = format!("/v3/deployments/{}", deployment.guid);
    let mut details = json!({
        "last_successful_healthcheck": time::format(deployment.healthy_at),
        "last_status_change": time::format(deployment.status_at),
    });
    if let Some(error) = &deployment.error {
        details["error"] = json!(error);
    }
    let options = &deployment.options.0;
    let mut shown_options = json!({ "max_in_flight": options.max_in_flight });
    for (name, value) in [
        ("web_instances", options.web_instances),
        ("memory_in_mb", options.memory_in_mb),
        ("disk_in_mb", options.disk_in_mb),
        ("log_rate_limit_in_bytes_per_second", options.log_rate_limit_in_bytes_per_second),
    ] {
        if let Some(value) = value {
            shown_options[name] = json!(value);
        }
    }
    show::resource(
        &deployment.guid,
        deployment.created_at,
        deployment.updated_at,
        Some(metadata),
        json!({
            "status": {"value": deployment.status, "reason": deployment.reason, "details": details},
            "strategy": deployment.strategy,
            "options": shown_options,
            "droplet": {"guid": deployment.droplet_guid},
            "previous_droplet": {"guid": deployment.previous_droplet_guid},
            "new_processes": [{"guid": deployment.process_guid, "type": deployment.process_type}],
            "relationships": {"app": to_one(Some(&deployment.app_guid))},
            "links": {
                "self": base.link(&path),
                "app": base.link(&format!("/v3/apps/{}", deployment.app_guid)),
                "cancel": base.action(&format!("{path}/actions/cancel"), "POST"),
                "continue": base.action(&format!("{path}/actions/continue"), "POST"),
            },
        }),
    )
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Deployment, App, Space), ApiError> {
    load_part(tx, caller, guid, action, "Deployment", |deployment: &Deployment| &deployment.app_guid)
}

async fn list_deployments(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let narrowed = apps_repo::visible(&scope::Visible::load(tx, &caller, &actions::SPACE_READ)?)
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_of(&page, "states", "reason"))
                .add(list::any_of(&page, "status_values", "status"))
                .add(list::any_of(&page, "status_reasons", "reason"));
            let listed = list::rows::<Deployment>(tx, &page, Deployment::TABLE, Deployment::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|one| one.guid.clone()))?;
            let none = Metadata::default();
            let shown =
                listed.rows.iter().map(|one| show_deployment(&base, one, metadata.get(&one.guid).unwrap_or(&none)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    relationships: Relationships,
    strategy: Option<String>,
    droplet: Option<DropletGuid>,
    revision: Option<DropletGuid>,
    options: Option<GivenOptions>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct DropletGuid {
    guid: Option<String>,
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
struct GivenOptions {
    max_in_flight: Option<i64>,
    web_instances: Option<i64>,
    memory_in_mb: Option<i64>,
    disk_in_mb: Option<i64>,
    log_rate_limit_in_bytes_per_second: Option<i64>,
    canary: Option<Value>,
}

async fn create_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let given = &body.data;
            let (mut app, space) = app_of(tx, &caller, &given.relationships, &actions::SPACE_OPERATE)?;
            match given.strategy.as_deref() {
                None | Some("rolling") => {}
                Some("canary") => {
                    return Err(ApiError::unprocessable("Strategy 'canary' is not available here; use 'rolling'"));
                }
                Some(other) => return Err(ApiError::unprocessable(format!("Strategy '{other}' is not a supported deployment strategy"))),
            }
            if given.revision.as_ref().is_some_and(|revision| revision.guid.is_some()) {
                return Err(ApiError::unprocessable("The revision does not exist"));
            }
            let options = given.options.clone().unwrap_or_default();
            if options.canary.is_some() {
                return Err(ApiError::unprocessable("Canary options are only valid for the strategy 'canary'"));
            }
            let wanted = given.droplet.as_ref().and_then(|droplet| droplet.guid.clone()).or_else(|| app.droplet_guid.clone());
            let droplet = the_droplet(tx, &app, wanted.as_deref())?;
            let max_in_flight = options.max_in_flight.unwrap_or(1);
            if max_in_flight < 1 {
                return Err(ApiError::unprocessable("Max in flight must be greater than 0"));
            }
            let stored = Options {
                max_in_flight,
                web_instances: options.web_instances,
                memory_in_mb: options.memory_in_mb,
                disk_in_mb: options.disk_in_mb,
                log_rate_limit_in_bytes_per_second: options.log_rate_limit_in_bytes_per_second,
            };
            let deployment = begin(&state, tx, &caller, &space, &mut app, &droplet, stored)?;
            let metadata = metadata::merge(tx, &deployment.guid, given.metadata.as_ref())?;
            let data = json!({
                "deployment_guid": deployment.guid, "droplet_guid": droplet.guid, "strategy": "rolling", "request": body.raw,
            });
            audit::record(tx, &caller, "audit.app.deployment.create", app.object(), &space.scope(), data)?;
            Ok((StatusCode::CREATED, Json(show_deployment(&base, &deployment, &metadata))))
        })
        .await
}

fn the_droplet(tx: &mut Tx<'_>, app: &App, guid: Option<&str>) -> Result<Droplet, ApiError> {
    let invalid = || {
        ApiError::unprocessable(
            "Invalid droplet. Please specify a droplet in the request or set a current droplet for the app.",
        )
    };
    let droplet: Droplet = record::find(tx, guid.ok_or_else(invalid)?)?.ok_or_else(invalid)?;
    if droplet.app_guid != app.guid || droplet.state != crate::repo::droplet::STAGED {
        return Err(ApiError::unprocessable(
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
        ));
    }
    Ok(droplet)
}

/// Puts a new web process beside the old one; an app that does not run is simply started.
fn begin(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &mut App,
    droplet: &Droplet,
    options: Options,
) -> Result<Deployment, ApiError> {
    let previous = app.droplet_guid.clone();
    let scale = Scale {
        instances: options.web_instances,
        memory_in_mb: options.memory_in_mb,
        disk_in_mb: options.disk_in_mb,
        log_rate_limit_in_bytes_per_second: options.log_rate_limit_in_bytes_per_second,
    };
    super::app::assign(tx, caller, space, app, droplet)?;
    let mut old =
        process::of_type(tx, &app.guid, "web")?.ok_or_else(|| ApiError::unprocessable("The app has no web process"))?;
    let mut original = old.instances;
    for mut active in repo::active(tx, Some(&app.guid))? {
        // What a superseded one has begun, its successor clears away; the number of instances is the first one's.
        original = active.original_instances;
        active.end("SUPERSEDED");
        record::save(tx, &active)?;
    }
    let (guid, now) = (crate::repo::new_guid(), time::now());
    let runs = app.is_started() && original > 0;
    let mut deployment = Deployment {
        guid: guid.clone(),
        app_guid: app.guid.clone(),
        status: "ACTIVE".into(),
        reason: "DEPLOYING".into(),
        strategy: "rolling".into(),
        target_instances: options.web_instances.unwrap_or(original),
        options: Stored(options),
        droplet_guid: droplet.guid.clone(),
        previous_droplet_guid: previous,
        process_guid: old.guid.clone(),
        process_type: "web".into(),
        original_instances: original,
        error: None,
        healthy_at: now,
        status_at: now,
        created_at: now,
        updated_at: now,
    };
    if !runs {
        // Nothing to keep up: start as usual.
        scale.apply(&mut old)?;
        old.save(tx)?;
        super::app::restart(apps, tx, caller, space, app)?;
        deployment.end("DEPLOYED");
        record::insert(tx, &deployment)?;
        return Ok(deployment);
    }
    let mut new = Process {
        guid: crate::repo::new_guid(),
        generation: guid,
        version: crate::repo::new_guid(),
        droplet_guid: Some(droplet.guid.clone()),
        created_at: now,
        ..old.clone()
    };
    scale.apply(&mut new)?;
    new.instances = deployment.target_instances.min(deployment.options.0.max_in_flight);
    super::process::check_command(tx, app, &mut new)?;
    app.version = new.version.clone();
    app.save(tx)?;
    new.updated_at = now;
    record::insert(tx, &new)?;
    deployment.process_guid = new.guid;
    record::insert(tx, &deployment)?;
    allowance::check(tx, space)?;
    Ok(deployment)
}

async fn get_deployment(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    apps.db
        .read(move |tx| {
            let (deployment, _, _) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(show_deployment(&base, &deployment, &metadata::of(tx, &guid)?)))
        })
        .await
}

async fn update_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (deployment, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"deployment_guid": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_deployment(&base, &deployment, &metadata)))
        })
        .await
}

async fn cancel_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (mut deployment, mut app, space) = load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            if deployment.status != "ACTIVE" {
                return Err(ApiError::unprocessable(format!("Cannot cancel a {} deployment", deployment.status)));
            }
            if deployment.reason != "CANCELING" {
                deployment.reason = "CANCELING".into();
                (deployment.status_at, deployment.updated_at) = (time::now(), time::now());
                record::save(tx, &deployment)?;
                app.droplet_guid = deployment.previous_droplet_guid.clone();
                app.save(tx)?;
                let data = json!({"deployment_guid": guid, "droplet_guid": deployment.droplet_guid});
                audit::record(tx, &caller, "audit.app.deployment.cancel", app.object(), &space.scope(), data)?;
            }
            Ok(Json(show_deployment(&base, &deployment, &metadata::of(tx, &guid)?)))
        })
        .await
}

/// Only canary deployments pause, and there are none.
async fn continue_deployment(State(apps): State<Apps>, Writer(caller): Writer, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (deployment, _, _) = load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            Err(ApiError::unprocessable(format!(
                "Cannot continue a deployment with status: {} and reason: {}",
                deployment.status, deployment.reason
            )))
        })
        .await
}
