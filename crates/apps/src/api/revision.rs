//! Revisions: what an app was at its starts. A deployment goes back to one.

use super::body::Body;
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::package::MetadataOnly;
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::show;
use crate::model::actions;
use crate::model::label::Metadata;
use crate::repo::app::{App, load_part};
use crate::repo::record::Record;
use crate::repo::revision::{self as repo, Revision};
use crate::repo::space::Space;
use crate::repo::{audit, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use identity::Caller;
use sea_query::{Cond, Expr, ExprTrait};
use serde_json::{Map, Value, json};
use store::Tx;

const LIST: Spec = Spec::new(&["versions"]);

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/apps/{guid}/revisions", list_revisions)
        .get("/v3/apps/{guid}/revisions/deployed", list_deployed_revisions)
        .get("/v3/revisions/{guid}", get_revision)
        .patch("/v3/revisions/{guid}", update_revision)
        .get("/v3/revisions/{guid}/environment_variables", get_variables)
}

fn show_revision(
    tx: &mut Tx<'_>,
    base: &Base,
    revision: &Revision,
    metadata: &Metadata,
    secrets: bool,
) -> Result<Value, ApiError> {
    let path = format!("/v3/revisions/{}", revision.guid);
    let hidden = |command: &str| if secrets { json!(command) } else { json!(audit::HIDDEN) };
    let processes: Map<String, Value> = revision
        .commands
        .0
        .iter()
        .map(|(kind, command)| (kind.clone(), json!({"command": command.as_deref().map(hidden)})))
        .collect();
    let sidecars = revision.sidecars.0.iter().map(|one| {
        json!({
            "name": one.name,
            "command": hidden(&one.command),
            "process_types": one.process_types,
            "memory_in_mb": one.memory_mb,
        })
    });
    let rest = json!({
        "version": revision.version,
        "droplet": {"guid": revision.droplet_guid},
        "processes": processes,
        "sidecars": sidecars.collect::<Value>(),
        "description": revision.description,
        "deployable": revision.deployable(tx)?,
        "relationships": {"app": to_one(Some(&revision.app_guid))},
        "links": {
            "self": base.link(&path),
            "app": base.link(&format!("/v3/apps/{}", revision.app_guid)),
            "environment_variables": base.link(&format!("{path}/environment_variables")),
        },
    });
    Ok(show::resource(&revision.guid, revision.created_at, revision.updated_at, Some(metadata), rest))
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Revision, App, Space), ApiError> {
    load_part(tx, caller, guid, action, "Revision", |revision: &Revision| &revision.app_guid)
}

fn sees_secrets(tx: &mut Tx<'_>, caller: &Caller, space: &Space) -> Result<bool, ApiError> {
    Ok(scope::sees_secrets(caller) || scope::may_in_space(tx, caller, space, &actions::SECRETS_READ)?)
}

async fn list_revisions(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    listed(apps, caller, base, guid, params, false).await
}

/// Those that instances run now: several during a deployment.
async fn list_deployed_revisions(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    listed(apps, caller, base, guid, params, true).await
}

async fn listed(apps: Apps, caller: Caller, base: Base, guid: String, params: Params, deployed: bool) -> Shown {
    let page = Page::parse(params, &LIST)?;
    let versions = page.filter("versions").map(|all| all.iter().map(|one| one.parse::<i64>()).collect());
    let versions: Option<Vec<i64>> =
        versions.transpose().map_err(|_| ApiError::bad_query("Versions must be whole numbers"))?;
    apps.db
        .read(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let secrets = sees_secrets(tx, &caller, &space)?;
            let mut narrowed = Cond::all().add(Expr::col("app_guid").eq(guid.as_str()));
            if let Some(versions) = &versions {
                narrowed = narrowed.add(Expr::col("version").is_in(versions.iter().copied()));
            }
            if deployed {
                narrowed = narrowed.add(repo::deployed(tx, &app)?);
            }
            let listed = list::rows::<Revision>(tx, &page, Revision::TABLE, Revision::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|one| one.guid.clone()))?;
            let none = Metadata::default();
            let mut shown = Vec::new();
            for one in &listed.rows {
                shown.push(show_revision(tx, &base, one, metadata.get(&one.guid).unwrap_or(&none), secrets)?);
            }
            Ok(Json(page.envelope(&base, listed.total, shown)))
        })
        .await
}

async fn get_revision(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (revision, _, space) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let (metadata, secrets) = (metadata::of(tx, &guid)?, sees_secrets(tx, &caller, &space)?);
            Ok(Json(show_revision(tx, &base, &revision, &metadata, secrets)?))
        })
        .await
}

async fn update_revision(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (revision, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"revision_guid": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_revision(tx, &base, &revision, &metadata, true)?))
        })
        .await
}

async fn get_variables(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (revision, app, space) = load(tx, &caller, &guid, &actions::ENVIRONMENT_READ)?;
            let data = json!({"revision_guid": guid, "revision_version": revision.version});
            let action = "audit.app.revision.environment_variables.show";
            audit::record(tx, &caller, action, app.object(), &space.scope(), data)?;
            let path = format!("/v3/revisions/{guid}");
            Ok(Json(json!({
                "var": revision.variables(&state)?,
                "links": {
                    "self": base.link(&format!("{path}/environment_variables")),
                    "revision": base.link(&path),
                    "app": base.link(&format!("/v3/apps/{}", revision.app_guid)),
                },
            })))
        })
        .await
}
