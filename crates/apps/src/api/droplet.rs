//! Droplets: list, show, upload, copy, download, delete.

use super::body::Body;
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::package::{MetadataOnly, Relationships, UPLOAD_LIMIT, app_of, receive, send};
use super::page::{Page, Params, Spec};
use super::process::HIDDEN;
use super::routes::Routes;
use super::{job, show};
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, time};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::build::Lifecycle;
use crate::repo::droplet::{Droplet, STAGED};
use crate::repo::package::Package;
use crate::repo::record::{self, Json as Stored, Record};
use crate::repo::space::Space;
use crate::repo::{audit, job as jobs, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use identity::Caller;
use sea_query::{Cond, Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use staging::archive::ArchiveLimits;
use std::collections::BTreeMap;
use store::Tx;

const LIST: Spec = Spec::new(&["states", "app_guids", "space_guids", "organization_guids"]);
const APP_LIST: Spec = Spec::new(&["states", "current"]);
const PACKAGE_LIST: Spec = Spec::new(&["states"]);

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/droplets", list_droplets)
        .post("/v3/droplets", create_droplet)
        .get("/v3/droplets/{guid}", get_droplet)
        .patch("/v3/droplets/{guid}", update_droplet)
        .delete("/v3/droplets/{guid}", delete_droplet)
        .post("/v3/droplets/{guid}/upload", upload_droplet)
        .get("/v3/droplets/{guid}/download", download_droplet)
        .get("/v3/apps/{guid}/droplets", list_app_droplets)
        .get("/v3/packages/{guid}/droplets", list_package_droplets)
}

pub(super) fn show_droplet(base: &Base, droplet: &Droplet, metadata: &Metadata) -> Value {
    let path = format!("/v3/droplets/{}", droplet.guid);
    let lifecycle = &droplet.lifecycle.0;
    let mut links = json!({
        "self": base.link(&path),
        "app": base.link(&format!("/v3/apps/{}", droplet.app_guid)),
        "assign_current_droplet": base.action(&format!("/v3/apps/{}/relationships/current_droplet", droplet.app_guid), "PATCH"),
        "download": base.link(&format!("{path}/download")),
    });
    match &droplet.package_guid {
        Some(package) => links["package"] = base.link(&format!("/v3/packages/{package}")),
        None => links["upload"] = base.action(&format!("{path}/upload"), "POST"),
    }
    show::resource(
        &droplet.guid,
        droplet.created_at,
        droplet.updated_at,
        Some(metadata),
        json!({
            "state": droplet.state,
            "error": droplet.error,
            // What a droplet was made with is in `buildpacks`, not here.
            "lifecycle": {"type": lifecycle.kind, "data": {}},
            "execution_metadata": droplet.execution_metadata,
            "process_types": droplet.process_types.0,
            "checksum": droplet.digest.as_ref().map(|digest| json!({"type": "sha256", "value": digest})),
            "buildpacks": droplet.buildpacks.0.iter().map(|used| json!({
                "name": used.name,
                "detect_output": used.detect_output,
                "version": used.version,
                "buildpack_name": used.buildpack_name,
            })).collect::<Value>(),
            "stack": droplet.stack,
            "image": droplet.image,
            "relationships": {"app": to_one(Some(&droplet.app_guid))},
            "links": links,
        }),
    )
}

/// As lists have it: commands are private.
fn show_listed(base: &Base, droplet: &Droplet, metadata: &Metadata) -> Value {
    let mut shown = show_droplet(base, droplet, metadata);
    shown["execution_metadata"] = json!(HIDDEN);
    shown["process_types"] = json!({ "redacted_message": HIDDEN });
    shown
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Droplet, App, Space), ApiError> {
    load_part(tx, caller, guid, action, "Droplet", |droplet: &Droplet| &droplet.app_guid)
}

#[derive(Clone)]
enum Under {
    Everything,
    App(String),
    Package(String),
}

async fn list_droplets(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    listed(apps, caller, base, params, Under::Everything).await
}

async fn list_app_droplets(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    listed(apps, caller, base, params, Under::App(guid)).await
}

async fn list_package_droplets(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    listed(apps, caller, base, params, Under::Package(guid)).await
}

async fn listed(apps: Apps, caller: Caller, base: Base, params: Params, under: Under) -> Shown {
    let spec = match &under {
        Under::Everything => &LIST,
        Under::App(_) => &APP_LIST,
        Under::Package(_) => &PACKAGE_LIST,
    };
    let page = Page::parse(params, spec)?;
    apps.db
        .read(move |tx| {
            let mut narrowed = apps_repo::visible(&scope::Visible::load(tx, &caller, &actions::SPACE_READ)?)
                .add(list::any_of(&page, "states", "state"))
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_in(&page, "space_guids", "app_guid", |guids| {
                    apps_repo::guids_where("space_guid", guids)
                }))
                .add(list::any_in(&page, "organization_guids", "app_guid", apps_repo::guids_in_organizations));
            match &under {
                Under::Everything => {}
                Under::App(guid) => {
                    let (app, _) = App::load(tx, &caller, guid, &actions::SPACE_READ)?;
                    narrowed = narrowed.add(Expr::col("app_guid").eq(guid.as_str()));
                    if page.filter("current").is_some_and(|values| values == ["true"]) {
                        narrowed = narrowed.add(Expr::col("guid").eq(app.droplet_guid.unwrap_or_default()));
                    }
                }
                Under::Package(guid) => {
                    load_part(tx, &caller, guid, &actions::SPACE_READ, "Package", |package: &Package| {
                        &package.app_guid
                    })?;
                    narrowed = narrowed.add(Expr::col("package_guid").eq(guid.as_str()));
                }
            }
            let listed = list::rows::<Droplet>(tx, &page, Droplet::TABLE, Droplet::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|droplet| droplet.guid.clone()))?;
            let none = Metadata::default();
            let shown = listed.rows.iter().map(|one| show_listed(&base, one, metadata.get(&one.guid).unwrap_or(&none)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    relationships: Relationships,
    process_types: Option<BTreeMap<String, String>>,
    metadata: Option<MetadataPatch>,
}

async fn create_droplet(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    params: Params,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    params.only(&["source_guid"])?;
    let source = params.get("source_guid").map(str::to_owned);
    apps.db
        .write(move |tx| {
            let (app, space) = app_of(tx, &caller, &body.data.relationships, &actions::SPACE_DEVELOP)?;
            let now = time::now();
            let mut droplet = Droplet {
                guid: crate::repo::new_guid(),
                app_guid: app.guid.clone(),
                package_guid: None,
                state: "AWAITING_UPLOAD".into(),
                error: None,
                lifecycle: Stored(Lifecycle {
                    kind: app.lifecycle.clone(),
                    buildpacks: Vec::new(),
                    stack: app.stack.clone(),
                }),
                process_types: Stored(body.data.process_types.clone().unwrap_or_default()),
                execution_metadata: String::new(),
                buildpacks: Stored(Vec::new()),
                sidecars: None,
                stack: app.stack.clone(),
                image: None,
                digest: None,
                created_at: now,
                updated_at: now,
            };
            if let Some(source) = &source {
                let (from, _, _) = match load(tx, &caller, source, &actions::SPACE_DEVELOP) {
                    Err(error) if error.status() == StatusCode::NOT_FOUND => {
                        return Err(ApiError::unprocessable(
                            "Source is invalid. Ensure it exists and you have access to it.",
                        ));
                    }
                    other => other?,
                };
                if from.state != STAGED {
                    return Err(ApiError::unprocessable("Source droplet is not staged."));
                }
                // Archives are shared by content, so a copy is there at once.
                droplet = Droplet {
                    guid: droplet.guid,
                    app_guid: app.guid.clone(),
                    created_at: now,
                    updated_at: now,
                    package_guid: None,
                    ..from
                };
            }
            record::insert(tx, &droplet)?;
            let metadata = metadata::merge(tx, &droplet.guid, body.data.metadata.as_ref())?;
            let data = json!({"droplet_guid": droplet.guid, "source_guid": source});
            audit::record(tx, &caller, "audit.app.droplet.create", app.object(), &space.scope(), data)?;
            Ok((StatusCode::CREATED, Json(show_droplet(&base, &droplet, &metadata))))
        })
        .await
}

async fn upload_droplet(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (reader, wanted) = (caller.clone(), guid.clone());
    apps.db
        .read(move |tx| {
            let (droplet, _, _) = load(tx, &reader, &wanted, &actions::SPACE_DEVELOP)?;
            check_state(&droplet)
        })
        .await?;
    let blob = receive(&apps, request, UPLOAD_LIMIT, |path| {
        staging::archive::check_tar_gz(path, &ArchiveLimits::droplet()).map(drop)
    })
    .await?;
    let file = apps.blobs.local(&blob.digest).await.map_err(ApiError::internal)?;
    let named = tokio::task::spawn_blocking(move || staging::start_command(file.as_ref())).await;
    let named = named.map_err(ApiError::internal)?;
    let address = base.clone();
    let (shown, job) = apps
        .db
        .write(move |tx| {
            let (mut droplet, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            check_state(&droplet)?;
            (droplet.state, droplet.digest) = (STAGED.into(), Some(blob.digest.hex()));
            // `cf push --droplet` names no process types: the droplet itself says how it starts.
            if let (true, Some(command)) = (droplet.process_types.0.is_empty(), &named) {
                droplet.process_types.0.insert("web".into(), command.clone());
            }
            droplet.updated_at = time::now();
            record::save(tx, &droplet)?;
            audit::record(
                tx,
                &caller,
                "audit.app.droplet.upload",
                app.object(),
                &space.scope(),
                json!({"droplet_guid": guid}),
            )?;
            let shown = show_droplet(&base, &droplet, &metadata::of(tx, &guid)?);
            Ok::<_, ApiError>((shown, jobs::job_completed(tx, "droplet.upload")?))
        })
        .await?;
    let location = address.url(&format!("/v3/jobs/{}", job.guid));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(shown)).into_response())
}

fn check_state(droplet: &Droplet) -> Result<(), ApiError> {
    if droplet.state == "AWAITING_UPLOAD" {
        return Ok(());
    }
    Err(ApiError::unprocessable("Droplet may be uploaded only once. Create a new droplet to upload bits."))
}

/// The droplet with its commands, for who may see them.
pub(super) fn show_one(
    tx: &mut Tx<'_>,
    caller: &Caller,
    base: &Base,
    droplet: &Droplet,
    space: &Space,
) -> Result<Value, ApiError> {
    let mut shown = show_droplet(base, droplet, &metadata::of(tx, &droplet.guid)?);
    if !(scope::sees_secrets(caller) || scope::may_in_space(tx, caller, space, &actions::SECRETS_READ)?) {
        shown["execution_metadata"] = json!(audit::HIDDEN);
        shown["process_types"] = json!({ "redacted_message": audit::HIDDEN });
    }
    Ok(shown)
}

async fn get_droplet(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (droplet, _, space) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(show_one(tx, &caller, &base, &droplet, &space)?))
        })
        .await
}

async fn update_droplet(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (droplet, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"droplet_guid": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_droplet(&base, &droplet, &metadata)))
        })
        .await
}

async fn delete_droplet(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let job = apps
        .db
        .write(move |tx| {
            let (droplet, mut app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let runs = Cond::all().add(Expr::col("droplet_guid").eq(&*guid)).add(Expr::col("app_guid").eq(&*app.guid));
            if app.is_started() && list::exists(tx, "process", runs)? {
                return Err(ApiError::unprocessable(
                    "The droplet is in use by the running app: stop the app or assign and start another droplet first.",
                ));
            }
            if app.droplet_guid.as_deref() == Some(guid.as_str()) {
                app.droplet_guid = None;
                app.save(tx)?;
            }
            metadata::remove(tx, &droplet.guid)?;
            record::remove::<Droplet>(tx, &droplet.guid)?;
            audit::record(
                tx,
                &caller,
                "audit.app.droplet.delete",
                app.object(),
                &space.scope(),
                json!({"droplet_guid": guid}),
            )?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "droplet.delete")?)
        })
        .await?;
    Ok(job::accepted(&base, &job))
}

async fn download_droplet(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let droplet = apps
        .db
        .write(move |tx| {
            let (droplet, app, space) = load(tx, &caller, &guid, &actions::DROPLET_READ)?;
            audit::record(
                tx,
                &caller,
                "audit.app.droplet.download",
                app.object(),
                &space.scope(),
                json!({"droplet_guid": guid}),
            )?;
            Ok::<_, ApiError>(droplet)
        })
        .await?;
    if droplet.state != STAGED {
        return Err(ApiError::unprocessable("Only staged droplets can be downloaded."));
    }
    send(&apps, droplet.digest.as_deref(), "application/gzip", &format!("droplet_{}.tgz", droplet.guid)).await
}
