//! Packages: create, upload, copy, download, list, delete.

mod upload;

use super::body::{Body, ToOne};
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::{build, job, show};
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::{actions, time};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::package::Package;
use crate::repo::record::{self, Record};
use crate::repo::{audit, job as jobs, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use identity::Caller;
use sea_query::{Expr, ExprTrait};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec::new(&["states", "types", "app_guids", "space_guids", "organization_guids"]);

type Shown = Result<Json<Value>, ApiError>;

pub(super) use upload::{UPLOAD_LIMIT, receive};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/packages", list_packages)
        .post("/v3/packages", create_package)
        .get("/v3/packages/{guid}", get_package)
        .patch("/v3/packages/{guid}", update_package)
        .delete("/v3/packages/{guid}", delete_package)
        .get("/v3/packages/{guid}/download", download_package)
        .get("/v3/apps/{guid}/packages", list_app_packages)
        .merge(upload::routes())
}

pub(super) fn show_package(base: &Base, package: &Package, metadata: &Metadata) -> Value {
    let path = format!("/v3/packages/{}", package.guid);
    show::resource(
        &package.guid,
        package.created_at,
        package.updated_at,
        Some(metadata),
        json!({
            "type": package.kind,
            "data": {
                "error": package.error,
                "checksum": {"type": "sha256", "value": package.digest},
            },
            "state": package.state,
            "relationships": {"app": to_one(Some(&package.app_guid))},
            "links": {
                "self": base.link(&path),
                "upload": base.action(&format!("{path}/upload"), "POST"),
                "download": base.link(&format!("{path}/download")),
                "app": base.link(&format!("/v3/apps/{}", package.app_guid)),
            },
        }),
    )
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Package, App, crate::repo::space::Space), ApiError> {
    load_part(tx, caller, guid, action, "Package", |package: &Package| &package.app_guid)
}

async fn list_packages(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    listed(apps, caller, base, params, None).await
}

async fn list_app_packages(
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
                .add(list::any_of(&page, "types", "kind"))
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_in(&page, "space_guids", "app_guid", |guids| {
                    apps_repo::guids_where("space_guid", guids)
                }))
                .add(list::any_in(&page, "organization_guids", "app_guid", apps_repo::guids_in_organizations));
            if let Some(app) = &app {
                App::load(tx, &caller, app, &actions::SPACE_READ)?;
                narrowed = narrowed.add(Expr::col("app_guid").eq(app.as_str()));
            }
            let listed = list::rows::<Package>(tx, &page, Package::TABLE, Package::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|package| package.guid.clone()))?;
            let none = Metadata::default();
            let shown =
                listed.rows.iter().map(|one| show_package(&base, one, metadata.get(&one.guid).unwrap_or(&none)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Create {
    #[serde(rename = "type")]
    kind: Option<String>,
    relationships: Relationships,
    /// Of docker packages.
    #[serde(rename = "data")]
    _data: Option<Value>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Relationships {
    pub(super) app: ToOne,
}

/// The app of a request's relationships; 422 in the words clients know if there is none for this caller.
pub(super) fn app_of(
    tx: &mut Tx<'_>,
    caller: &Caller,
    relationships: &Relationships,
    action: &identity::Action,
) -> Result<(App, crate::repo::space::Space), ApiError> {
    let invalid = || ApiError::unprocessable("App is invalid. Ensure it exists and you have access to it.");
    let guid = relationships.app.guid().ok_or_else(invalid)?;
    match App::load(tx, caller, guid, action) {
        Err(error) if error.status() == StatusCode::NOT_FOUND => Err(invalid()),
        other => other,
    }
}

async fn create_package(
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
            let mut package = Package {
                guid: crate::repo::new_guid(),
                app_guid: app.guid.clone(),
                kind: "bits".into(),
                state: "AWAITING_UPLOAD".into(),
                error: None,
                digest: None,
                image: None,
                username: None,
                password: None,
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
                // Archives are shared by content, so a copy is there at once.
                (package.state, package.digest) = (from.state, from.digest);
            } else {
                match body.data.kind.as_deref() {
                    Some("bits") => {}
                    Some("docker") => return Err(super::app::lifecycle_disabled("docker")),
                    _ => return Err(ApiError::unprocessable("Type must be one of 'bits', 'docker'")),
                }
            }
            record::insert(tx, &package)?;
            let metadata = metadata::merge(tx, &package.guid, body.data.metadata.as_ref())?;
            let data = json!({"package_guid": package.guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.package.create", app.object(), &space.scope(), data)?;
            if source.is_some() {
                let data = json!({"package_guid": package.guid, "source_guid": source});
                audit::record(tx, &caller, "audit.app.copy-bits", app.object(), &space.scope(), data)?;
            }
            Ok((StatusCode::CREATED, Json(show_package(&base, &package, &metadata))))
        })
        .await
}

async fn get_package(State(apps): State<Apps>, Reader(caller): Reader, base: Base, Path(guid): Path<String>) -> Shown {
    apps.db
        .read(move |tx| {
            let (package, _, _) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(show_package(&base, &package, &metadata::of(tx, &guid)?)))
        })
        .await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct MetadataOnly {
    pub(super) metadata: Option<MetadataPatch>,
}

async fn update_package(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (package, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"package_guid": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_package(&base, &package, &metadata)))
        })
        .await
}

async fn delete_package(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let job = apps
        .db
        .write(move |tx| {
            let (package, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let called_off = build::call_off(tx, &caller, &package, &app, &space)?;
            metadata::remove(tx, &package.guid)?;
            record::remove::<Package>(tx, &package.guid)?;
            let data = json!({"package_guid": package.guid, "build_guids": called_off});
            audit::record(tx, &caller, "audit.app.package.delete", app.object(), &space.scope(), data)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "package.delete")?)
        })
        .await?;
    Ok(job::accepted(&base, &job))
}

async fn download_package(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let package = apps
        .db
        .write(move |tx| {
            let (package, app, space) = load(tx, &caller, &guid, &actions::SECRETS_READ)?;
            let data = json!({"package_guid": package.guid});
            audit::record(tx, &caller, "audit.app.package.download", app.object(), &space.scope(), data)?;
            Ok::<_, ApiError>(package)
        })
        .await?;
    if package.kind != "bits" {
        return Err(ApiError::unprocessable("Package type must be bits."));
    }
    if package.state != "READY" {
        return Err(ApiError::unprocessable("Package has no bits to download."));
    }
    send(&apps, package.digest.as_deref(), "application/zip", "package.zip").await
}

/// Streams a blob; its digest is checked on the way.
pub(super) async fn send(
    apps: &Apps,
    digest: Option<&str>,
    content_type: &'static str,
    name: &str,
) -> Result<Response, ApiError> {
    let digest: store::Digest = digest.unwrap_or_default().parse().map_err(ApiError::internal)?;
    let size = apps.blobs.size(&digest).await.map_err(ApiError::internal)?;
    let stream = apps.blobs.get(&digest).await.map_err(ApiError::internal)?;
    let mut response = (
        [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ],
        Bytes::from_stream(stream),
    )
        .into_response();
    if let Some(size) = size {
        response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
    }
    Ok(response)
}
