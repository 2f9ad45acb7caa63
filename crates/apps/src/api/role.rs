//! Roles: grants of `identity` in organizations and spaces. A role's guid is its grant's id.

use crate::api::body::{Body, ToOne};
use crate::api::caller::{Reader, Writer};
use crate::api::links::{Base, to_one};
use crate::api::page::{Page, Params, Spec};
use crate::api::space::{included_organizations, included_spaces};
use crate::api::user::show_users;
use crate::api::{job, show};
use crate::model::actions::{self, ORGANIZATION_ROLES, SPACE_ROLES};
use crate::model::time;
use crate::repo::organization::Organization;
use crate::repo::space::{Space, spaces_of};
use crate::repo::user::{self as users, User};
use crate::repo::{audit, feature, job as jobs, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::{Caller, Grant, Place};
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec {
    labels: false,
    include: &["user", "organization", "space"],
    ..Spec::new(&["types", "user_guids", "organization_guids", "space_guids"])
};

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[serde(rename = "type")]
    kind: String,
    relationships: CreateRelationships,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct CreateRelationships {
    user: ToUser,
    organization: Option<ToOne>,
    space: Option<ToOne>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct ToUser {
    data: GivenUser,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenUser {
    guid: Option<String>,
    username: Option<String>,
    origin: Option<String>,
}

/// Where a role is given.
enum At {
    Organization(Organization),
    Space(Space),
}

impl At {
    fn place(&self) -> Place {
        match self {
            Self::Organization(organization) => Place::new(scope::ORGANIZATION, &organization.guid),
            Self::Space(space) => Place::new(scope::SPACE, &space.guid),
        }
    }

    fn scope(&self) -> Vec<&str> {
        match self {
            Self::Organization(organization) => vec![&organization.guid],
            Self::Space(space) => space.scope().to_vec(),
        }
    }
}

fn show_role(base: &Base, grant: &Grant) -> Value {
    let of = |kind: &str| (grant.place.kind == kind).then_some(grant.place.id.as_str());
    let user = grant.subject.id();
    let mut links = json!({
        "self": base.link(&format!("/v3/roles/{}", grant.id)),
        "user": base.link(&format!("/v3/users/{user}")),
    });
    links[grant.place.kind.as_str()] = base.link(&format!("/v3/{}s/{}", grant.place.kind, grant.place.id));
    let rest = json!({
        "type": grant.role,
        "relationships": {
            "user": to_one(Some(user)),
            "organization": to_one(of(scope::ORGANIZATION)),
            "space": to_one(of(scope::SPACE)),
        },
        "links": links,
    });
    show::resource(&grant.id, grant.created_at, grant.created_at, None, rest)
}

fn included(tx: &mut Tx<'_>, base: &Base, wanted: &[String], grants: &[Grant]) -> Result<Value, ApiError> {
    let mut included = json!({});
    let places = |kind: &str| {
        let ids: Vec<String> =
            grants.iter().filter(|grant| grant.place.kind == kind).map(|grant| grant.place.id.clone()).collect();
        show::distinct(&ids)
    };
    for wanted in wanted {
        match wanted.as_str() {
            "user" => {
                let ids: Vec<String> = grants.iter().map(|grant| grant.subject.id().to_owned()).collect();
                let found = users::users(tx, &show::distinct(&ids))?;
                included["users"] = show_users(tx, base, &found)?.into();
            }
            "organization" => {
                included["organizations"] = included_organizations(tx, base, &places(scope::ORGANIZATION))?.into();
            }
            _ => {
                let spaces = included_spaces(tx, base, &places(scope::SPACE))?;
                included["spaces"] = spaces.into_iter().map(|(_, shown)| shown).collect();
            }
        }
    }
    Ok(included)
}

pub(super) async fn list_roles(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut narrowed = Cond::all().add(users::in_visible_places(tx, &caller)?);
            for (filter, column) in [("types", "role"), ("user_guids", "subject_id")] {
                narrowed = narrowed.add(crate::repo::list::any_of(&page, filter, column));
            }
            for (filter, kind) in [("organization_guids", scope::ORGANIZATION), ("space_guids", scope::SPACE)] {
                if page.filter(filter).is_some() {
                    narrowed = narrowed
                        .add(Expr::col("place_kind").eq(kind))
                        .add(crate::repo::list::any_of(&page, filter, "place_id"));
                }
            }
            let mut grants = identity::grants(tx, narrowed)?;
            grants.retain(|grant| page.keeps(&grant.id, grant.created_at, grant.created_at));
            if page.descending() {
                grants.reverse();
            }
            let total = grants.len() as u64;
            let grants = page.slice(grants);
            let shown = grants.iter().map(|grant| show_role(&base, grant)).collect();
            let included = included(tx, &base, &page.include, &grants)?;
            Ok(Json(page.envelope_with(&base, total, shown, included)))
        })
        .await
}

/// The grant behind a role that the caller may see.
fn load(tx: &mut Tx<'_>, caller: &Caller, guid: &str) -> Result<Grant, ApiError> {
    let seen = Cond::all().add(users::in_visible_places(tx, caller)?).add(Expr::col("id").eq(guid));
    identity::grants(tx, seen)?.into_iter().next().ok_or_else(|| ApiError::not_found("Role"))
}

pub(super) async fn get_role(
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
            let found = load(tx, &caller, &guid)?;
            let mut shown = show_role(&base, &found);
            if !include.is_empty() {
                shown["included"] = included(tx, &base, &include, &[found])?;
            }
            Ok(Json(shown))
        })
        .await
}

pub(super) async fn create_role(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let Create { kind, relationships } = &body.data;
            let at = place_for(tx, &caller, kind, relationships)?;
            let user = user_for(tx, &caller, &relationships.user.data)?;
            let (subject, place) = (user.subject(), at.place());
            let held = identity::grants_of(tx, &subject)?;
            if let At::Space(space) = &at {
                let organization = Place::new(scope::ORGANIZATION, &space.organization_guid);
                if !held.iter().any(|grant| grant.place == organization) {
                    return Err(ApiError::unprocessable(
                        "Users cannot be assigned roles in a space if they do not have a role in that space's organization.",
                    ));
                }
            }
            if held.iter().any(|grant| grant.place == place && grant.role == *kind) {
                let (what, name) = match &at {
                    At::Organization(organization) => ("organization", &organization.name),
                    At::Space(space) => ("space", &space.name),
                };
                let user = user.presentation_name();
                return Err(ApiError::unprocessable(format!("User '{user}' already has '{kind}' role in {what} '{name}'.")));
            }
            let (id, created_at) = (crate::repo::new_guid(), time::now());
            let grant = Grant { id, subject, role: kind.clone(), place, created_at };
            identity::grant_add(tx, &grant)?;
            let data = json!({ "role_guid": grant.id, "request": body.raw });
            audit::record(tx, &caller, &format!("audit.user.{kind}_add"), user.object(), &at.scope(), data)?;
            Ok((StatusCode::CREATED, Json(show_role(&base, &grant))))
        })
        .await
}

/// The place of a new role, whose manager the caller has to be.
fn place_for(tx: &mut Tx<'_>, caller: &Caller, kind: &str, given: &CreateRelationships) -> Result<At, ApiError> {
    let guid = |of: &Option<ToOne>| of.as_ref().and_then(ToOne::guid).map(str::to_owned);
    let (organization, space) = (guid(&given.organization), guid(&given.space));
    if organization.is_some() && space.is_some() {
        return Err(ApiError::unprocessable("Cannot pass both 'organization' and 'space' in a create request"));
    }
    let invalid = |what: &str| {
        ApiError::unprocessable(format!("Invalid {what}. Ensure that the {what} exists and you have access to it."))
    };
    let unseen = |error: &ApiError| error.status() == StatusCode::NOT_FOUND;
    if ORGANIZATION_ROLES.contains(&kind) {
        let guid = organization.ok_or_else(|| {
            ApiError::unprocessable(format!("Relationships Organization can't be blank for the role '{kind}'"))
        })?;
        return match Organization::load(tx, caller, &guid, &actions::ORGANIZATION_MANAGE) {
            Err(error) if unseen(&error) => Err(invalid("organization")),
            found => found.map(At::Organization),
        };
    }
    if SPACE_ROLES.contains(&kind) {
        let guid = space.ok_or_else(|| {
            ApiError::unprocessable(format!("Relationships Space can't be blank for the role '{kind}'"))
        })?;
        return match Space::load(tx, caller, &guid, &actions::SPACE_MANAGE) {
            Err(error) if unseen(&error) => Err(invalid("space")),
            found => found.map(At::Space),
        };
    }
    let valid: Vec<String> = ORGANIZATION_ROLES.iter().chain(SPACE_ROLES).map(|role| format!("\"{role}\"")).collect();
    Err(ApiError::unprocessable(format!("Type must be one of the allowed types [{}]", valid.join(", "))))
}

fn user_for(tx: &mut Tx<'_>, caller: &Caller, given: &GivenUser) -> Result<User, ApiError> {
    match (&given.guid, &given.username) {
        (Some(guid), None) => match users::user_load(tx, caller, guid) {
            Err(error) if error.status() == StatusCode::NOT_FOUND => {
                Err(ApiError::unprocessable("Invalid user. Ensure that the user exists and you have access to it."))
            }
            found => found,
        },
        (None, Some(name)) => {
            feature::require(tx, caller, "set_roles_by_username")?;
            let origin = given.origin.as_deref();
            users::user_by_name(tx, name, origin)?.ok_or_else(|| {
                let origin = origin.map(|origin| format!(" and origin '{origin}'")).unwrap_or_default();
                ApiError::unprocessable(format!("No user exists with the username '{name}'{origin}."))
            })
        }
        _ => Err(ApiError::unprocessable("Relationships User must have either a guid or a username")),
    }
}

pub(super) async fn delete_role(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let grant = load(tx, &caller, &guid)?;
            let at = if grant.place.kind == scope::ORGANIZATION {
                let found = Organization::load(tx, &caller, &grant.place.id, &actions::ORGANIZATION_MANAGE)?;
                check_last(tx, &grant)?;
                At::Organization(found)
            } else {
                At::Space(Space::load(tx, &caller, &grant.place.id, &actions::SPACE_MANAGE)?)
            };
            identity::grant_remove(tx, &grant.id)?;
            let user = users::user_find(tx, grant.subject.id())?;
            let id = grant.subject.id();
            let object = user.map_or_else(|| ledger::Object::new("user", id, id), |user| user.object());
            let action = format!("audit.user.{}_remove", grant.role);
            audit::record(tx, &caller, &action, object, &at.scope(), json!({ "role_guid": grant.id }))?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "role.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

/// Who has roles in an organization's spaces keeps one in the organization.
fn check_last(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), ApiError> {
    let held = identity::grants_of(tx, &grant.subject)?;
    if held.iter().any(|other| other.place == grant.place && other.id != grant.id) {
        return Ok(());
    }
    let spaces = spaces_of(tx, &grant.place.id)?;
    if held
        .iter()
        .any(|other| other.place.kind == scope::SPACE && spaces.iter().any(|space| space.guid == other.place.id))
    {
        return Err(ApiError::unprocessable(format!(
            "Cannot delete {} role while user has roles in spaces in that organization.",
            grant.role
        )));
    }
    Ok(())
}
