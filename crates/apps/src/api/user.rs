//! Users: people and UAA clients. They are made and removed by UAA's endpoints; here they have roles and metadata.

use crate::api::body::Body;
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::page::{Page, Params, Spec};
use crate::api::{job, show};
use crate::model::actions;
use crate::model::label::{Metadata, MetadataPatch};
use crate::repo::organization::Organization;
use crate::repo::space::Space;
use crate::repo::user::{self as repo, User};
use crate::repo::{audit, job as jobs, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::Place;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec::new(&["usernames", "partial_usernames", "origins"]);

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    guid: Option<String>,
    username: Option<String>,
    origin: Option<String>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    metadata: Option<MetadataPatch>,
}

fn show_user(base: &Base, user: &User, metadata: &Metadata) -> Value {
    let rest = json!({
        "username": user.username,
        "presentation_name": user.presentation_name(),
        "origin": user.origin,
        "links": { "self": base.link(&format!("/v3/users/{}", user.guid)) },
    });
    show::resource(&user.guid, user.created_at, user.updated_at, Some(metadata), rest)
}

pub(super) fn show_users(tx: &mut Tx<'_>, base: &Base, users: &[User]) -> Result<Vec<Value>, ApiError> {
    let metadata = metadata::of_many(tx, users.iter().map(|user| user.guid.clone()))?;
    let none = Metadata::default();
    Ok(users.iter().map(|user| show_user(base, user, metadata.get(&user.guid).unwrap_or(&none))).collect())
}

fn page_of(tx: &mut Tx<'_>, base: &Base, page: &Page, mut users: Vec<User>) -> Result<Json<Value>, ApiError> {
    let fold = |text: &str| text.to_lowercase();
    if let Some(names) = page.filter("usernames") {
        let names: Vec<String> = names.iter().map(|name| fold(name)).collect();
        users.retain(|user| user.username.as_ref().is_some_and(|name| names.contains(&fold(name))));
    }
    if let Some(parts) = page.filter("partial_usernames") {
        let parts: Vec<String> = parts.iter().map(|part| fold(part)).collect();
        users.retain(|user| {
            user.username.as_ref().is_some_and(|name| parts.iter().any(|part| fold(name).contains(part)))
        });
    }
    if let Some(origins) = page.filter("origins") {
        users.retain(|user| user.origin.as_ref().is_some_and(|origin| origins.contains(origin)));
    }
    users.retain(|user| page.keeps(&user.guid, user.created_at, user.updated_at));
    page.keep_labelled(tx, &mut users, |user| &user.guid)?;
    users.sort_by(|a, b| (a.created_at, &a.guid).cmp(&(b.created_at, &b.guid)));
    if page.descending() {
        users.reverse();
    }
    let total = users.len() as u64;
    let shown = show_users(tx, base, &page.slice(users))?;
    Ok(Json(page.envelope(base, total, shown)))
}

pub(super) async fn list_users(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    let named = page.filter("usernames").is_some() || page.filter("partial_usernames").is_some();
    if page.filter("origins").is_some() && !named {
        return Err(ApiError::bad_query(
            "Origins filter cannot be provided without usernames or partial_usernames filter.",
        ));
    }
    apps.db
        .read(move |tx| {
            let users = repo::user_list(tx, &caller)?;
            page_of(tx, &base, &page, users)
        })
        .await
}

/// `GET /v3/organizations/:guid/users`: who has a role in it.
pub(super) async fn list_organization_users(
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
            let members = repo::members(tx, repo::in_place(&Place::new(scope::ORGANIZATION, &guid)))?;
            let users = repo::users(tx, &members.into_iter().collect::<Vec<_>>())?;
            page_of(tx, &base, &page, users)
        })
        .await
}

/// `GET /v3/spaces/:guid/users`: who has a role in it.
pub(super) async fn list_space_users(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let members = repo::members(tx, repo::in_place(&Place::new(scope::SPACE, &guid)))?;
            let users = repo::users(tx, &members.into_iter().collect::<Vec<_>>())?;
            page_of(tx, &base, &page, users)
        })
        .await
}

pub(super) async fn get_user(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = repo::user_load(tx, &caller, &guid)?;
            Ok(Json(show_user(&base, &found, &metadata::of(tx, &guid)?)))
        })
        .await
}

/// `POST /v3/users`: `cf create-user` calls it after UAA has made the person.
pub(super) async fn create_user(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            scope::administer(&caller)?;
            let Create { guid, username, origin, metadata } = &body.data;
            let found = match (guid, username) {
                (Some(guid), None) => repo::user_find(tx, guid)?.ok_or_else(|| {
                    ApiError::unprocessable(format!(
                        "No user exists with the guid '{guid}'. Create the user in UAA first."
                    ))
                })?,
                (None, Some(name)) => repo::user_by_name(tx, name, origin.as_deref())?.ok_or_else(|| {
                    ApiError::unprocessable(format!(
                        "No user exists with the username '{name}'. Create the user in UAA first."
                    ))
                })?,
                _ => return Err(ApiError::unprocessable("Give either a guid, or a username with its origin")),
            };
            let metadata = metadata::merge(tx, &found.guid, metadata.as_ref())?;
            audit::record(tx, &caller, "audit.user.create", found.object(), &[], json!({ "request": body.raw }))?;
            Ok((StatusCode::CREATED, Json(show_user(&base, &found, &metadata))))
        })
        .await
}

pub(super) async fn update_user(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let found = repo::user_load(tx, &caller, &guid)?;
            scope::administer(&caller)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            audit::record(tx, &caller, "audit.user.update", found.object(), &[], json!({ "request": body.raw }))?;
            Ok(Json(show_user(&base, &found, &metadata)))
        })
        .await
}

/// `DELETE /v3/users/:guid` takes all roles in organizations and spaces; UAA's endpoint removes the person.
pub(super) async fn delete_user(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let found = repo::user_load(tx, &caller, &guid)?;
            scope::administer(&caller)?;
            let held = Cond::all()
                .add(Expr::col("subject_kind").eq(found.subject().kind()))
                .add(Expr::col("subject_id").eq(guid.as_str()))
                .add(Expr::col("place_kind").is_in([scope::ORGANIZATION, scope::SPACE]));
            for grant in identity::grants(tx, held)? {
                identity::grant_remove(tx, &grant.id)?;
            }
            metadata::remove(tx, &guid)?;
            audit::record(tx, &caller, "audit.user.delete-request", found.object(), &[], json!({}))?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "user.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}
