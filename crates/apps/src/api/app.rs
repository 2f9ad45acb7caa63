//! Apps: list, create, show, change, delete. What else hangs on an app is in the modules below.

mod action;
mod current;
mod lifecycle;
mod setting;
mod traffic;

use super::body::{Body, Guid, ToOne, check_name};
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::warning::Warned;
use super::{job, show};
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, environment, time};
use crate::repo::app::{self as repo, App};
use crate::repo::process::Process;
use crate::repo::record::{self, Json as Stored, Record};
use crate::repo::setting::{stack_find, stack_judge};
use crate::repo::space::Space;
use crate::repo::{audit, job as jobs, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use identity::Caller;
use sea_query::{Cond, Expr, ExprTrait, IntoCondition};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::Tx;

pub(super) use action::{Start, restart, revise};
pub(super) use current::assign;
pub(super) use lifecycle::{LifecycleChange, LifecycleData, change_lifecycle, lifecycle_disabled, show_lifecycle};
pub(super) use setting::merge_environment;

const LIST: Spec = Spec {
    order: &["name", "state"],
    include: &["space", "org", "space.organization"],
    ..Spec::new(&["names", "organization_guids", "space_guids", "stacks", "lifecycle_type"])
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/apps", list_apps)
        .post("/v3/apps", create_app)
        .get("/v3/apps/{guid}", get_app)
        .patch("/v3/apps/{guid}", update_app)
        .delete("/v3/apps/{guid}", delete_app)
        .merge(action::routes())
        .merge(current::routes())
        .merge(setting::routes())
        .merge(traffic::routes())
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    relationships: Relationships,
    lifecycle: Option<LifecycleChange>,
    environment_variables: Option<BTreeMap<String, Option<String>>>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Relationships {
    space: ToOne,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Update {
    name: Option<String>,
    lifecycle: Option<LifecycleChange>,
    metadata: Option<MetadataPatch>,
}

pub(super) fn show_app(base: &Base, app: &App, metadata: &Metadata) -> Value {
    let path = format!("/v3/apps/{}", app.guid);
    let link = |rest: &str| base.link(&format!("{path}/{rest}"));
    show::resource(
        &app.guid,
        app.created_at,
        app.updated_at,
        Some(metadata),
        json!({
            "name": app.name,
            "state": app.state,
            "lifecycle": show_lifecycle(&app.lifecycle, &app.buildpacks.0, app.stack.as_deref()),
            "relationships": {
                "space": to_one(Some(&app.space_guid)),
                "current_droplet": to_one(app.droplet_guid.as_deref()),
            },
            "links": {
                "self": base.link(&path),
                "space": base.link(&format!("/v3/spaces/{}", app.space_guid)),
                "environment_variables": link("environment_variables"),
                "packages": link("packages"),
                "current_droplet": link("droplets/current"),
                "droplets": link("droplets"),
                "tasks": link("tasks"),
                "processes": link("processes"),
                "start": base.action(&format!("{path}/actions/start"), "POST"),
                "stop": base.action(&format!("{path}/actions/stop"), "POST"),
                "revisions": link("revisions"),
                "deployed_revisions": link("revisions/deployed"),
                "features": link("features"),
            },
        }),
    )
}

/// Apps for `included`.
pub fn included_apps(tx: &mut Tx<'_>, base: &Base, guids: &[String]) -> Result<Vec<Value>, ApiError> {
    let apps: Vec<App> = record::all(tx, Expr::col("guid").is_in(guids.iter().cloned()))?;
    let metadata = metadata::of_many(tx, guids.iter().cloned())?;
    Ok(apps.iter().map(|app| show_app(base, app, metadata.get(&app.guid).unwrap_or(&Metadata::default()))).collect())
}

async fn list_apps(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    listed(apps, caller, base, params, None).await
}

/// `GET /v3/stacks/:guid/apps`
pub(super) async fn list_stack_apps(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    listed(apps, caller, base, params, Some(guid)).await
}

async fn listed(
    apps: Apps,
    caller: Caller,
    base: Base,
    params: Params,
    stack: Option<String>,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut narrowed = Cond::all()
                .add(scope::Visible::load(tx, &caller, &actions::SPACE_READ)?.spaces("space_guid"))
                .add(list::any_of(&page, "names", "name"))
                .add(list::any_of(&page, "space_guids", "space_guid"))
                .add(list::any_of(&page, "lifecycle_type", "lifecycle"))
                .add(list::any_in(&page, "organization_guids", "space_guid", repo::spaces_in));
            if let Some(stacks) = page.filter("stacks") {
                // An empty value asks for apps without a stack.
                narrowed = narrowed.add(match stacks {
                    [empty] if empty.is_empty() => Expr::col("stack").is_null().into_condition(),
                    stacks => Expr::col("stack").is_in(stacks.iter().cloned()).into_condition(),
                });
            }
            if let Some(guid) = &stack {
                let stack = stack_find(tx, guid)?.ok_or_else(|| ApiError::not_found("Stack"))?;
                narrowed = narrowed.add(Expr::col("stack").eq(stack.name));
            }
            let listed = list::rows::<App>(tx, &page, App::TABLE, App::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|app| app.guid.clone()))?;
            let none = Metadata::default();
            let shown =
                listed.rows.iter().map(|app| show_app(&base, app, metadata.get(&app.guid).unwrap_or(&none))).collect();
            let included = included(tx, &base, &page.include, listed.rows.iter().map(|app| &app.space_guid))?;
            Ok(Json(page.envelope_with(&base, listed.total, shown, included)))
        })
        .await
}

fn included<'g>(
    tx: &mut Tx<'_>,
    base: &Base,
    include: &[String],
    spaces: impl Iterator<Item = &'g String>,
) -> Result<Value, ApiError> {
    let mut included = json!({});
    if include.is_empty() {
        return Ok(included);
    }
    let spaces = super::space::included_spaces(tx, base, &show::distinct(spaces))?;
    if include.iter().any(|name| name == "org" || name == "space.organization") {
        let guids = show::distinct(spaces.iter().map(|(space, _)| &space.organization_guid));
        included["organizations"] = super::space::included_organizations(tx, base, &guids)?.into();
    }
    if include.iter().any(|name| name.starts_with("space")) {
        included["spaces"] = spaces.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>().into();
    }
    Ok(included)
}

async fn create_app(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<Warned<(StatusCode, Json<Value>)>, ApiError> {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            check_name("Name", &body.data.name)?;
            let invalid =
                || ApiError::unprocessable("Invalid space. Ensure that the space exists and you have access to it.");
            let guid = body.data.relationships.space.guid().ok_or_else(invalid)?;
            let space = match Space::load(tx, &caller, guid, &actions::SPACE_DEVELOP) {
                Err(error) if error.status() == StatusCode::NOT_FOUND => return Err(invalid()),
                other => other?,
            };
            let mut app = new_app(&state, &space, &body.data.name);
            let mut warnings = change_lifecycle(&state, tx, &mut app, body.data.lifecycle.as_ref())?;
            let variables = body.data.environment_variables.clone().unwrap_or_default();
            merge_environment(&state, &mut app, &variables)?;
            warnings.extend(insert_app(&state, tx, &caller, &space, &app, json!({ "request": body.raw }))?);
            warnings.dedup();
            let metadata = metadata::merge(tx, &app.guid, body.data.metadata.as_ref())?;
            Ok(Warned((StatusCode::CREATED, Json(show_app(&base, &app, &metadata))), warnings))
        })
        .await
}

/// An app that is not stored yet.
pub(super) fn new_app(apps: &Apps, space: &Space, name: &str) -> App {
    let (guid, now) = (crate::repo::new_guid(), time::now());
    App {
        environment: apps.seal_environment(&guid, &BTreeMap::new()),
        guid,
        space_guid: space.guid.clone(),
        name: name.into(),
        state: repo::STOPPED.into(),
        version: crate::repo::new_guid(),
        lifecycle: "buildpack".into(),
        buildpacks: Stored(Vec::new()),
        stack: Some(apps.default_stack()),
        features: Stored(BTreeMap::new()),
        droplet_guid: None,
        last_task: 0,
        created_at: now,
        updated_at: now,
    }
}

/// Stores a new app with its web process; answers a warning about its stack. 422 if its name is taken or its stack is not
/// for new apps.
pub(super) fn insert_app(
    apps: &Apps,
    tx: &mut Tx<'_>,
    caller: &Caller,
    space: &Space,
    app: &App,
    data: Value,
) -> Result<Option<String>, ApiError> {
    let warning = stack_judge(tx, app.stack.as_deref().unwrap_or_default(), true)?;
    repo::check_name_free(tx, &space.guid, &app.name, None)?;
    record::insert(tx, app)?;
    Process::new(app, "web").insert(tx, app)?;
    audit::record(tx, caller, "audit.app.create", app.object(), &space.scope(), data)?;
    apps.say_after(tx, &app.guid, format!("Created app with guid {}", app.guid));
    Ok(warning)
}

async fn get_app(
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
            let (app, _) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let mut shown = show_app(&base, &app, &metadata::of(tx, &guid)?);
            if !include.is_empty() {
                shown["included"] = included(tx, &base, &include, std::iter::once(&app.space_guid))?;
            }
            Ok(Json(shown))
        })
        .await
}

async fn update_app(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Warned<Json<Value>>, ApiError> {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            if let Some(name) = &body.data.name {
                check_name("Name", name)?;
                repo::check_name_free(tx, &space.guid, name, Some(&guid))?;
                app.name = name.clone();
            }
            let warnings = change_lifecycle(&state, tx, &mut app, body.data.lifecycle.as_ref())?;
            app.save(tx)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            audit::record(
                tx,
                &caller,
                "audit.app.update",
                app.object(),
                &space.scope(),
                json!({ "request": body.raw }),
            )?;
            state.say_after(tx, &guid, format!("Updated app with guid {guid} ({})", body.raw));
            Ok(Warned(Json(show_app(&base, &app, &metadata)), warnings))
        })
        .await
}

async fn delete_app(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let job = apps
        .db
        .write(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            repo::app_delete(tx, &caller, &space, &app)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "app.delete")?)
        })
        .await?;
    Ok(job::accepted(&base, &job))
}

/// `{"guid": …}` of a to-one relationship that must not be null.
pub(super) fn required<'b>(relation: &'b ToOne, what: &str) -> Result<&'b Guid, ApiError> {
    relation.data.as_ref().ok_or_else(|| ApiError::unprocessable(format!("{what} can't be blank")))
}

pub(super) use environment::check_name as check_variable;
