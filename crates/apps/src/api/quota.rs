//! Quotas of organizations (`/v3/organization_quotas`) and of spaces (`/v3/space_quotas`): the same handlers for both.

use crate::api::body::{Body, ToMany, ToOne, check_name, present};
use crate::api::caller::{Reader, Writer};
use crate::api::links::{Base, to_many, to_one};
use crate::api::page::{Page, Params, Spec};
use crate::api::{job, show};
use crate::model::quota::Limits;
use crate::model::{actions, time};
use crate::repo::organization::Organization;
use crate::repo::quota::{self as repo, Holder, Quota};
use crate::repo::scope::{self, Visible};
use crate::repo::space::Space;
use crate::repo::{audit, job as jobs, list};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use identity::Caller;
use ledger::Object;
use sea_query::{Cond, Expr, ExprTrait, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const ORGANIZATIONS: Spec = Spec { order: &["name"], labels: false, ..Spec::new(&["names", "organization_guids"]) };
const SPACES: Spec =
    Spec { order: &["name"], labels: false, ..Spec::new(&["names", "organization_guids", "space_guids"]) };

/// Which of the two is asked for, by the path.
impl<S: Sync> FromRequestParts<S> for Holder {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let space = parts.uri.path().starts_with("/v3/space_quotas");
        Ok(if space { Self::Space } else { Self::Organization })
    }
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    name: Option<String>,
    #[serde(default)]
    apps: Option<GivenApps>,
    #[serde(default)]
    services: Option<GivenServices>,
    #[serde(default)]
    routes: Option<GivenRoutes>,
    #[serde(default)]
    domains: Option<GivenDomains>,
    relationships: Option<GivenRelationships>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenRelationships {
    organizations: Option<ToMany>,
    organization: Option<ToOne>,
    spaces: Option<ToMany>,
}

macro_rules! limits {
    ($name:ident { $($field:ident),* }) => {
        /// Absent: as it was; null: no limit.
        #[derive(Deserialize, Clone)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $(#[serde(default, deserialize_with = "present")] $field: Option<Option<u64>>,)*
        }
        impl $name {
            fn apply(&self, limits: &mut Limits) {
                $(if let Some(value) = self.$field { limits.$field = value; })*
            }
        }
    };
}

limits!(GivenApps {
    total_memory_in_mb,
    per_process_memory_in_mb,
    total_instances,
    per_app_tasks,
    log_rate_limit_in_bytes_per_second
});
limits!(GivenRoutes { total_routes, total_reserved_ports });
limits!(GivenDomains { total_domains });

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenServices {
    paid_services_allowed: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    total_service_instances: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    total_service_keys: Option<Option<u64>>,
}

impl Given {
    fn apply(&self, limits: &mut Limits) -> Result<(), ApiError> {
        if let Some(apps) = &self.apps {
            apps.apply(limits);
        }
        if let Some(services) = &self.services {
            limits.paid_services_allowed = services.paid_services_allowed.unwrap_or(limits.paid_services_allowed);
            limits.total_service_instances = services.total_service_instances.unwrap_or(limits.total_service_instances);
            limits.total_service_keys = services.total_service_keys.unwrap_or(limits.total_service_keys);
        }
        if let Some(routes) = &self.routes {
            routes.apply(limits);
        }
        if let Some(domains) = &self.domains {
            domains.apply(limits);
        }
        Ok(())
    }
}

fn show_quota(tx: &mut Tx<'_>, base: &Base, holder: Holder, quota: &Quota) -> Result<Value, ApiError> {
    let Limits {
        total_memory_in_mb,
        per_process_memory_in_mb,
        total_instances,
        per_app_tasks,
        log_rate_limit_in_bytes_per_second,
        paid_services_allowed,
        total_service_instances,
        total_service_keys,
        total_routes,
        total_reserved_ports,
        total_domains,
    } = &quota.limits;
    let holders = to_many(&repo::quota_holders(tx, holder, &quota.guid)?);
    let mut rest = json!({
        "name": quota.name,
        "apps": {
            "total_memory_in_mb": total_memory_in_mb,
            "per_process_memory_in_mb": per_process_memory_in_mb,
            "total_instances": total_instances,
            "per_app_tasks": per_app_tasks,
            "log_rate_limit_in_bytes_per_second": log_rate_limit_in_bytes_per_second,
        },
        "services": {
            "paid_services_allowed": paid_services_allowed,
            "total_service_instances": total_service_instances,
            "total_service_keys": total_service_keys,
        },
        "routes": { "total_routes": total_routes, "total_reserved_ports": total_reserved_ports },
    });
    let own = base.link(&format!("/v3/{}s/{}", holder.table(), quota.guid));
    match &quota.organization_guid {
        None => {
            rest["domains"] = json!({ "total_domains": total_domains });
            rest["relationships"] = json!({ "organizations": holders });
            rest["links"] = json!({ "self": own });
        }
        Some(organization) => {
            rest["relationships"] = json!({ "organization": to_one(Some(organization)), "spaces": holders });
            let of = base.link(&format!("/v3/organizations/{organization}"));
            rest["links"] = json!({ "self": own, "organization": of });
        }
    }
    Ok(show::resource(&quota.guid, quota.created_at, quota.updated_at, None, rest))
}

/// Quotas the caller may see: those of visible organizations, and of spaces he sees or whose organization he manages.
fn visible(tx: &mut Tx<'_>, caller: &Caller, holder: Holder) -> Result<Cond, ApiError> {
    let held_by = |table: &'static str, condition: Cond| {
        let select = Query::select()
            .column("quota_guid")
            .from(table)
            .cond_where(condition)
            .and_where(Expr::col("quota_guid").is_not_null())
            .take();
        Expr::col("guid").in_subquery(select)
    };
    let organizations = Visible::load(tx, caller, &actions::ORGANIZATION_READ)?;
    if organizations.all() {
        return Ok(Cond::all());
    }
    Ok(match holder {
        Holder::Organization => Cond::any().add(held_by("organization", organizations.organizations("guid"))),
        Holder::Space => {
            let managed = Visible::load(tx, caller, &actions::ORGANIZATION_MANAGE)?.organizations("organization_guid");
            let spaces = Visible::load(tx, caller, &actions::SPACE_READ)?.spaces("guid");
            Cond::any().add(managed).add(held_by("space", spaces))
        }
    })
}

fn word(holder: Holder) -> &'static str {
    if holder == Holder::Organization { "Organization quota" } else { "Space quota" }
}

/// Loads it to read.
fn load(tx: &mut Tx<'_>, caller: &Caller, holder: Holder, guid: &str) -> Result<Quota, ApiError> {
    let seen = Cond::all().add(visible(tx, caller, holder)?).add(Expr::col("guid").eq(guid));
    let known = list::exists(tx, holder.table(), seen)?;
    let found = if known { repo::quota_find(tx, holder, guid)? } else { None };
    found.ok_or_else(|| ApiError::not_found(word(holder)))
}

/// Loads it to change: administrators; managers of its organization for a space quota.
fn load_to_manage(tx: &mut Tx<'_>, caller: &Caller, holder: Holder, guid: &str) -> Result<Quota, ApiError> {
    let found = load(tx, caller, holder, guid)?;
    match &found.organization_guid {
        None => scope::administer(caller)?,
        Some(organization) => {
            Organization::load(tx, caller, organization, &actions::ORGANIZATION_MANAGE)?;
        }
    }
    Ok(found)
}

fn note(
    tx: &mut Tx<'_>,
    caller: &Caller,
    holder: Holder,
    what: &str,
    quota: &Quota,
    data: Value,
) -> Result<(), ApiError> {
    let scope: Vec<&str> = quota.organization_guid.as_deref().into_iter().collect();
    let object = Object::new(holder.table(), &quota.guid, &quota.name);
    audit::record(tx, caller, &format!("audit.{}.{what}", holder.table()), object, &scope, data)?;
    Ok(())
}

pub(super) async fn list_quotas(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    holder: Holder,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, if holder == Holder::Space { &SPACES } else { &ORGANIZATIONS })?;
    apps.db
        .read(move |tx| {
            let having = |table: &'static str| {
                move |guids: &[String]| {
                    let list = guids.iter().cloned();
                    Query::select()
                        .column("quota_guid")
                        .from(table)
                        .and_where(Expr::col("guid").is_in(list))
                        .and_where(Expr::col("quota_guid").is_not_null())
                        .take()
                }
            };
            let mut narrowed = Cond::all().add(visible(tx, &caller, holder)?).add(list::any_of(&page, "names", "name"));
            narrowed = match holder {
                Holder::Organization => {
                    narrowed.add(list::any_in(&page, "organization_guids", "guid", having("organization")))
                }
                Holder::Space => narrowed
                    .add(list::any_of(&page, "organization_guids", "organization_guid"))
                    .add(list::any_in(&page, "space_guids", "guid", having("space"))),
            };
            let listed = list::rows::<Quota>(tx, &page, holder.table(), holder.columns(), narrowed)?;
            let shown: Result<Vec<_>, _> = listed.rows.iter().map(|row| show_quota(tx, &base, holder, row)).collect();
            Ok(Json(page.envelope(&base, listed.total, shown?)))
        })
        .await
}

pub(super) async fn get_quota(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    holder: Holder,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = load(tx, &caller, holder, &guid)?;
            Ok(Json(show_quota(tx, &base, holder, &found)?))
        })
        .await
}

pub(super) async fn create_quota(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    holder: Holder,
    body: Body<Given>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let given = &body.data;
            let relationships = given.relationships.as_ref();
            let organization_guid = match holder {
                Holder::Organization => {
                    scope::administer(&caller)?;
                    None
                }
                Holder::Space => {
                    let blank = || ApiError::unprocessable("Relationships Organization can't be blank");
                    let guid = relationships.and_then(|given| given.organization.as_ref()).and_then(ToOne::guid);
                    let guid = guid.ok_or_else(blank)?;
                    match Organization::load(tx, &caller, guid, &actions::ORGANIZATION_MANAGE) {
                        Err(error) if error.status() == StatusCode::NOT_FOUND => {
                            return Err(ApiError::unprocessable(format!(
                                "Organization with guid '{guid}' does not exist, or you do not have access to it."
                            )));
                        }
                        found => Some(found?.guid),
                    }
                }
            };
            let name = given.name.clone().unwrap_or_default();
            check_name("Name", &name)?;
            let now = time::now();
            let mut limits = Limits::unlimited();
            given.apply(&mut limits)?;
            let made = Quota {
                guid: crate::repo::new_guid(),
                name,
                organization_guid,
                limits,
                created_at: now,
                updated_at: now,
            };
            repo::quota_save(tx, holder, &made, true)?;
            let places = match holder {
                Holder::Organization => relationships.and_then(|given| given.organizations.as_ref()),
                Holder::Space => relationships.and_then(|given| given.spaces.as_ref()),
            };
            assign(tx, &caller, holder, &made, places)?;
            note(tx, &caller, holder, "create", &made, json!({ "request": body.raw }))?;
            Ok((StatusCode::CREATED, Json(show_quota(tx, &base, holder, &made)?)))
        })
        .await
}

pub(super) async fn update_quota(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    holder: Holder,
    Path(guid): Path<String>,
    body: Body<Given>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let mut found = load_to_manage(tx, &caller, holder, &guid)?;
            if body.data.relationships.is_some() {
                return Err(ApiError::unprocessable("Unknown field(s): 'relationships'"));
            }
            if let Some(name) = &body.data.name {
                check_name("Name", name)?;
                found.name.clone_from(name);
            }
            body.data.apply(&mut found.limits)?;
            found.updated_at = time::now();
            repo::quota_save(tx, holder, &found, false)?;
            note(tx, &caller, holder, "update", &found, json!({ "request": body.raw }))?;
            Ok(Json(show_quota(tx, &base, holder, &found)?))
        })
        .await
}

pub(super) async fn delete_quota(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    holder: Holder,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let found = load_to_manage(tx, &caller, holder, &guid)?;
            if holder == Holder::Organization && !repo::quota_holders(tx, holder, &guid)?.is_empty() {
                return Err(ApiError::unprocessable(
                    "This quota is applied to one or more organizations. Apply different quotas to those organizations before deleting.",
                ));
            }
            note(tx, &caller, holder, "delete", &found, json!({}))?;
            repo::quota_delete(tx, holder, &guid)?;
            let operation = if holder == Holder::Space { "space_quota.delete" } else { "organization_quota.delete" };
            Ok::<_, ApiError>(jobs::job_completed(tx, operation)?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

/// Gives the quota to organizations or spaces. 422 for those the caller does not see or that lie elsewhere.
fn assign(
    tx: &mut Tx<'_>,
    caller: &Caller,
    holder: Holder,
    quota: &Quota,
    places: Option<&ToMany>,
) -> Result<(), ApiError> {
    for place in places.into_iter().flat_map(|places| &places.data) {
        let good = match holder {
            Holder::Organization => Organization::load(tx, caller, &place.guid, &actions::ORGANIZATION_READ).is_ok(),
            Holder::Space => Space::load(tx, caller, &place.guid, &actions::SPACE_READ)
                .is_ok_and(|space| Some(&space.organization_guid) == quota.organization_guid.as_ref()),
        };
        if !good {
            return Err(ApiError::unprocessable(match holder {
                Holder::Organization => format!(
                    "Organizations with guids [\"{}\"] do not exist, or you do not have access to them.",
                    place.guid
                ),
                Holder::Space => format!(
                    "Spaces with guids [\"{}\"] do not exist within the organization specified, or you do not have access to them.",
                    place.guid
                ),
            }));
        }
        repo::quota_assign(tx, holder, &place.guid, Some(&quota.guid))?;
    }
    Ok(())
}

/// `POST …/relationships/organizations` and `…/relationships/spaces`
pub(super) async fn apply_quota(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    holder: Holder,
    Path(guid): Path<String>,
    body: Body<ToMany>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let found = load_to_manage(tx, &caller, holder, &guid)?;
            assign(tx, &caller, holder, &found, Some(&body.data))?;
            note(tx, &caller, holder, "apply", &found, json!({ "request": body.raw }))?;
            let mut shown = to_many(&repo::quota_holders(tx, holder, &guid)?);
            let path = format!("/v3/{}s/{guid}/relationships/{}s", holder.table(), holder.holders());
            shown["links"] = json!({ "self": base.link(&path) });
            Ok(Json(shown))
        })
        .await
}

/// `DELETE /v3/space_quotas/:guid/relationships/spaces/:space`
pub(super) async fn remove_quota(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path((guid, space)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    apps.db
        .write(move |tx| {
            let found = load_to_manage(tx, &caller, Holder::Space, &guid)?;
            if !repo::quota_holders(tx, Holder::Space, &guid)?.contains(&space) {
                return Err(ApiError::unprocessable(format!(
                    "Unable to remove quota from space with guid '{space}'. Ensure the space quota is applied to this space."
                )));
            }
            repo::quota_assign(tx, Holder::Space, &space, None)?;
            note(tx, &caller, Holder::Space, "remove", &found, json!({ "space_guid": space }))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}
