//! Tasks: create, list, show, cancel. Running them is in `run/task.rs`, which sees the ledger entry.

use super::body::{Body, Guid};
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::package::MetadataOnly;
use super::page::{Page, Params, Spec};
use super::process::check_user;
use super::routes::Routes;
use super::show;
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, time};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::droplet::{Droplet, STAGED};
use crate::repo::process::{DISK_MB, MEMORY_MB, Process};
use crate::repo::record::{self, Record};
use crate::repo::space::Space;
use crate::repo::task::Task;
use crate::repo::{allowance, audit, feature, list, metadata, scope, usage_event};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use sea_query::{Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

/// Megabytes that a task may ask for: a terabyte, which is more than any host has.
const MOST_MB: i64 = 1 << 20;

const LIST: Spec = Spec::new(&["names", "states", "app_guids", "space_guids", "organization_guids"]);
const APP_LIST: Spec = Spec::new(&["names", "states", "sequence_ids"]);

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/tasks", list_tasks)
        .get("/v3/tasks/{guid}", get_task)
        .patch("/v3/tasks/{guid}", update_task)
        .put("/v3/tasks/{guid}/cancel", cancel_task)
        .post("/v3/tasks/{guid}/actions/cancel", cancel_task)
        .get("/v3/apps/{guid}/tasks", list_app_tasks)
        .post("/v3/apps/{guid}/tasks", create_task)
}

/// `secrets`: may the reader see commands? Lists never show them, other than those of one app.
fn show_task(base: &Base, task: &Task, metadata: &Metadata, secrets: bool) -> Value {
    let path = format!("/v3/tasks/{}", task.guid);
    let mut shown = json!({
        "sequence_id": task.sequence_id,
        "name": task.name,
        "state": task.state,
        "user": task.user.as_deref().unwrap_or("vcap"),
        "memory_in_mb": task.memory_mb,
        "disk_in_mb": task.disk_mb,
        "log_rate_limit_in_bytes_per_second": task.log_rate,
        "result": {"failure_reason": task.failure_reason},
        "droplet_guid": task.droplet_guid,
        "relationships": {"app": to_one(Some(&task.app_guid))},
        "links": {
            "self": base.link(&path),
            "app": base.link(&format!("/v3/apps/{}", task.app_guid)),
            "cancel": base.action(&format!("{path}/actions/cancel"), "POST"),
            "droplet": base.link(&format!("/v3/droplets/{}", task.droplet_guid)),
        },
    });
    if secrets {
        shown["command"] = json!(task.command);
    }
    show::resource(&task.guid, task.created_at, task.updated_at, Some(metadata), shown)
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Task, App, Space), ApiError> {
    load_part(tx, caller, guid, action, "Task", |task: &Task| &task.app_guid)
}

async fn list_tasks(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    let page = Page::parse(params, &LIST)?;
    listed(apps, caller, base, page, None).await
}

async fn list_app_tasks(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    let page = Page::parse(params, &APP_LIST)?;
    listed(apps, caller, base, page, Some(guid)).await
}

async fn listed(apps: Apps, caller: Caller, base: Base, page: Page, app: Option<String>) -> Shown {
    let sequences = match page.filter("sequence_ids") {
        Some(values) => {
            let numbers: Result<Vec<i64>, _> = values.iter().map(|value| value.parse()).collect();
            Some(numbers.map_err(|_| ApiError::bad_query("Sequence ids must be whole numbers"))?)
        }
        None => None,
    };
    apps.db
        .read(move |tx| {
            let mut narrowed = apps_repo::visible(&scope::Visible::load(tx, &caller, &actions::SPACE_READ)?)
                .add(list::any_of(&page, "names", "name"))
                .add(list::any_of(&page, "states", "state"))
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_in(&page, "space_guids", "app_guid", |guids| {
                    apps_repo::guids_where("space_guid", guids)
                }))
                .add(list::any_in(&page, "organization_guids", "app_guid", apps_repo::guids_in_organizations));
            let mut secrets = false;
            if let Some(app) = &app {
                let (_, space) = App::load(tx, &caller, app, &actions::SPACE_READ)?;
                narrowed = narrowed.add(Expr::col("app_guid").eq(app.as_str()));
                secrets =
                    scope::sees_secrets(&caller) || scope::may_in_space(tx, &caller, &space, &actions::SECRETS_READ)?;
            }
            if let Some(sequences) = &sequences {
                narrowed = narrowed.add(Expr::col("sequence_id").is_in(sequences.iter().copied()));
            }
            let listed = list::rows::<Task>(tx, &page, Task::TABLE, Task::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|task| task.guid.clone()))?;
            let none = Metadata::default();
            let shown =
                listed.rows.iter().map(|one| show_task(&base, one, metadata.get(&one.guid).unwrap_or(&none), secrets));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    command: Option<String>,
    template: Option<Template>,
    name: Option<String>,
    user: Option<String>,
    memory_in_mb: Option<i64>,
    disk_in_mb: Option<i64>,
    log_rate_limit_in_bytes_per_second: Option<i64>,
    droplet_guid: Option<String>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Template {
    process: Guid,
}

async fn create_task(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let (mut app, space) = App::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            feature::require(tx, &caller, "task_creation")?;
            let given = &body.data;
            let task = new_task(tx, &mut app, given)?;
            record::insert(tx, &task)?;
            usage_event::task_changed(tx, &app, &task)?;
            app.save(tx)?;
            allowance::check(tx, &space)?;
            let metadata = metadata::merge(tx, &task.guid, given.metadata.as_ref())?;
            let mut request = body.raw.clone();
            if request.get("command").is_some() {
                request["command"] = json!(audit::HIDDEN);
            }
            let data = json!({"task_guid": task.guid, "request": request});
            audit::record(tx, &caller, "audit.app.task.create", app.object(), &space.scope(), data)?;
            Ok((StatusCode::ACCEPTED, Json(show_task(&base, &task, &metadata, true))))
        })
        .await
}

fn new_task(tx: &mut Tx<'_>, app: &mut App, given: &Create) -> Result<Task, ApiError> {
    let none = || ApiError::unprocessable("Task must have a droplet. Assign current droplet to app.");
    let droplet_guid = given.droplet_guid.clone().or_else(|| app.droplet_guid.clone()).ok_or_else(none)?;
    let droplet: Option<Droplet> = record::find(tx, &droplet_guid)?;
    let droplet = droplet.filter(|droplet| droplet.app_guid == app.guid && droplet.state == STAGED).ok_or_else(none)?;
    let template: Option<Process> = match &given.template {
        Some(template) => {
            let process: Option<Process> = record::find(tx, &template.process.guid)?;
            let process = process.filter(|process| process.app_guid == app.guid);
            Some(process.ok_or_else(|| ApiError::unprocessable("Template process not found"))?)
        }
        None => None,
    };
    let of_template = template
        .as_ref()
        .and_then(|process| process.command.clone().or_else(|| droplet.process_types.0.get(&process.kind).cloned()));
    let command = given.command.clone().or(of_template).filter(|command| !command.trim().is_empty());
    let command = command.ok_or_else(|| ApiError::unprocessable("Command can't be blank"))?;
    check_user(given.user.as_deref())?;
    for (name, size) in [("Memory", given.memory_in_mb), ("Disk", given.disk_in_mb)] {
        let words = match size {
            Some(size) if size < 1 => "must be greater than 0",
            Some(size) if size > MOST_MB => "must be at most 1048576",
            _ => continue,
        };
        return Err(ApiError::unprocessable(format!("{name} in mb {words}")));
    }
    app.last_task += 1;
    let (guid, now) = (crate::repo::new_guid(), time::now());
    let name = given.name.clone().unwrap_or_else(|| guid[..8].to_owned());
    super::body::check_name("Name", &name)?;
    Ok(Task {
        guid,
        app_guid: app.guid.clone(),
        sequence_id: app.last_task,
        name,
        command,
        user: given.user.clone(),
        state: "PENDING".into(),
        memory_mb: given.memory_in_mb.or(template.as_ref().map(|process| process.memory_mb)).unwrap_or(MEMORY_MB),
        disk_mb: given.disk_in_mb.or(template.as_ref().map(|process| process.disk_mb)).unwrap_or(DISK_MB),
        log_rate: given.log_rate_limit_in_bytes_per_second.or(template.map(|process| process.log_rate)).unwrap_or(-1),
        failure_reason: None,
        droplet_guid,
        created_at: now,
        updated_at: now,
    })
}

async fn get_task(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (task, _, space) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let secrets =
                scope::sees_secrets(&caller) || scope::may_in_space(tx, &caller, &space, &actions::SECRETS_READ)?;
            Ok(Json(show_task(&base, &task, &metadata::of(tx, &guid)?, secrets)))
        })
        .await
}

async fn update_task(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (task, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"metadata_of_task": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_task(&base, &task, &metadata, true)))
        })
        .await
}

async fn cancel_task(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            let (mut task, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            if task.is_over() {
                return Err(ApiError::unprocessable(format!(
                    "Task state is {} and therefore cannot be canceled",
                    task.state
                )));
            }
            task.state = "CANCELING".into();
            task.updated_at = time::now();
            record::save(tx, &task)?;
            audit::record(
                tx,
                &caller,
                "audit.app.task.cancel",
                app.object(),
                &space.scope(),
                json!({"task_guid": guid}),
            )?;
            Ok((StatusCode::ACCEPTED, Json(show_task(&base, &task, &metadata::of(tx, &guid)?, true))))
        })
        .await
}
