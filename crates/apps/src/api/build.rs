//! Builds: create, list, show. Staging itself is in `run/build.rs`, which sees the ledger entry.

use super::app::LifecycleChange;
use super::body::{Body, Guid};
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::package::MetadataOnly;
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::show;
use super::warning::Warned;
use crate::error::Kind;
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, time};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::build::{self as repo, Build, Lifecycle};
use crate::repo::package::Package;
use crate::repo::record::{self, Json as Stored, Record};
use crate::repo::setting::stack_judge;
use crate::repo::space::Space;
use crate::repo::{audit, list, metadata, scope, usage_event};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use identity::Caller;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec::new(&["states", "app_guids", "package_guids"]);

/// Megabytes of a staging container, unless asked otherwise.
const MEMORY_MB: i64 = 1024;
/// Megabytes for source, dependencies and cache of a staging container.
const DISK_MB: i64 = 6144;

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/builds", list_builds)
        .post("/v3/builds", create_build)
        .get("/v3/builds/{guid}", get_build)
        .patch("/v3/builds/{guid}", update_build)
        .get("/v3/apps/{guid}/builds", list_app_builds)
}

/// `waits`: where it waits for its turn, in words.
fn show_build(base: &Base, build: &Build, metadata: &Metadata, waits: Option<&String>) -> Value {
    let lifecycle = &build.lifecycle.0;
    let mut links = json!({
        "self": base.link(&format!("/v3/builds/{}", build.guid)),
        "app": base.link(&format!("/v3/apps/{}", build.app_guid)),
    });
    if let Some(droplet) = &build.droplet_guid {
        links["droplet"] = base.link(&format!("/v3/droplets/{droplet}"));
    }
    let mut shown = show::resource(
        &build.guid,
        build.created_at,
        build.updated_at,
        Some(metadata),
        json!({
            "state": build.state,
            "error": build.error,
            "staging_memory_in_mb": build.memory_mb,
            "staging_disk_in_mb": build.disk_mb,
            "staging_log_rate_limit_bytes_per_second": build.log_rate,
            "lifecycle": super::app::show_lifecycle(&lifecycle.kind, &lifecycle.buildpacks, lifecycle.stack.as_deref()),
            "package": {"guid": build.package_guid},
            "droplet": build.droplet_guid.as_ref().map(|guid| json!({"guid": guid})),
            "created_by": {"guid": build.creator_guid, "name": build.creator_name, "email": build.creator_email},
            "relationships": {"app": to_one(Some(&build.app_guid))},
            "links": links,
        }),
    );
    if let Some(words) = waits.filter(|_| build.state == repo::STAGING) {
        shown["details"] = json!(format!("The build {words}"));
    }
    shown
}

async fn list_builds(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    listed(apps, caller, base, params, None).await
}

async fn list_app_builds(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    listed(apps, caller, base, params, Some(guid)).await
}

async fn listed(apps: Apps, caller: Caller, base: Base, params: Params, app: Option<String>) -> Shown {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut narrowed = apps_repo::visible(&scope::Visible::load(tx, &caller, &actions::SPACE_READ)?)
                .add(list::any_of(&page, "states", "state"))
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_of(&page, "package_guids", "package_guid"));
            if let Some(app) = &app {
                App::load(tx, &caller, app, &actions::SPACE_READ)?;
                narrowed = narrowed.add(Expr::col("app_guid").eq(app.as_str()));
            }
            let listed = list::rows::<Build>(tx, &page, Build::TABLE, Build::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|build| build.guid.clone()))?;
            let waits = repo::waits(tx, listed.rows.iter().map(|build| build.guid.clone()))?;
            let none = Metadata::default();
            let shown = listed
                .rows
                .iter()
                .map(|one| show_build(&base, one, metadata.get(&one.guid).unwrap_or(&none), waits.get(&one.guid)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

/// Ends the builds of a package that goes; answers their guids. Who follows the ledger stops what is under way.
pub(super) fn call_off(
    tx: &mut Tx<'_>,
    caller: &Caller,
    package: &Package,
    app: &App,
    space: &Space,
) -> Result<Vec<String>, ApiError> {
    let mut guids = Vec::new();
    for mut build in repo::open(tx, Some(&app.guid))?.into_iter().filter(|build| build.package_guid == package.guid) {
        let error = "StagingError - Staging error: its package was deleted";
        build.state = repo::FAILED.into();
        build.error = Some(error.into());
        build.updated_at = time::now();
        record::save(tx, &build)?;
        let data = json!({"build_guid": build.guid, "package_guid": package.guid, "error": error});
        audit::record(tx, caller, "audit.app.build.failed", app.object(), &space.scope(), data)?;
        guids.push(build.guid);
    }
    Ok(guids)
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    package: Guid,
    lifecycle: Option<LifecycleChange>,
    staging_memory_in_mb: Option<i64>,
    staging_disk_in_mb: Option<i64>,
    staging_log_rate_limit_bytes_per_second: Option<i64>,
    metadata: Option<MetadataPatch>,
}

async fn create_build(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<Warned<(StatusCode, Json<Value>)>, ApiError> {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let invalid = || {
                ApiError::unprocessable(
                    "Unable to use package. Ensure that the package exists and you have access to it.",
                )
            };
            let given = &body.data;
            let found =
                load_part(tx, &caller, &given.package.guid, &actions::SPACE_OPERATE, "Package", |package: &Package| {
                    &package.app_guid
                });
            let (package, mut app, space) = match found {
                Err(error) if error.status() == StatusCode::NOT_FOUND => return Err(invalid()),
                other => other?,
            };
            if package.state != "READY" {
                return Err(ApiError::new(
                    Kind::BAD_REQUEST,
                    "Bad request: Cannot stage package whose state is not ready.",
                ));
            }
            if !repo::open(tx, Some(&app.guid))?.is_empty() {
                return Err(ApiError::new(
                    Kind::STAGING_IN_PROGRESS,
                    "Only one build can be STAGING at a time per application.",
                ));
            }
            for (name, size) in [("memory", given.staging_memory_in_mb), ("disk", given.staging_disk_in_mb)] {
                if size.is_some_and(|size| !(1..=1 << 20).contains(&size)) {
                    return Err(ApiError::unprocessable(format!(
                        "Staging {name} in mb must be between 1 and {}",
                        1 << 20
                    )));
                }
            }
            // For this build alone; the app keeps its own.
            let mut warnings = super::app::change_lifecycle(&state, tx, &mut app, given.lifecycle.as_ref())?;
            let first = !list::exists(tx, "droplet", Cond::all().add(Expr::col("app_guid").eq(&*app.guid)))?;
            warnings.extend(stack_judge(tx, app.stack.as_deref().unwrap_or_default(), first)?);
            warnings.dedup();
            let now = time::now();
            let build = Build {
                guid: crate::repo::new_guid(),
                app_guid: app.guid.clone(),
                package_guid: package.guid,
                state: repo::STAGING.into(),
                error: None,
                lifecycle: Stored(Lifecycle {
                    kind: app.lifecycle.clone(),
                    buildpacks: app.buildpacks.0.clone(),
                    stack: app.stack.clone(),
                }),
                memory_mb: given.staging_memory_in_mb.unwrap_or(MEMORY_MB),
                disk_mb: given.staging_disk_in_mb.unwrap_or(DISK_MB),
                log_rate: given.staging_log_rate_limit_bytes_per_second.unwrap_or(-1),
                droplet_guid: None,
                creator_guid: caller.subject.id().into(),
                creator_name: caller.name.clone(),
                creator_email: caller.email.clone(),
                attempts: 0,
                created_at: now,
                updated_at: now,
            };
            record::insert(tx, &build)?;
            usage_event::build_changed(tx, &app, &build, None)?;
            let metadata = metadata::merge(tx, &build.guid, given.metadata.as_ref())?;
            let data = json!({"build_guid": build.guid, "package_guid": build.package_guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.build.create", app.object(), &space.scope(), data)?;
            state.say_after(tx, &app.guid, format!("Creating build for app with guid {}", app.guid));
            for words in &warnings {
                state.warn_after(tx, &app.guid, words);
            }
            Ok(Warned((StatusCode::CREATED, Json(show_build(&base, &build, &metadata, None))), warnings))
        })
        .await
}

async fn get_build(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (build, _, _) =
                load_part(tx, &caller, &guid, &actions::SPACE_READ, "Build", |build: &Build| &build.app_guid)?;
            let waits = repo::waits(tx, [guid.clone()])?;
            Ok(Json(show_build(&base, &build, &metadata::of(tx, &guid)?, waits.get(&guid))))
        })
        .await
}

async fn update_build(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (build, app, space) =
                load_part(tx, &caller, &guid, &actions::SPACE_DEVELOP, "Build", |build: &Build| &build.app_guid)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"metadata_of_build": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            let waits = repo::waits(tx, [guid.clone()])?;
            Ok(Json(show_build(&base, &build, &metadata, waits.get(&guid))))
        })
        .await
}
