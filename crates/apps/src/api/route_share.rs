//! Sharing a route with other spaces, and giving it to one.

use crate::api::body::{Body, ToMany, ToOne};
use crate::api::caller::{Reader, Writer};
use crate::api::links::{Base, to_many};
use crate::api::route::{domain_of, note};
use crate::model::actions;
use crate::repo::route::{self as repo, Route};
use crate::repo::space::Space;
use crate::repo::{destination, feature};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use serde_json::{Value, json};
use store::Tx;

fn show(base: &Base, route: &str, shares: &[String]) -> Value {
    let mut shown = to_many(shares);
    shown["links"] = json!({ "self": base.link(&format!("/v3/routes/{route}/relationships/shared_spaces")) });
    shown
}

/// The space `guid` for a developer of it; 422 in words about `route` otherwise.
fn other_space(tx: &mut Tx<'_>, caller: &Caller, guid: &str, what: &str) -> Result<Space, ApiError> {
    match Space::load(tx, caller, guid, &actions::SPACE_DEVELOP) {
        Err(error) if error.status().is_server_error() => Err(error),
        Err(_) => Err(ApiError::unprocessable(format!(
            "Unable to {what} space with guid '{guid}'. Ensure the space exists and that you have access to it."
        ))),
        found => found,
    }
}

pub(super) async fn list_shared_spaces(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Route::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(show(&base, &guid, &repo::shares(tx, &guid)?)))
        })
        .await
}

pub(super) async fn share_route(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<ToMany>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (route, space) = Route::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            feature::require(tx, &caller, "route_sharing")?;
            let domain = domain_of(tx, &route)?;
            for target in &body.data.data {
                let target = other_space(tx, &caller, &target.guid, "share route with")?;
                if target.guid == route.space_guid {
                    return Err(ApiError::unprocessable(format!(
                        "Unable to share route '{}' with space '{}'. Routes cannot be shared into the space where they were created.",
                        route.url(&domain.name),
                        target.guid
                    )));
                }
                repo::share_add(tx, &guid, &target.guid)?;
            }
            note(tx, &caller, "audit.route.share", &route, &domain, &space, json!({ "request": body.raw }))?;
            Ok(Json(show(&base, &guid, &repo::shares(tx, &guid)?)))
        })
        .await
}

pub(super) async fn unshare_route(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, target)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    apps.db
        .write(move |tx| {
            let (route, space) = Route::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let domain = domain_of(tx, &route)?;
            if !repo::share_remove(tx, &guid, &target)? {
                return Err(ApiError::unprocessable(format!(
                    "Unable to unshare route '{}' from space '{target}'. The target space must not own the route and must have it shared.",
                    route.url(&domain.name)
                )));
            }
            drop_foreign(tx, &guid, &target)?;
            note(tx, &caller, "audit.route.unshare", &route, &domain, &space, json!({ "target_space_guid": target }))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// Removes destinations in a space that may no longer have them.
fn drop_foreign(tx: &mut Tx<'_>, route: &str, space: &str) -> Result<(), ApiError> {
    for one in destination::destinations_of(tx, [route.to_owned()])? {
        if crate::api::destination::space_of_app(tx, &one.app_guid)?.as_deref() == Some(space) {
            destination::destination_remove(tx, &one.guid)?;
        }
    }
    Ok(())
}

/// `PATCH /v3/routes/:guid/relationships/space`: the old space keeps it as a shared one.
pub(super) async fn transfer_route(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<ToOne>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (route, space) = Route::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            feature::require(tx, &caller, "route_sharing")?;
            let target = body.data.guid().ok_or_else(|| ApiError::unprocessable("data can't be blank"))?;
            let target = other_space(tx, &caller, target, "transfer owner of route to")?;
            let domain = domain_of(tx, &route)?;
            if !domain.usable_in(tx, &target.organization_guid)? {
                return Err(ApiError::unprocessable(format!(
                    "Unable to transfer owner of route '{}' to space '{}'. Target space does not have access to route's domain",
                    route.url(&domain.name),
                    target.name
                )));
            }
            if target.guid != route.space_guid {
                repo::route_transfer(tx, &route, &target.guid)?;
                repo::share_add(tx, &guid, &route.space_guid)?;
                let data = json!({ "request": body.raw });
                note(tx, &caller, "audit.route.transfer-owner", &route, &domain, &space, data)?;
            }
            let own = base.link(&format!("/v3/routes/{guid}/relationships/space"));
            Ok(Json(json!({ "data": { "guid": target.guid }, "links": { "self": own, "related": base.link(&format!("/v3/spaces/{}", target.guid)) } })))
        })
        .await
}
