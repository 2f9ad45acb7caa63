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
use crate::repo::revision::{Revision, revision_of_start};
use crate::repo::space::Space;
use crate::repo::{allowance, audit, deployment, metadata, process, record, sidecar};
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
type Act = fn(&Start<'_>, &mut Tx<'_>, &mut App) -> Result<(), ApiError>;

/// Who wants an app of which space to start or stop.
pub(in crate::api) struct Start<'s> {
    pub(in crate::api) apps: &'s Apps,
    pub(in crate::api) caller: &'s Caller,
    pub(in crate::api) space: &'s Space,
    /// Describe the revision that comes of it, instead of what has changed.
    pub(in crate::api) words: Option<String>,
}

async fn act(apps: Apps, caller: Caller, base: Base, guid: String, act: Act) -> Shown {
    let state = apps.clone();
    let (shown, processes) = apps
        .db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            act(&Start { apps: &state, caller: &caller, space: &space, words: None }, tx, &mut app)?;
            let processes = process::processes(tx, &app.guid)?;
            Ok::<_, ApiError>((show_app(&base, &app, &metadata::of(tx, &guid)?), processes))
        })
        .await?;
    // Whoever asks for instances next is told of those that are wanted now, not of how the ones before them ended.
    futures_util::future::join_all(processes.iter().map(|process| apps.run.reconcile(&process.guid))).await;
    Ok(Json(shown))
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
    act(apps, caller, base, guid, |start, tx, app| restart(start, tx, app).map(drop)).await
}

/// Wants the app to run; does nothing if it is wanted already.
fn start(start: &Start<'_>, tx: &mut Tx<'_>, app: &mut App) -> Result<(), ApiError> {
    if !app.is_started() {
        renew(start, tx, app)?;
    }
    app.state = STARTED.into();
    app.save(tx)?;
    allowance::check(tx, start.space)?;
    start.note(tx, "audit.app.start", app, json!({}))?;
    start.apps.say_after(tx, &app.guid, format!("Starting app with guid {}", app.guid));
    Ok(())
}

/// Wants it not to run.
fn stop(start: &Start<'_>, tx: &mut Tx<'_>, app: &mut App) -> Result<(), ApiError> {
    check_no_deployment(tx, app)?;
    app.state = STOPPED.into();
    app.save(tx)?;
    start.note(tx, "audit.app.stop", app, json!({}))?;
    start.apps.say_after(tx, &app.guid, format!("Stopping app with guid {}", app.guid));
    Ok(())
}

/// Wants new instances in place of those that run, with what is set now; answers the revision they are of.
pub(in crate::api) fn restart(start: &Start<'_>, tx: &mut Tx<'_>, app: &mut App) -> Result<Option<Revision>, ApiError> {
    check_no_deployment(tx, app)?;
    let revision = renew(start, tx, app)?;
    app.state = STARTED.into();
    app.save(tx)?;
    allowance::check(tx, start.space)?;
    start.note(tx, "audit.app.restart", app, json!({}))?;
    start.apps.say_after(tx, &app.guid, format!("Restarted app with guid {}", app.guid));
    Ok(revision)
}

impl Start<'_> {
    fn note(&self, tx: &mut Tx<'_>, action: &str, app: &App, data: Value) -> Result<(), ApiError> {
        audit::record(tx, self.caller, action, app.object(), &self.space.scope(), data)?;
        Ok(())
    }
}

/// The revision that an app is from this start on, if it keeps any.
pub(in crate::api) fn revise(
    start: &Start<'_>,
    tx: &mut Tx<'_>,
    app: &App,
    droplet: &Droplet,
) -> Result<Option<Revision>, ApiError> {
    let Some((revision, new)) = revision_of_start(start.apps, tx, app, &droplet.guid, start.words.clone())? else {
        return Ok(None);
    };
    if new {
        let data = json!({
            "revision_guid": revision.guid, "revision_version": revision.version, "droplet_guid": droplet.guid,
        });
        start.note(tx, "audit.app.revision.create", app, data)?;
    }
    Ok(Some(revision))
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
fn renew(start: &Start<'_>, tx: &mut Tx<'_>, app: &mut App) -> Result<Option<Revision>, ApiError> {
    let droplet: Option<Droplet> = match &app.droplet_guid {
        Some(guid) => record::find(tx, guid)?,
        None => None,
    };
    let droplet = droplet.ok_or_else(|| ApiError::unprocessable("Assign a droplet before starting this app."))?;
    app.version = crate::repo::new_guid();
    let revision = revise(start, tx, app, &droplet)?;
    for mut process in process::processes(tx, &app.guid)? {
        if process.instances > 0 && process.command.is_none() && !droplet.process_types.0.contains_key(&process.kind) {
            return Err(ApiError::unprocessable(format!(
                "Process \"{}\" has no start command: add a Procfile to the app, or set the process's command",
                process.kind
            )));
        }
        process.version = app.version.clone();
        process.droplet_guid = Some(droplet.guid.clone());
        process.revision_guid = revision.as_ref().map(|revision| revision.guid.clone());
        process.save(tx)?;
    }
    sidecar::check_memory(tx, &app.guid)?;
    Ok(revision)
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
