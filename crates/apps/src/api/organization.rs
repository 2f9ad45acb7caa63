//! Organizations.

use crate::api::body::{Body, check_name};
use crate::api::caller::{Reader, Writer};
use crate::api::links::{Base, to_one};
use crate::api::page::{Page, Params, Spec};
use crate::api::{job, show};
use crate::model::actions;
use crate::model::label::{Metadata, MetadataPatch};
use crate::repo::organization::{self as repo, Organization};
use crate::repo::scope::{self, Visible};
use crate::repo::{audit, feature, job as jobs, list, metadata};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::Place;
use ledger::Object;
use serde::Deserialize;
use serde_json::{Value, json};

const SPEC: Spec = Spec { order: &["name"], ..Spec::new(&["names"]) };
/// `isolation_segment_guid` lists those entitled to a segment: there are none, but the filter is known.
const LIST: Spec = Spec { filters: &["names", "isolation_segment_guid"], ..SPEC };

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    suspended: Option<bool>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    name: Option<String>,
    suspended: Option<bool>,
    metadata: Option<MetadataPatch>,
}

pub(super) fn show_organization(base: &Base, organization: &Organization, metadata: &Metadata) -> Value {
    let path = format!("/v3/organizations/{}", organization.guid);
    let mut links = json!({
        "self": base.link(&path),
        "domains": base.link(&format!("{path}/domains")),
        "default_domain": base.link(&format!("{path}/domains/default")),
    });
    if let Some(quota) = &organization.quota_guid {
        links["quota"] = base.link(&format!("/v3/organization_quotas/{quota}"));
    }
    show::resource(
        &organization.guid,
        organization.created_at,
        organization.updated_at,
        Some(metadata),
        json!({
            "name": organization.name,
            "suspended": organization.suspended,
            "relationships": { "quota": to_one(organization.quota_guid.as_deref()) },
            "links": links,
        }),
    )
}

pub(super) async fn list_organizations(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut narrowed = Visible::load(tx, &caller, &actions::ORGANIZATION_READ)?
                .organizations("guid")
                .add(list::any_of(&page, "names", "name"));
            if page.filter("isolation_segment_guid").is_some() {
                narrowed = narrowed.add(list::never());
            }
            let listed = list::rows::<Organization>(tx, &page, "organization", &repo::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|row| row.guid.clone()))?;
            let none = Metadata::default();
            let shown =
                listed.rows.iter().map(|row| show_organization(&base, row, metadata.get(&row.guid).unwrap_or(&none)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

pub(super) async fn create_organization(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let creator_manages = !caller.admin;
            if creator_manages && !feature::enabled(tx, "user_org_creation")? {
                return Err(ApiError::not_authorized());
            }
            check_name("Name", &body.data.name)?;
            let suspended = body.data.suspended.unwrap_or(false);
            if suspended && !caller.admin {
                return Err(ApiError::not_authorized());
            }
            let made = repo::organization_create(tx, &body.data.name, suspended)?;
            let metadata = metadata::merge(tx, &made.guid, body.data.metadata.as_ref())?;
            if creator_manages {
                for role in ["organization_user", "organization_manager"] {
                    scope::grant(tx, &caller.subject, role, Place::new(scope::ORGANIZATION, &made.guid))?;
                }
            }
            let object = Object::new("organization", &made.guid, &made.name);
            audit::record(
                tx,
                &caller,
                "audit.organization.create",
                object,
                &[&made.guid],
                json!({ "request": body.raw }),
            )?;
            Ok((StatusCode::CREATED, Json(show_organization(&base, &made, &metadata))))
        })
        .await
}

pub(super) async fn get_organization(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_READ)?;
            Ok(Json(show_organization(&base, &found, &metadata::of(tx, &guid)?)))
        })
        .await
}

pub(super) async fn update_organization(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let mut found = Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_MANAGE)?;
            if let Some(name) = &body.data.name {
                check_name("Name", name)?;
            }
            if let Some(suspended) = body.data.suspended
                && suspended != found.suspended
            {
                scope::administer(&caller)?;
                found.suspended = suspended;
            }
            found = repo::organization_update(tx, found, body.data.name.as_deref())?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let object = Object::new("organization", &found.guid, &found.name);
            audit::record(
                tx,
                &caller,
                "audit.organization.update",
                object,
                &[&found.guid],
                json!({ "request": body.raw }),
            )?;
            Ok(Json(show_organization(&base, &found, &metadata)))
        })
        .await
}

pub(super) async fn delete_organization(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let found = Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_READ)?;
            scope::administer(&caller)?;
            let object = Object::new("organization", &found.guid, &found.name);
            audit::record(
                tx,
                &caller,
                "audit.organization.delete-request",
                object,
                &[&found.guid],
                json!({ "request": { "recursive": true } }),
            )?;
            repo::organization_delete(tx, &caller, &found)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "organization.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

pub(super) async fn get_default_isolation_segment(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_READ)?;
            let own = base.link(&format!("/v3/organizations/{guid}/relationships/default_isolation_segment"));
            Ok(Json(json!({ "data": null, "links": { "self": own } })))
        })
        .await
}

pub(super) async fn set_default_isolation_segment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<crate::api::body::ToOne>,
) -> Result<Json<Value>, ApiError> {
    apps.db.read(move |tx| {
        Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_MANAGE)?;
        if let Some(segment) = body.data.guid() {
            return Err(ApiError::unprocessable(format!(
                "Unable to assign isolation segment with guid '{segment}'. Ensure it has been entitled to the organization that this space belongs to."
            )));
        }
        let own = base.link(&format!("/v3/organizations/{guid}/relationships/default_isolation_segment"));
        Ok(Json(json!({ "data": null, "links": { "self": own } })))
    }).await
}
