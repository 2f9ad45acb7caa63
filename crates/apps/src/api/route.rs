//! Routes. Their destinations are in `api/destination.rs`, sharing and moving in `api/route_share.rs`.

use crate::api::body::{Body, ToOne};
use crate::api::caller::{Reader, Writer};
use crate::api::domain::included_domains;
use crate::api::links::{Base, to_one};
use crate::api::page::{Page, Params, Spec};
use crate::api::space::{included_organizations, included_spaces, of_organizations};
use crate::api::{destination, job, show};
use crate::model::actions;
use crate::model::label::{Metadata, MetadataPatch};
use crate::repo::destination::{Destination, destinations_of};
use crate::repo::domain::Domain;
use crate::repo::route::{self as repo, Route};
use crate::repo::scope::Visible;
use crate::repo::space::Space;
use crate::repo::{audit, feature, job as jobs, list, metadata};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::Caller;
use ledger::Object;
use sea_query::{Cond, Expr, ExprTrait, Query};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use store::Tx;

const LIST: Spec = Spec {
    include: &["domain", "space", "space.organization"],
    ..Spec::new(&[
        "hosts",
        "paths",
        "ports",
        "domain_guids",
        "space_guids",
        "organization_guids",
        "app_guids",
        "service_instance_guids",
    ])
};

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    host: Option<String>,
    path: Option<String>,
    port: Option<u32>,
    options: Option<Map<String, Value>>,
    relationships: CreateRelationships,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct CreateRelationships {
    space: ToOne,
    domain: ToOne,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    options: Option<Map<String, Value>>,
    metadata: Option<MetadataPatch>,
}

fn show_route(base: &Base, route: &Route, domain: &str, destinations: &[&Destination], metadata: &Metadata) -> Value {
    let path = format!("/v3/routes/{}", route.guid);
    let rest = json!({
        "protocol": "http",
        "host": route.host,
        "path": route.path,
        "port": null,
        "url": route.url(domain),
        "options": route.options,
        "destinations": destinations.iter().map(|one| destination::show_destination(one)).collect::<Value>(),
        "relationships": { "space": to_one(Some(&route.space_guid)), "domain": to_one(Some(&route.domain_guid)) },
        "links": {
            "self": base.link(&path),
            "space": base.link(&format!("/v3/spaces/{}", route.space_guid)),
            "destinations": base.link(&format!("{path}/destinations")),
            "domain": base.link(&format!("/v3/domains/{}", route.domain_guid)),
        },
    });
    show::resource(&route.guid, route.created_at, route.updated_at, Some(metadata), rest)
}

fn show_routes(tx: &mut Tx<'_>, base: &Base, routes: &[Route]) -> Result<Vec<Value>, ApiError> {
    let guids: Vec<String> = routes.iter().map(|route| route.guid.clone()).collect();
    let destinations = destinations_of(tx, guids.iter().cloned())?;
    let mut by_route: HashMap<&str, Vec<&Destination>> = HashMap::new();
    for one in &destinations {
        by_route.entry(&one.route_guid).or_default().push(one);
    }
    let metadata = metadata::of_many(tx, guids.iter().cloned())?;
    let domains = show::distinct(routes.iter().map(|route| &route.domain_guid));
    let domains: Vec<Domain> = list::by_guids(tx, "domain", &crate::repo::domain::COLUMNS, &domains)?;
    let names: HashMap<&str, &str> =
        domains.iter().map(|domain| (domain.guid.as_str(), domain.name.as_str())).collect();
    let none = Metadata::default();
    let show = |route: &Route| {
        let destinations = by_route.get(route.guid.as_str()).map_or(&[][..], Vec::as_slice);
        let domain = names.get(route.domain_guid.as_str()).copied().unwrap_or_default();
        show_route(base, route, domain, destinations, metadata.get(&route.guid).unwrap_or(&none))
    };
    Ok(routes.iter().map(show).collect())
}

fn show_one(tx: &mut Tx<'_>, base: &Base, route: &Route) -> Result<Value, ApiError> {
    Ok(show_routes(tx, base, std::slice::from_ref(route))?.remove(0))
}

fn included(tx: &mut Tx<'_>, base: &Base, include: &[String], routes: &[Route]) -> Result<Value, ApiError> {
    let mut included = json!({});
    let wants = |name: &str| include.iter().any(|have| have == name);
    if wants("domain") {
        let guids = show::distinct(routes.iter().map(|route| &route.domain_guid));
        included["domains"] = included_domains(tx, base, &guids)?.into();
    }
    if wants("space") || wants("space.organization") {
        let guids = show::distinct(routes.iter().map(|route| &route.space_guid));
        let spaces = included_spaces(tx, base, &guids)?;
        if wants("space.organization") {
            let guids = show::distinct(spaces.iter().map(|(space, _)| &space.organization_guid));
            included["organizations"] = included_organizations(tx, base, &guids)?.into();
        }
        included["spaces"] = spaces.into_iter().map(|(_, shown)| shown).collect();
    }
    Ok(included)
}

fn page_of(tx: &mut Tx<'_>, base: &Base, page: &Page, narrowed: Cond) -> Result<Json<Value>, ApiError> {
    let mut narrowed = Cond::all()
        .add(narrowed)
        .add(list::any_of(page, "hosts", "host"))
        .add(list::any_of(page, "paths", "path"))
        .add(list::any_of(page, "domain_guids", "domain_guid"))
        .add(list::any_of(page, "space_guids", "space_guid"))
        .add(list::any_in(page, "organization_guids", "space_guid", of_organizations))
        .add(list::any_in(page, "app_guids", "guid", leading_to));
    // No route has a port or a service instance.
    if page.filter("ports").is_some() || page.filter("service_instance_guids").is_some() {
        narrowed = narrowed.add(list::never());
    }
    let listed = list::rows::<Route>(tx, page, "route", &repo::COLUMNS, narrowed)?;
    let shown = show_routes(tx, base, &listed.rows)?;
    let included = included(tx, base, &page.include, &listed.rows)?;
    Ok(Json(page.envelope_with(base, listed.total, shown, included)))
}

fn leading_to(apps: &[String]) -> sea_query::SelectStatement {
    let list = apps.iter().cloned();
    Query::select().column("route_guid").from("route_destination").and_where(Expr::col("app_guid").is_in(list)).take()
}

/// Routes of visible spaces and those shared with one.
fn visible(tx: &mut Tx<'_>, caller: &Caller) -> Result<Cond, ApiError> {
    let places = Visible::load(tx, caller, &actions::SPACE_READ)?;
    if places.all() {
        return Ok(Cond::all());
    }
    let shared =
        Query::select().column("route_guid").from("route_share").cond_where(places.spaces("space_guid")).take();
    Ok(Cond::any().add(places.spaces("space_guid")).add(Expr::col("guid").in_subquery(shared)))
}

pub(super) async fn list_routes(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let narrowed = visible(tx, &caller)?;
            page_of(tx, &base, &page, narrowed)
        })
        .await
}

/// `GET /v3/apps/:guid/routes`
pub(super) async fn list_app_routes(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let space = destination::space_of_app(tx, &guid)?.ok_or_else(|| ApiError::not_found("App"))?;
            crate::repo::scope::in_space(tx, &caller, &space, &actions::SPACE_READ, "App")?;
            let leading = Expr::col("guid").in_subquery(leading_to(std::slice::from_ref(&guid)));
            page_of(tx, &base, &page, Cond::all().add(leading))
        })
        .await
}

pub(super) async fn create_route(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let config = apps.config.clone();
    apps.db
        .write(move |tx| {
            let Create { host, path, port, options, relationships, metadata } = &body.data;
            let space = space_for(tx, &caller, &relationships.space)?;
            feature::require(tx, &caller, "route_creation")?;
            let domain = domain_for(tx, &caller, &relationships.domain)?;
            if port.is_some() {
                return Err(ApiError::unprocessable("Routes with protocol 'http' do not support ports."));
            }
            let options = merge_options(&json!({}), options.as_ref())?;
            let address = (host.as_deref().unwrap_or(""), path.as_deref().unwrap_or(""));
            let made = repo::route_create(tx, &caller, &space, &domain, address, options, &config.hosts)?;
            metadata::merge(tx, &made.guid, metadata.as_ref())?;
            note(tx, &caller, "audit.route.create", &made, &domain, &space, json!({ "request": body.raw }))?;
            Ok((StatusCode::CREATED, Json(show_one(tx, &base, &made)?)))
        })
        .await
}

fn space_for(tx: &mut Tx<'_>, caller: &Caller, given: &ToOne) -> Result<Space, ApiError> {
    let invalid = || ApiError::unprocessable("Invalid space. Ensure that the space exists and you have access to it.");
    match Space::load(tx, caller, given.guid().ok_or_else(invalid)?, &actions::SPACE_DEVELOP) {
        Err(error) if error.status() == StatusCode::NOT_FOUND => Err(invalid()),
        other => other,
    }
}

fn domain_for(tx: &mut Tx<'_>, caller: &Caller, given: &ToOne) -> Result<Domain, ApiError> {
    let invalid =
        || ApiError::unprocessable("Invalid domain. Ensure that the domain exists and you have access to it.");
    match Domain::load(tx, caller, given.guid().ok_or_else(invalid)?) {
        Err(error) if error.status() == StatusCode::NOT_FOUND => Err(invalid()),
        other => other,
    }
}

/// Options after a change: null removes one; what the front door does not do is refused.
pub fn merge_options(before: &Value, change: Option<&Map<String, Value>>) -> Result<Value, ApiError> {
    let mut options = before.as_object().cloned().unwrap_or_default();
    for (key, value) in change.into_iter().flatten() {
        match (key.as_str(), value) {
            ("loadbalancing" | "hash_header" | "hash_balance", Value::Null) => drop(options.remove(key)),
            ("loadbalancing", Value::String(how)) if matches!(how.as_str(), "round-robin" | "least-connection") => {
                options.insert(key.clone(), value.clone());
            }
            ("loadbalancing", _) => {
                return Err(ApiError::unprocessable(
                    "Options Loadbalancing must be one of 'round-robin, least-connection' if present",
                ));
            }
            _ => {
                return Err(ApiError::unprocessable(format!(
                    "Options contains invalid keys: '{key}'. Valid keys are: 'loadbalancing'"
                )));
            }
        }
    }
    Ok(Value::Object(options))
}

/// Notes a change of a route in the ledger, under its full address.
pub(super) fn note(
    tx: &mut Tx<'_>,
    caller: &Caller,
    action: &str,
    route: &Route,
    domain: &Domain,
    space: &Space,
    data: Value,
) -> Result<(), ApiError> {
    let name: String = route.url(&domain.name).chars().take(191).collect();
    audit::record(tx, caller, action, Object::new("route", &route.guid, name), &space.scope(), data)?;
    Ok(())
}

/// The domain of a route that exists.
pub(super) fn domain_of(tx: &mut Tx<'_>, route: &Route) -> Result<Domain, ApiError> {
    Domain::find(tx, &route.domain_guid)?.ok_or_else(|| ApiError::internal("a route without its domain"))
}

pub(super) async fn get_route(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    params.only(&["include"])?;
    let include = params.include(LIST.include)?;
    apps.db
        .read(move |tx| {
            let (found, _) = Route::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let mut shown = show_one(tx, &base, &found)?;
            if !include.is_empty() {
                shown["included"] = included(tx, &base, &include, std::slice::from_ref(&found))?;
            }
            Ok(Json(shown))
        })
        .await
}

pub(super) async fn update_route(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let (mut found, space) = Route::load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            let options = merge_options(&found.options, body.data.options.as_ref())?;
            repo::route_update(tx, &mut found, options)?;
            metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let domain = domain_of(tx, &found)?;
            note(tx, &caller, "audit.route.update", &found, &domain, &space, json!({ "request": body.raw }))?;
            Ok(Json(show_one(tx, &base, &found)?))
        })
        .await
}

fn delete(tx: &mut Tx<'_>, caller: &Caller, route: &Route, space: &Space) -> Result<(), ApiError> {
    let domain = domain_of(tx, route)?;
    note(tx, caller, "audit.route.delete-request", route, &domain, space, json!({ "request": { "recursive": true } }))?;
    Ok(repo::route_delete(tx, &route.guid)?)
}

pub(super) async fn delete_route(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let (found, space) = Route::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            delete(tx, &caller, &found, &space)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "route.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

/// `DELETE /v3/spaces/:guid/routes?unmapped=true`
pub(super) async fn delete_unmapped_routes(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&["unmapped"])?;
    if params.get("unmapped") != Some("true") {
        return Err(ApiError::unprocessable(
            "Mass delete not supported for routes. Use 'unmapped=true' parameter to delete all unmapped routes.",
        ));
    }
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let space = Space::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            for route in repo::routes_unmapped(tx, &guid)? {
                delete(tx, &caller, &route, &space)?;
            }
            Ok::<_, ApiError>(jobs::job_completed(tx, "space.delete_unmapped_routes")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}
