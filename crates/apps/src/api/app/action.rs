//! Starting, stopping, restarting.

use super::show_app;
use crate::api::body::Body;
use crate::api::caller::Writer;
use crate::api::job;
use crate::api::links::Base;
use crate::api::routes::Routes;
use crate::error::Kind;
use crate::model::actions;
use crate::repo::app::{App, STARTED, STOPPED};
use crate::repo::droplet::Droplet;
use crate::repo::space::Space;
use crate::repo::{allowance, audit, deployment, metadata, process, record};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Caller;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

pub(super) fn routes() -> Routes {
    Routes::new()
        .post("/v3/apps/{guid}/actions/start", start_app)
        .post("/v3/apps/{guid}/actions/stop", stop_app)
        .post("/v3/apps/{guid}/actions/restart", restart_app)
        .post("/v3/apps/{guid}/actions/clear_buildpack_cache", clear_cache)
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Nothing {}

type Shown = Result<Json<Value>, ApiError>;
type Act = fn(&Apps, &mut Tx<'_>, &Caller, &Space, &mut App) -> Result<(), ApiError>;

async fn act(apps: Apps, caller: Caller, base: Base, guid: String, act: Act) -> Shown {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            act(&state, tx, &caller, &space, &mut app)?;
            Ok(Json(show_app(&base, &app, &metadata::of(tx, &guid)?)))
        })
        .await
}

async fn start_app(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    _: Body<Nothing>,
) -> Shown {
    act(apps, caller, base, guid, start).await
}

async fn stop_app(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    _: Body<Nothing>,
) -> Shown {
    act(apps, caller, base, guid, stop).await
}

async fn restart_app(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    _: Body<Nothing>,
) -> Shown {
    act(apps, caller, base, guid, restart).await
}

/// Wants the app to run; does nothing if it is wanted already.
fn start(apps: &Apps, tx: &mut Tx<'_>, caller: &Caller, space: &Space, app: &mut App) -> Result<(), ApiError> {
    if !app.is_started() {
        renew(tx, app)?;
    }
    app.state = STARTED.into();
    app.save(tx)?;
    allowance::check(tx, space)?;
    audit::record(tx, caller, "audit.app.start", app.object(), &space.scope(), json!({}))?;
    apps.say_after(tx, &app.guid, format!("Starting app with guid {}", app.guid));
    Ok(())
}

/// Wants it not to run.
fn stop(apps: &Apps, tx: &mut Tx<'_>, caller: &Caller, space: &Space, app: &mut App) -> Result<(), ApiError> {
    check_no_deployment(tx, app)?;
    app.state = STOPPED.into();
    app.save(tx)?;
    audit::record(tx, caller, "audit.app.stop", app.object(), &space.scope(), json!({}))?;
    apps.say_after(tx, &app.guid, format!("Stopping app with guid {}", app.guid));
    Ok(())
}

/// Wants new instances in place of those that run, with what is set now.
pub(in crate::api) fn restart(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &mut App,
) -> Result<(), ApiError> {
    check_no_deployment(tx, app)?;
    renew(tx, app)?;
    app.state = STARTED.into();
    app.save(tx)?;
    allowance::check(tx, space)?;
    audit::record(tx, caller, "audit.app.restart", app.object(), &space.scope(), json!({}))?;
    apps.say_after(tx, &app.guid, format!("Restarted app with guid {}", app.guid));
    Ok(())
}

fn check_no_deployment(tx: &mut Tx<'_>, app: &App) -> Result<(), ApiError> {
    if deployment::active(tx, Some(&app.guid))?.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::STOP_DISABLED_DURING_DEPLOYMENT,
        "Cannot stop the app while it is deploying, please cancel the deployment before stopping the app.",
    ))
}

/// Gives app and processes a new version with the current droplet; 422 if it cannot run.
fn renew(tx: &mut Tx<'_>, app: &mut App) -> Result<(), ApiError> {
    let droplet: Option<Droplet> = match &app.droplet_guid {
        Some(guid) => record::find(tx, guid)?,
        None => None,
    };
    let droplet = droplet.ok_or_else(|| ApiError::unprocessable("Assign a droplet before starting this app."))?;
    app.version = crate::repo::new_guid();
    for mut process in process::processes(tx, &app.guid)? {
        if process.instances > 0 && process.command.is_none() && !droplet.process_types.0.contains_key(&process.kind) {
            return Err(ApiError::unprocessable(format!(
                "Process \"{}\" has no start command: add a Procfile to the app, or set the process's command",
                process.kind
            )));
        }
        process.version = app.version.clone();
        process.droplet_guid = Some(droplet.guid.clone());
        process.save(tx)?;
    }
    Ok(())
}

async fn clear_cache(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    _: Body<Nothing>,
) -> Result<Response, ApiError> {
    let app = guid.clone();
    apps.db
        .write(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            audit::record(tx, &caller, "audit.app.clear_buildpack_cache", app.object(), &space.scope(), json!({}))?;
            Ok::<_, ApiError>(())
        })
        .await?;
    let run = apps.run.clone();
    let job = job::run(&apps, "app.clear_buildpack_cache", None, async move {
        run.clear_cache(&app).await.map_err(ApiError::internal)?;
        Ok(Vec::new())
    })
    .await?;
    Ok(job::accepted(&base, &job))
}
