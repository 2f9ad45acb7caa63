//! The current droplet.

use crate::api::body::{Body, ToOne};
use crate::api::caller::{Reader, Writer};
use crate::api::droplet::show_one;
use crate::api::links::Base;
use crate::api::routes::Routes;
use crate::model::actions;
use crate::repo::app::App;
use crate::repo::droplet::{Droplet, STAGED};
use crate::repo::process::{self, Process};
use crate::repo::space::Space;
use crate::repo::{audit, record, sidecar};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use identity::Caller;
use serde_json::{Value, json};
use store::Tx;

pub(super) fn routes() -> Routes {
    Routes::new()
        .patch("/v3/apps/{guid}/relationships/current_droplet", set_current_droplet)
        .get("/v3/apps/{guid}/relationships/current_droplet", get_relationship)
        .get("/v3/apps/{guid}/droplets/current", get_current_droplet)
}

fn show_relationship(base: &Base, app: &str, droplet: &str) -> Value {
    json!({
        "data": {"guid": droplet},
        "links": {
            "self": base.link(&format!("/v3/apps/{app}/relationships/current_droplet")),
            "related": base.link(&format!("/v3/apps/{app}/droplets/current")),
        },
    })
}

async fn set_current_droplet(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<ToOne>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            let wanted = super::required(&body.data, "Current droplet")?;
            let droplet: Option<Droplet> = record::find(tx, &wanted.guid)?;
            let droplet = droplet.filter(|droplet| droplet.app_guid == guid).ok_or_else(|| {
                ApiError::unprocessable(
                    "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
                )
            })?;
            assign(tx, &caller, &space, &mut app, &droplet)?;
            Ok(Json(show_relationship(&base, &guid, &droplet.guid)))
        })
        .await
}

/// Makes `droplet` the app's current one and its process types processes; what runs goes on until the next start.
pub(in crate::api) fn assign(
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &mut App,
    droplet: &Droplet,
) -> Result<(), ApiError> {
    if droplet.state != STAGED {
        return Err(ApiError::unprocessable(
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app and is staged.",
        ));
    }
    app.droplet_guid = Some(droplet.guid.clone());
    app.save(tx)?;
    let beside = droplet.sidecars.as_ref().map_or(&[][..], |wanted| &wanted.0);
    sidecar::sidecars_of_droplet(tx, app, beside)?;
    let have = process::processes(tx, &app.guid)?;
    for kind in droplet.process_types.0.keys() {
        if !have.iter().any(|process| process.kind == *kind) {
            let made = Process::new(app, kind);
            made.insert(tx, app)?;
            let data = json!({"process_guid": made.guid, "process_type": kind});
            audit::record(tx, caller, "audit.app.process.create", app.object(), &space.scope(), data)?;
        }
    }
    let data = json!({"request": {"droplet_guid": droplet.guid}});
    audit::record(tx, caller, "audit.app.droplet.mapped", app.object(), &space.scope(), data)?;
    Ok(())
}

async fn get_relationship(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let (app, _) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let droplet = app.droplet_guid.ok_or_else(|| ApiError::not_found("Droplet"))?;
            Ok(Json(show_relationship(&base, &guid, &droplet)))
        })
        .await
}

async fn get_current_droplet(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let none = || ApiError::not_found("Droplet");
            let droplet: Droplet = record::find(tx, &app.droplet_guid.ok_or_else(none)?)?.ok_or_else(none)?;
            Ok(Json(show_one(tx, &caller, &base, &droplet, &space)?))
        })
        .await
}
