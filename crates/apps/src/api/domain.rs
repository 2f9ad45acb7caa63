//! Domains, and the addresses in them that are taken.

use crate::api::body::{Body, ToMany, ToOne};
use crate::api::caller::{Reader, Writer};
use crate::api::links::{Base, to_many, to_one};
use crate::api::page::{Page, Params, Spec};
use crate::api::{job, show};
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, host};
use crate::repo::domain::{self as repo, Domain};
use crate::repo::organization::Organization;
use crate::repo::{audit, feature, job as jobs, list, metadata, quota, route, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::Caller;
use ledger::Object;
use sea_query::Cond;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec { order: &["name"], ..Spec::new(&["names", "organization_guids"]) };

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    internal: Option<bool>,
    router_group: Option<Value>,
    relationships: Option<CreateRelationships>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct CreateRelationships {
    organization: Option<ToOne>,
    shared_organizations: Option<ToMany>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    metadata: Option<MetadataPatch>,
}

/// The domain as the protocol shows it; `shared` are the organizations it is shared with.
pub(super) fn show_domain(base: &Base, domain: &Domain, shared: &[String], metadata: &Metadata) -> Value {
    let path = format!("/v3/domains/{}", domain.guid);
    let mut links = json!({
        "self": base.link(&path),
        "route_reservations": base.link(&format!("{path}/route_reservations")),
    });
    if let Some(organization) = &domain.organization_guid {
        links["organization"] = base.link(&format!("/v3/organizations/{organization}"));
        links["shared_organizations"] = base.link(&format!("{path}/relationships/shared_organizations"));
    }
    let rest = json!({
        "name": domain.name,
        "internal": false,
        "router_group": null,
        "supported_protocols": ["http"],
        "relationships": {
            "organization": to_one(domain.organization_guid.as_deref()),
            "shared_organizations": to_many(shared),
        },
        "links": links,
    });
    show::resource(&domain.guid, domain.created_at, domain.updated_at, Some(metadata), rest)
}

pub(super) fn show_with(tx: &mut Tx<'_>, base: &Base, domain: &Domain) -> Result<Value, ApiError> {
    Ok(show_many(tx, base, std::slice::from_ref(domain))?.remove(0))
}

fn show_many(tx: &mut Tx<'_>, base: &Base, domains: &[Domain]) -> Result<Vec<Value>, ApiError> {
    let guids: Vec<String> = domains.iter().map(|domain| domain.guid.clone()).collect();
    let (shared, metadata) = (repo::shares_of(tx, &guids)?, metadata::of_many(tx, guids)?);
    let (nobody, none) = (Vec::new(), Metadata::default());
    let show = |domain: &Domain| {
        let shared = shared.get(&domain.guid).unwrap_or(&nobody);
        show_domain(base, domain, shared, metadata.get(&domain.guid).unwrap_or(&none))
    };
    Ok(domains.iter().map(show).collect())
}

/// Domains for `included`, by guid.
pub(super) fn included_domains(tx: &mut Tx<'_>, base: &Base, guids: &[String]) -> Result<Vec<Value>, ApiError> {
    let domains: Vec<Domain> = list::by_guids(tx, "domain", &repo::COLUMNS, guids)?;
    show_many(tx, base, &domains)
}

fn page_of(tx: &mut Tx<'_>, base: &Base, page: &Page, narrowed: Cond) -> Result<Json<Value>, ApiError> {
    let mut narrowed = Cond::all().add(narrowed).add(list::any_of(page, "names", "name"));
    if let Some(organizations) = page.filter("organization_guids") {
        narrowed = narrowed.add(repo::usable(organizations));
    }
    let listed = list::rows::<Domain>(tx, page, "domain", &repo::COLUMNS, narrowed)?;
    let shown = show_many(tx, base, &listed.rows)?;
    Ok(Json(page.envelope(base, listed.total, shown)))
}

pub(super) async fn list_domains(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let narrowed = repo::visible(tx, &caller)?;
            page_of(tx, &base, &page, narrowed)
        })
        .await
}

pub(super) async fn list_organization_domains(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_READ)?;
            page_of(tx, &base, &page, repo::usable(std::slice::from_ref(&guid)))
        })
        .await
}

pub(super) async fn get_default_domain(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_READ)?;
            let found = repo::domain_default(tx, &guid)?.ok_or_else(|| ApiError::not_found("Domain"))?;
            show_with(tx, &base, &found).map(Json)
        })
        .await
}

pub(super) async fn create_domain(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let reserved = apps.config.clone();
    apps.db
        .write(move |tx| {
            let Create { name, internal, router_group, relationships, metadata } = &body.data;
            let organization = owner(tx, &caller, relationships.as_ref())?;
            let name = host::check_domain(name).map_err(ApiError::unprocessable)?;
            if internal.unwrap_or(false) {
                return Err(ApiError::unprocessable(
                    "Internal domains are not available: applications reach each other by their routes.",
                ));
            }
            if router_group.as_ref().is_some_and(|group| !group.is_null()) {
                return Err(ApiError::unprocessable("Router group is not available: there is no TCP routing."));
            }
            if reserved.hosts.iter().any(|host| host.eq_ignore_ascii_case(&name)) {
                return Err(ApiError::unprocessable(format!(
                    "The domain name \"{name}\" is the platform's own host name"
                )));
            }
            if let Some(organization) = &organization {
                quota::check_domains(tx, organization)?;
            }
            let made = repo::domain_create(tx, &name, organization.as_ref())?;
            metadata::merge(tx, &made.guid, metadata.as_ref())?;
            let share = relationships.as_ref().and_then(|given| given.shared_organizations.as_ref());
            share_with(tx, &caller, &made, share)?;
            note(tx, &caller, "audit.domain.create", &made, json!({ "request": body.raw }))?;
            Ok((StatusCode::CREATED, Json(show_with(tx, &base, &made)?)))
        })
        .await
}

/// The organization of a new private domain, whose manager the caller has to be; none for a shared one.
fn owner(
    tx: &mut Tx<'_>,
    caller: &Caller,
    given: Option<&CreateRelationships>,
) -> Result<Option<Organization>, ApiError> {
    let organization = given.and_then(|given| given.organization.as_ref()).and_then(ToOne::guid);
    let Some(guid) = organization else {
        if given.is_some_and(|given| given.shared_organizations.as_ref().is_some_and(|to| !to.data.is_empty())) {
            return Err(ApiError::unprocessable(
                "Domains can not be shared with other organizations unless they are scoped to an organization.",
            ));
        }
        scope::administer(caller)?;
        return Ok(None);
    };
    let found = match Organization::load(tx, caller, guid, &actions::ORGANIZATION_MANAGE) {
        Err(error) if error.status() == StatusCode::NOT_FOUND => {
            return Err(ApiError::unprocessable(format!(
                "Organization with guid '{guid}' does not exist or you do not have access to it."
            )));
        }
        other => other?,
    };
    feature::require(tx, caller, "private_domain_creation")?;
    Ok(Some(found))
}

fn share_with(tx: &mut Tx<'_>, caller: &Caller, domain: &Domain, with: Option<&ToMany>) -> Result<(), ApiError> {
    for organization in with.into_iter().flat_map(|with| &with.data) {
        let guid = organization.guid.as_str();
        if domain.organization_guid.as_deref() == Some(guid) {
            return Err(ApiError::unprocessable("Domains cannot be shared with their owning organization."));
        }
        if let Err(error) = Organization::load(tx, caller, guid, &actions::ORGANIZATION_MANAGE) {
            if error.status().is_server_error() {
                return Err(error);
            }
            return Err(ApiError::unprocessable(format!(
                "Organization with guid '{guid}' does not exist, or you do not have access to it."
            )));
        }
        repo::share_add(tx, &domain.guid, guid)?;
    }
    Ok(())
}

fn note(tx: &mut Tx<'_>, caller: &Caller, action: &str, domain: &Domain, data: Value) -> Result<(), ApiError> {
    let scope: Vec<&str> = domain.organization_guid.as_deref().into_iter().collect();
    audit::record(tx, caller, action, Object::new("domain", &domain.guid, &domain.name), &scope, data)?;
    Ok(())
}

pub(super) async fn get_domain(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = Domain::load(tx, &caller, &guid)?;
            show_with(tx, &base, &found).map(Json)
        })
        .await
}

pub(super) async fn update_domain(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let found = Domain::load_to_manage(tx, &caller, &guid)?;
            metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            note(tx, &caller, "audit.domain.update", &found, json!({ "request": body.raw }))?;
            show_with(tx, &base, &found).map(Json)
        })
        .await
}

pub(super) async fn delete_domain(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let found = Domain::load_to_manage(tx, &caller, &guid)?;
            if !repo::shares(tx, &guid)?.is_empty() {
                return Err(ApiError::unprocessable(
                    "This domain is shared with other organizations. Unshare before deleting.",
                ));
            }
            note(tx, &caller, "audit.domain.delete-request", &found, json!({}))?;
            repo::domain_delete(tx, &found)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "domain.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

pub(super) async fn list_shared_organizations(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = Domain::load(tx, &caller, &guid)?;
            Ok(Json(show_shares(&base, &found.guid, &repo::shares(tx, &guid)?)))
        })
        .await
}

fn show_shares(base: &Base, guid: &str, shares: &[String]) -> Value {
    let mut shown = to_many(shares);
    shown["links"] = json!({ "self": base.link(&format!("/v3/domains/{guid}/relationships/shared_organizations")) });
    shown
}

pub(super) async fn share_domain(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<ToMany>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let found = Domain::load_to_manage(tx, &caller, &guid)?;
            if found.organization_guid.is_none() {
                return Err(ApiError::unprocessable(
                    "Domains can not be shared with other organizations unless they are scoped to an organization.",
                ));
            }
            share_with(tx, &caller, &found, Some(&body.data))?;
            note(tx, &caller, "audit.domain.update", &found, json!({ "request": body.raw }))?;
            Ok(Json(show_shares(&base, &guid, &repo::shares(tx, &guid)?)))
        })
        .await
}

pub(super) async fn unshare_domain(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, organization)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    apps.db
        .write(move |tx| {
            let found = Domain::load(tx, &caller, &guid)?;
            // Either side may end it.
            if Domain::load_to_manage(tx, &caller, &guid).is_err() {
                Organization::load(tx, &caller, &organization, &actions::ORGANIZATION_MANAGE)?;
            }
            if !repo::share_remove(tx, &guid, &organization)? {
                return Err(ApiError::unprocessable(format!(
                    "Unable to unshare domain from organization with name or guid '{organization}'. Ensure the domain is shared to this organization."
                )));
            }
            note(tx, &caller, "audit.domain.update", &found, json!({ "unshared": organization }))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// `GET /v3/domains/:guid/route_reservations?host=&path=&port=`: is there such a route, whoever's?
pub(super) async fn get_route_reservations(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    params.only(&["host", "path", "port"])?;
    apps.db
        .read(move |tx| {
            let found = Domain::load(tx, &caller, &guid)?;
            let host = params.get("host").unwrap_or("").to_ascii_lowercase();
            let path = params.get("path").unwrap_or("").trim_end_matches('/');
            let matching = route::route_at(tx, &found.guid, &host, path)?.is_some();
            Ok(Json(json!({ "matching_route": matching && params.get("port").is_none() })))
        })
        .await
}
