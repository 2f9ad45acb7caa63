//! Spaces and what hangs on them: the `ssh` feature (always off), isolation segment, security groups.

use crate::api::body::{Body, ToOne, check_name};
use crate::api::caller::{Reader, Writer};
use crate::api::links::{Base, to_one};
use crate::api::organization::show_organization;
use crate::api::page::{Page, Params, Spec};
use crate::api::{job, show};
use crate::model::actions;
use crate::model::label::{Metadata, MetadataPatch};
use crate::repo::organization::Organization;
use crate::repo::scope::Visible;
use crate::repo::space::{self as repo, Space};
use crate::repo::{audit, job as jobs, list, metadata};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use ledger::Object;
use sea_query::Expr;
use sea_query::ExprTrait;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec =
    Spec { order: &["name"], include: &["organization", "org"], ..Spec::new(&["names", "organization_guids"]) };
const SSH: &str = "Enable SSHing into apps in the space.";

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    relationships: CreateRelationships,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct CreateRelationships {
    organization: ToOne,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    name: Option<String>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    enabled: bool,
}

pub(super) fn show_space(base: &Base, space: &Space, metadata: &Metadata) -> Value {
    let path = format!("/v3/spaces/{}", space.guid);
    let mut links = json!({
        "self": base.link(&path),
        "organization": base.link(&format!("/v3/organizations/{}", space.organization_guid)),
        "features": base.link(&format!("{path}/features")),
        "apply_manifest": base.action(&format!("{path}/actions/apply_manifest"), "POST"),
    });
    if let Some(quota) = &space.quota_guid {
        links["quota"] = base.link(&format!("/v3/space_quotas/{quota}"));
    }
    show::resource(
        &space.guid,
        space.created_at,
        space.updated_at,
        Some(metadata),
        json!({
            "name": space.name,
            "relationships": {
                "organization": to_one(Some(&space.organization_guid)),
                "quota": to_one(space.quota_guid.as_deref()),
            },
            "links": links,
        }),
    )
}

/// Spaces for `included`, by guid.
pub fn included_spaces(tx: &mut Tx<'_>, base: &Base, guids: &[String]) -> Result<Vec<(Space, Value)>, ApiError> {
    let spaces: Vec<Space> = list::by_guids(tx, "space", &repo::COLUMNS, guids)?;
    let metadata = metadata::of_many(tx, guids.iter().cloned())?;
    let none = Metadata::default();
    Ok(spaces
        .into_iter()
        .map(|space| {
            let shown = show_space(base, &space, metadata.get(&space.guid).unwrap_or(&none));
            (space, shown)
        })
        .collect())
}

/// Organizations for `included`, by guid.
pub fn included_organizations(tx: &mut Tx<'_>, base: &Base, guids: &[String]) -> Result<Vec<Value>, ApiError> {
    let organizations: Vec<Organization> =
        list::by_guids(tx, "organization", &crate::repo::organization::COLUMNS, guids)?;
    let metadata = metadata::of_many(tx, guids.iter().cloned())?;
    let none = Metadata::default();
    let show = |organization: &Organization| {
        show_organization(base, organization, metadata.get(&organization.guid).unwrap_or(&none))
    };
    Ok(organizations.iter().map(show).collect())
}

pub(super) async fn list_spaces(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let narrowed = Visible::load(tx, &caller, &actions::SPACE_READ)?.spaces("guid");
            let narrowed = sea_query::Cond::all()
                .add(narrowed)
                .add(list::any_of(&page, "names", "name"))
                .add(list::any_of(&page, "organization_guids", "organization_guid"));
            let listed = list::rows::<Space>(tx, &page, "space", &repo::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|row| row.guid.clone()))?;
            let none = Metadata::default();
            let shown = listed.rows.iter().map(|row| show_space(&base, row, metadata.get(&row.guid).unwrap_or(&none)));
            let shown: Vec<Value> = shown.collect();
            let mut included = json!({});
            if !page.include.is_empty() {
                let guids = show::distinct(listed.rows.iter().map(|row| &row.organization_guid));
                included["organizations"] = included_organizations(tx, &base, &guids)?.into();
            }
            Ok(Json(page.envelope_with(&base, listed.total, shown, included)))
        })
        .await
}

pub(super) async fn create_space(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            check_name("Name", &body.data.name)?;
            let invalid = || {
                ApiError::unprocessable(
                    "Invalid organization. Ensure the organization exists and you have access to it.",
                )
            };
            let guid = body.data.relationships.organization.guid().ok_or_else(invalid)?;
            let organization = match Organization::load(tx, &caller, guid, &actions::ORGANIZATION_MANAGE) {
                Err(error) if error.status() == StatusCode::NOT_FOUND => return Err(invalid()),
                other => other?,
            };
            let made = repo::space_create(tx, &organization.guid, &body.data.name)?;
            let metadata = metadata::merge(tx, &made.guid, body.data.metadata.as_ref())?;
            let object = Object::new("space", &made.guid, &made.name);
            audit::record(tx, &caller, "audit.space.create", object, &made.scope(), json!({ "request": body.raw }))?;
            Ok((StatusCode::CREATED, Json(show_space(&base, &made, &metadata))))
        })
        .await
}

pub(super) async fn get_space(
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
            let found = Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let mut shown = show_space(&base, &found, &metadata::of(tx, &guid)?);
            if !include.is_empty() {
                shown["included"] =
                    json!({ "organizations": included_organizations(tx, &base, &[found.organization_guid])? });
            }
            Ok(Json(shown))
        })
        .await
}

pub(super) async fn update_space(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let found = Space::load(tx, &caller, &guid, &actions::SPACE_MANAGE)?;
            if let Some(name) = &body.data.name {
                check_name("Name", name)?;
            }
            let found = repo::space_update(tx, found, body.data.name.as_deref())?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let object = Object::new("space", &found.guid, &found.name);
            audit::record(tx, &caller, "audit.space.update", object, &found.scope(), json!({ "request": body.raw }))?;
            Ok(Json(show_space(&base, &found, &metadata)))
        })
        .await
}

pub(super) async fn delete_space(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let found = Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Organization::load(tx, &caller, &found.organization_guid, &actions::ORGANIZATION_MANAGE)?;
            let object = Object::new("space", &found.guid, &found.name);
            audit::record(
                tx,
                &caller,
                "audit.space.delete-request",
                object,
                &found.scope(),
                json!({ "request": { "recursive": true } }),
            )?;
            repo::space_delete(tx, &caller, &found)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "space.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

fn show_ssh() -> Value {
    json!({ "name": "ssh", "description": SSH, "enabled": false })
}

pub(super) async fn list_features(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(json!({ "features": [show_ssh()] })))
        })
        .await
}

pub(super) async fn get_feature(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path((guid, name)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            if name == "ssh" { Ok(Json(show_ssh())) } else { Err(ApiError::not_found("Feature")) }
        })
        .await
}

pub(super) async fn update_feature(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, name)): Path<(String, String)>,
    body: Body<Feature>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Space::load(tx, &caller, &guid, &actions::SPACE_MANAGE)?;
            if name != "ssh" {
                return Err(ApiError::not_found("Feature"));
            }
            if body.data.enabled {
                return Err(ApiError::unprocessable(crate::model::feature::SSH));
            }
            // It is off already.
            Ok(Json(show_ssh()))
        })
        .await
}

pub(super) async fn get_isolation_segment(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let own = base.link(&format!("/v3/spaces/{guid}/relationships/isolation_segment"));
            Ok(Json(json!({ "data": null, "links": { "self": own } })))
        })
        .await
}

pub(super) async fn set_isolation_segment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<ToOne>,
) -> Result<Json<Value>, ApiError> {
    apps.db.read(move |tx| {
        Space::load(tx, &caller, &guid, &actions::SPACE_MANAGE)?;
        if let Some(segment) = body.data.guid() {
            return Err(ApiError::unprocessable(format!(
                "Unable to assign isolation segment with guid '{segment}'. Ensure it has been entitled to the organization that this space belongs to."
            )));
        }
        let own = base.link(&format!("/v3/spaces/{guid}/relationships/isolation_segment"));
        Ok(Json(json!({ "data": null, "links": { "self": own } })))
    }).await
}

/// The spaces of these organizations, as a subquery.
pub(super) fn of_organizations(guids: &[String]) -> sea_query::SelectStatement {
    sea_query::Query::select()
        .column("guid")
        .from("space")
        .and_where(Expr::col("organization_guid").is_in(guids.iter().cloned()))
        .take()
}
