//! Destinations of routes: mapping and unmapping apps.

use crate::api::body::Body;
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::page::Params;
use crate::model::{actions, time};
use crate::repo::destination::{self as repo, Destination};
use crate::repo::list;
use crate::repo::route::{self, Route};
use crate::repo::space::Space;
use crate::repo::{audit, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use ledger::Object;
use sea_query::{Expr, ExprTrait, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Row, StoreError, Tx};

/// A route leads to so many processes at most.
const MOST: usize = 100;

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Destinations {
    destinations: Vec<Given>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Given {
    app: GivenApp,
    port: Option<u32>,
    protocol: Option<String>,
    weight: Option<u32>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenApp {
    guid: String,
    process: Option<GivenProcess>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenProcess {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    protocol: Option<String>,
}

pub(super) fn show_destination(destination: &Destination) -> Value {
    json!({
        "guid": destination.guid,
        "created_at": time::format(destination.created_at),
        "updated_at": time::format(destination.updated_at),
        "app": { "guid": destination.app_guid, "process": { "type": destination.process_type } },
        "weight": destination.weight,
        "port": destination.port.unwrap_or(8080),
        "protocol": destination.protocol,
    })
}

fn show_all(base: &Base, route: &str, destinations: &[Destination]) -> Value {
    let path = format!("/v3/routes/{route}");
    json!({
        "destinations": destinations.iter().map(show_destination).collect::<Value>(),
        "links": { "self": base.link(&format!("{path}/destinations")), "route": base.link(&path) },
    })
}

/// The space of an app; `None` if there is no such app.
pub(super) fn space_of_app(tx: &mut Tx<'_>, app: &str) -> Result<Option<String>, StoreError> {
    Ok(find_app(tx, app)?.map(|(space, _)| space))
}

/// Space guid and name.
fn find_app(tx: &mut Tx<'_>, app: &str) -> Result<Option<(String, String)>, StoreError> {
    let row: Option<Row> =
        tx.row(Query::select().columns(["space_guid", "name"]).from("app").and_where(Expr::col("guid").eq(app)))?;
    row.map(|row| Ok((row.get("space_guid")?, row.get("name")?))).transpose()
}

pub(super) async fn list_destinations(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    params.only(&["guids", "app_guids"])?;
    apps.db
        .read(move |tx| {
            Route::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let mut all = repo::destinations_of(tx, [guid.clone()])?;
            if let Some(wanted) = params.get("guids").map(crate::api::page::comma_list) {
                all.retain(|one| wanted.contains(&one.guid));
            }
            if let Some(wanted) = params.get("app_guids").map(crate::api::page::comma_list) {
                all.retain(|one| wanted.contains(&one.app_guid));
            }
            Ok(Json(show_all(&base, &guid, &all)))
        })
        .await
}

/// Reads what was given for `route`; 422 for what is not good in itself.
fn read(route: &Route, given: &[Given], weights: bool) -> Result<Vec<Destination>, ApiError> {
    let mut read: Vec<Destination> = Vec::new();
    for (index, one) in given.iter().enumerate() {
        let at = |problem: &str| ApiError::unprocessable(format!("Destinations[{index}]: {problem}"));
        let port = one.port.map(|port| {
            u16::try_from(port).ok().filter(|port| *port > 0).ok_or_else(|| at("port must be between 1 and 65535"))
        });
        let protocol = one.protocol.as_deref().unwrap_or("http1");
        if !matches!(protocol, "http1" | "http2") {
            return Err(at("protocol must be 'http1' or 'http2'."));
        }
        let kind = one.app.process.as_ref().map_or("web", |process| process.kind.as_str());
        if kind.is_empty() || kind.len() > 64 {
            return Err(at("process type must have 1 to 64 characters"));
        }
        let mut destination = Destination::new(&route.guid, &one.app.guid, kind, port.transpose()?, protocol);
        match one.weight {
            Some(_) if !weights => {
                return Err(at("weighted destinations cannot be used when inserting; replace all of them with PATCH."));
            }
            Some(weight) if !(1..=100).contains(&weight) => return Err(at("weight must be between 1 and 100.")),
            weight => destination.weight = weight,
        }
        // Keeps the order in which they were given.
        destination.created_at += i64::try_from(index).unwrap_or_default();
        destination.updated_at = destination.created_at;
        read.push(destination);
    }
    let weighted: Vec<u32> = read.iter().filter_map(|one| one.weight).collect();
    if !weighted.is_empty() && weighted.len() != read.len() {
        return Err(ApiError::unprocessable("Destinations cannot contain both weighted and unweighted destinations."));
    }
    if !weighted.is_empty() && weighted.iter().sum::<u32>() != 100 {
        return Err(ApiError::unprocessable("Destinations must have weights that add up to 100."));
    }
    Ok(read)
}

/// 422 unless the caller may map these apps to the route.
fn check_apps(tx: &mut Tx<'_>, caller: &Caller, route: &Route, wanted: &[Destination]) -> Result<(), ApiError> {
    let shares = route::shares(tx, &route.guid)?;
    let mut missing = Vec::new();
    for one in wanted {
        let Some((space, _)) = find_app(tx, &one.app_guid)? else {
            missing.push(format!("'{}'", one.app_guid));
            continue;
        };
        match scope::in_space(tx, caller, &space, &actions::SPACE_OPERATE, "App") {
            Err(error) if error.status().is_server_error() => return Err(error),
            Err(_) => missing.push(format!("'{}'", one.app_guid)),
            Ok(_) if space != route.space_guid && !shares.contains(&space) => {
                return Err(ApiError::unprocessable(
                    "Routes destinations must be in either the route's space or the route's shared spaces",
                ));
            }
            Ok(_) => {}
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ApiError::unprocessable(format!(
        "App(s) with guid(s) {} do not exist or you do not have access.",
        missing.join(", ")
    )))
}

fn note(tx: &mut Tx<'_>, caller: &Caller, action: &str, one: &Destination, space: &Space) -> Result<(), ApiError> {
    let name = find_app(tx, &one.app_guid)?.map_or_else(String::new, |(_, name)| name);
    let data = json!({
        "route_guid": one.route_guid,
        "destination_guid": one.guid,
        "app_port": one.port,
        "process_type": one.process_type,
        "protocol": one.protocol,
        "weight": one.weight,
    });
    audit::record(tx, caller, action, Object::new("app", &one.app_guid, name), &space.scope(), data)?;
    Ok(())
}

/// Maps what is not mapped yet; the rest stays as it is. Answers all destinations then. For callers who have been found
/// to be allowed (manifests).
pub fn map_destinations(
    tx: &mut Tx<'_>,
    caller: &Caller,
    route: &Route,
    space: &Space,
    wanted: &[Destination],
) -> Result<Vec<Destination>, ApiError> {
    let mut all = repo::destinations_of(tx, [route.guid.clone()])?;
    for one in wanted {
        if let Some(have) = all.iter().find(|have| have.same_target(one)) {
            if have.protocol != one.protocol {
                let values = [("protocol", one.protocol.clone().into()), ("updated_at", time::now().into())];
                list::update(tx, "route_destination", &have.guid.clone(), values)?;
                note(tx, caller, "audit.app.map-route", have, space)?;
            }
            continue;
        }
        repo::destination_add(tx, one)?;
        note(tx, caller, "audit.app.map-route", one, space)?;
        all.push(one.clone());
    }
    if all.len() > MOST {
        return Err(ApiError::unprocessable(format!("Routes can be mapped to at most {MOST} destinations.")));
    }
    Ok(repo::destinations_of(tx, [route.guid.clone()])?)
}

/// Unmaps destinations of a route. For callers who have been found to be allowed (manifests, deleting an app).
pub fn unmap_destinations(
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    gone: &[Destination],
) -> Result<(), ApiError> {
    for one in gone {
        note(tx, caller, "audit.app.unmap-route", one, space)?;
        repo::destination_remove(tx, &one.guid)?;
    }
    Ok(())
}

pub(super) async fn add_destinations(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Destinations>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (route, space) = Route::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            let wanted = read(&route, &body.data.destinations, false)?;
            check_apps(tx, &caller, &route, &wanted)?;
            if repo::destinations_of(tx, [guid.clone()])?.iter().any(|have| have.weight.is_some()) {
                return Err(ApiError::unprocessable(
                    "Destinations cannot be inserted when there are weighted destinations already configured.",
                ));
            }
            let all = map_destinations(tx, &caller, &route, &space, &wanted)?;
            Ok(Json(show_all(&base, &guid, &all)))
        })
        .await
}

pub(super) async fn replace_destinations(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Destinations>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (route, space) = Route::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            let wanted = read(&route, &body.data.destinations, true)?;
            let twice = |index: usize, one: &Destination| wanted[..index].iter().any(|before| before.same_target(one));
            if wanted.iter().enumerate().any(|(index, one)| twice(index, one)) {
                return Err(ApiError::unprocessable("Destinations cannot contain duplicate entries"));
            }
            check_apps(tx, &caller, &route, &wanted)?;
            let have = repo::destinations_of(tx, [guid.clone()])?;
            let same = |have: &Destination, one: &Destination| {
                have.same_target(one) && have.weight == one.weight && have.protocol == one.protocol
            };
            let gone: Vec<Destination> =
                have.into_iter().filter(|have| !wanted.iter().any(|one| same(have, one))).collect();
            unmap_destinations(tx, &caller, &space, &gone)?;
            let all = map_destinations(tx, &caller, &route, &space, &wanted)?;
            Ok(Json(show_all(&base, &guid, &all)))
        })
        .await
}

fn one_of(tx: &mut Tx<'_>, route: &str, destination: &str) -> Result<Destination, ApiError> {
    let all = repo::destinations_of(tx, [route.to_owned()])?;
    all.into_iter().find(|one| one.guid == destination).ok_or_else(|| {
        ApiError::unprocessable(
            "Unable to unmap route from destination. Ensure the route has a destination with this guid.",
        )
    })
}

pub(super) async fn update_destination(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, destination)): Path<(String, String)>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (_, space) = Route::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            let mut one = one_of(tx, &guid, &destination)?;
            let protocol = body.data.protocol.as_deref().unwrap_or("http1");
            if !matches!(protocol, "http1" | "http2") {
                return Err(ApiError::unprocessable("Destination protocol must be 'http1' or 'http2'."));
            }
            (one.protocol, one.updated_at) = (protocol.to_owned(), time::now());
            let values = [("protocol", protocol.into()), ("updated_at", one.updated_at.into())];
            list::update(tx, "route_destination", &one.guid, values)?;
            note(tx, &caller, "audit.app.map-route", &one, &space)?;
            Ok(Json(show_destination(&one)))
        })
        .await
}

pub(super) async fn remove_destination(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, destination)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    apps.db
        .write(move |tx| {
            let (_, space) = Route::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            let one = one_of(tx, &guid, &destination)?;
            unmap_destinations(tx, &caller, &space, &[one])?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}
