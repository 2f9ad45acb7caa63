//! Sidecars: commands that run in the container of a process. A change counts from the process's next start on.

use super::body::{Body, present};
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::show;
use crate::model::actions;
use crate::model::sidecar::Sidecar as Wanted;
use crate::repo::app::{App, load_part};
use crate::repo::process::Process;
use crate::repo::record::{self, Record};
use crate::repo::sidecar::{self as repo, Sidecar};
use crate::repo::space::Space;
use crate::repo::{audit, list, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec { labels: false, ..Spec::new(&[]) };

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/apps/{guid}/sidecars", list_app_sidecars)
        .post("/v3/apps/{guid}/sidecars", create_sidecar)
        .get("/v3/processes/{guid}/sidecars", list_process_sidecars)
        .get("/v3/sidecars/{guid}", get_sidecar)
        .patch("/v3/sidecars/{guid}", update_sidecar)
        .delete("/v3/sidecars/{guid}", delete_sidecar)
}

fn show_sidecar(sidecar: &Sidecar, secrets: bool) -> Value {
    let command = if secrets { &sidecar.command } else { audit::HIDDEN };
    let rest = json!({
        "name": sidecar.name,
        "command": command,
        "process_types": sidecar.process_types.0,
        "memory_in_mb": sidecar.memory_mb,
        "origin": sidecar.origin,
        "relationships": {"app": to_one(Some(&sidecar.app_guid))},
    });
    show::resource(&sidecar.guid, sidecar.created_at, sidecar.updated_at, None, rest)
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Sidecar, App, Space), ApiError> {
    load_part(tx, caller, guid, action, "Sidecar", |sidecar: &Sidecar| &sidecar.app_guid)
}

fn sees_secrets(tx: &mut Tx<'_>, caller: &Caller, space: &Space) -> Result<bool, ApiError> {
    Ok(scope::sees_secrets(caller) || scope::may_in_space(tx, caller, space, &actions::SECRETS_READ)?)
}

async fn list_app_sidecars(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let (_, space) = App::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let secrets = sees_secrets(tx, &caller, &space)?;
            let own = Cond::all().add(Expr::col("app_guid").eq(guid.as_str()));
            let listed = list::rows::<Sidecar>(tx, &page, Sidecar::TABLE, Sidecar::COLUMNS, own)?;
            let shown = listed.rows.iter().map(|one| show_sidecar(one, secrets)).collect();
            Ok(Json(page.envelope(&base, listed.total, shown)))
        })
        .await
}

async fn list_process_sidecars(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let (process, app, space) =
                load_part(tx, &caller, &guid, &actions::SPACE_READ, "Process", |one: &Process| &one.app_guid)?;
            let secrets = sees_secrets(tx, &caller, &space)?;
            let mut all = repo::sidecars(tx, &app.guid)?;
            all.retain(|one| {
                one.process_types.0.contains(&process.kind) && page.keeps(&one.guid, one.created_at, one.updated_at)
            });
            if page.descending() {
                all.reverse();
            }
            let total = all.len() as u64;
            let shown = page.slice(all).iter().map(|one| show_sidecar(one, secrets)).collect();
            Ok(Json(page.envelope(&base, total, shown)))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    command: String,
    process_types: Vec<String>,
    memory_in_mb: Option<i64>,
}

async fn create_sidecar(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path(guid): Path<String>,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let (app, space) = App::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let Create { name, command, process_types, memory_in_mb } = body.data.clone();
            let wanted = Wanted { name, command, process_types, memory_mb: memory_in_mb };
            let made = Sidecar::new(&app.guid, wanted, repo::USER);
            repo::sidecar_put(tx, &made)?;
            note(tx, &caller, &app, &space, &body.raw)?;
            Ok((StatusCode::CREATED, Json(show_sidecar(&made, true))))
        })
        .await
}

fn note(tx: &mut Tx<'_>, caller: &Caller, app: &App, space: &Space, request: &Value) -> Result<(), ApiError> {
    let mut request = request.clone();
    if request.get("command").is_some() {
        request["command"] = json!(audit::HIDDEN);
    }
    let data = json!({"request": {"sidecar": request}});
    audit::record(tx, caller, "audit.app.update", app.object(), &space.scope(), data)?;
    Ok(())
}

async fn get_sidecar(State(apps): State<Apps>, Reader(caller): Reader, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (sidecar, _, space) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let secrets = sees_secrets(tx, &caller, &space)?;
            Ok(Json(show_sidecar(&sidecar, secrets)))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Update {
    name: Option<String>,
    command: Option<String>,
    process_types: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    memory_in_mb: Option<Option<i64>>,
}

async fn update_sidecar(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (mut sidecar, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let (given, was) = (body.data.clone(), sidecar.spec());
            sidecar.set(Wanted {
                name: given.name.unwrap_or(was.name),
                command: given.command.unwrap_or(was.command),
                process_types: given.process_types.unwrap_or(was.process_types),
                memory_mb: given.memory_in_mb.unwrap_or(was.memory_mb),
            });
            repo::sidecar_put(tx, &sidecar)?;
            note(tx, &caller, &app, &space, &body.raw)?;
            Ok(Json(show_sidecar(&sidecar, true)))
        })
        .await
}

async fn delete_sidecar(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    Path(guid): Path<String>,
) -> Result<StatusCode, ApiError> {
    apps.db
        .write(move |tx| {
            let (sidecar, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            record::remove::<Sidecar>(tx, &sidecar.guid)?;
            note(tx, &caller, &app, &space, &json!({"removed": sidecar.name}))?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}
