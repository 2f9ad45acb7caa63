//! Buildpacks: their order, and uploading one's own.

use crate::api::body::{Body, check_name, present};
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::api::page::{Page, Params, Spec};
use crate::api::{job, show};
use crate::error::Kind;
use crate::model::label::{Metadata, MetadataPatch};
use crate::model::time;
use crate::repo::buildpack::{self as repo, Buildpack};
use crate::repo::setting::stack_exists;
use crate::repo::{audit, job as jobs, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use http::{StatusCode, header};
use identity::Caller;
use ledger::Object;
use sea_query::Cond;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

/// An archive may have so many bytes.
const LIMIT: u64 = 1 << 30;

const LIST: Spec = Spec {
    order: &["name", "position", "stack"],
    default_order: "position",
    ..Spec::new(&["names", "stacks", "lifecycle"])
};

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    stack: Option<String>,
    position: Option<i64>,
    enabled: Option<bool>,
    locked: Option<bool>,
    lifecycle: Option<String>,
    metadata: Option<MetadataPatch>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    stack: Option<Option<String>>,
    position: Option<i64>,
    enabled: Option<bool>,
    locked: Option<bool>,
    metadata: Option<MetadataPatch>,
}

fn show_buildpack(base: &Base, buildpack: &Buildpack, metadata: &Metadata) -> Value {
    let path = format!("/v3/buildpacks/{}", buildpack.guid);
    let rest = json!({
        "name": buildpack.name,
        "stack": buildpack.stack,
        "state": buildpack.state,
        "filename": buildpack.filename,
        "position": buildpack.position,
        "enabled": buildpack.enabled,
        "locked": buildpack.locked,
        "lifecycle": "buildpack",
        "links": { "self": base.link(&path), "upload": base.action(&format!("{path}/upload"), "POST") },
    });
    show::resource(&buildpack.guid, buildpack.created_at, buildpack.updated_at, Some(metadata), rest)
}

fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Buildpack, ApiError> {
    repo::buildpack_find(tx, guid)?.ok_or_else(|| ApiError::not_found("Buildpack"))
}

fn note(tx: &mut Tx<'_>, caller: &Caller, action: &str, buildpack: &Buildpack, data: Value) -> Result<(), ApiError> {
    audit::record(tx, caller, action, Object::new("buildpack", &buildpack.guid, &buildpack.name), &[], data)?;
    Ok(())
}

fn check_stack(tx: &mut Tx<'_>, stack: Option<&str>) -> Result<(), ApiError> {
    match stack {
        Some(stack) if !stack_exists(tx, stack)? => {
            Err(ApiError::unprocessable(format!("Stack '{stack}' does not exist")))
        }
        _ => Ok(()),
    }
}

fn check_position(position: Option<i64>) -> Result<(), ApiError> {
    match position {
        Some(position) if position < 1 => Err(ApiError::unprocessable("Position must be greater than or equal to 1")),
        _ => Ok(()),
    }
}

pub(super) async fn list_buildpacks(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut narrowed =
                Cond::all().add(list::any_of(&page, "names", "name")).add(list::any_of(&page, "stacks", "stack"));
            if page.filter("lifecycle").is_some_and(|kinds| !kinds.iter().any(|kind| kind == "buildpack")) {
                narrowed = narrowed.add(list::never());
            }
            let listed = list::rows::<Buildpack>(tx, &page, "buildpack", &repo::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|row| row.guid.clone()))?;
            let none = Metadata::default();
            let show = |row: &Buildpack| show_buildpack(&base, row, metadata.get(&row.guid).unwrap_or(&none));
            Ok(Json(page.envelope(&base, listed.total, listed.rows.iter().map(show).collect())))
        })
        .await
}

pub(super) async fn get_buildpack(
    State(apps): State<Apps>,
    _: Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let found = find(tx, &guid)?;
            Ok(Json(show_buildpack(&base, &found, &metadata::of(tx, &guid)?)))
        })
        .await
}

pub(super) async fn create_buildpack(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    apps.db
        .write(move |tx| {
            scope::administer(&caller)?;
            let given = &body.data;
            check_name("Name", &given.name)?;
            if given.lifecycle.as_deref().is_some_and(|kind| kind != "buildpack") {
                return Err(ApiError::unprocessable("Lifecycle must be 'buildpack'"));
            }
            check_stack(tx, given.stack.as_deref())?;
            check_position(given.position)?;
            let made = Buildpack {
                enabled: given.enabled.unwrap_or(true),
                locked: given.locked.unwrap_or(false),
                ..repo::new(&given.name, given.stack.clone())
            };
            repo::buildpack_insert(tx, &made, given.position.unwrap_or(1))?;
            let metadata = metadata::merge(tx, &made.guid, given.metadata.as_ref())?;
            note(tx, &caller, "audit.buildpack.create", &made, json!({ "request": body.raw }))?;
            Ok((StatusCode::CREATED, Json(show_buildpack(&base, &find(tx, &made.guid)?, &metadata))))
        })
        .await
}

pub(super) async fn update_buildpack(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<Update>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .write(move |tx| {
            let mut found = find(tx, &guid)?;
            scope::administer(&caller)?;
            let given = &body.data;
            check_position(given.position)?;
            if let Some(name) = given.name.as_ref().filter(|name| **name != found.name) {
                check_name("Name", name)?;
                if found.builtin {
                    return Err(ApiError::unprocessable(format!(
                        "Buildpack '{}' is built in and keeps its name.",
                        found.name
                    )));
                }
                found.name.clone_from(name);
            }
            if let Some(stack) = given.stack.as_ref().filter(|stack| **stack != found.stack) {
                if found.stack.is_some() {
                    return Err(ApiError::unprocessable("Buildpack stack can not be changed once it is set"));
                }
                check_stack(tx, stack.as_deref())?;
                found.stack.clone_from(stack);
            }
            found.enabled = given.enabled.unwrap_or(found.enabled);
            found.locked = given.locked.unwrap_or(found.locked);
            found.updated_at = time::now();
            repo::buildpack_update(tx, &found, given.position)?;
            let metadata = metadata::merge(tx, &guid, given.metadata.as_ref())?;
            note(tx, &caller, "audit.buildpack.update", &found, json!({ "request": body.raw }))?;
            Ok(Json(show_buildpack(&base, &find(tx, &guid)?, &metadata)))
        })
        .await
}

pub(super) async fn delete_buildpack(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let address = base.clone();
    let job = apps
        .db
        .write(move |tx| {
            let found = find(tx, &guid)?;
            scope::administer(&caller)?;
            if found.builtin {
                return Err(ApiError::unprocessable(format!(
                    "Buildpack '{}' is built in. Disable it instead.",
                    found.name
                )));
            }
            note(tx, &caller, "audit.buildpack.delete", &found, json!({}))?;
            repo::buildpack_delete(tx, &guid)?;
            Ok::<_, ApiError>(jobs::job_completed(tx, "buildpack.delete")?)
        })
        .await?;
    Ok(job::accepted(&address, &job))
}

/// `POST /v3/buildpacks/:guid/upload`, multipart `bits`: a zip. Answers once it is stored; its job is done then.
pub(super) async fn upload_buildpack(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    mut form: Multipart,
) -> Result<Response, ApiError> {
    let id = guid.clone();
    let asker = caller.clone();
    apps.db
        .read(move |tx| {
            let found = find(tx, &id)?;
            scope::administer(&asker)?;
            if found.builtin || found.locked {
                let why = if found.builtin { "built in" } else { "locked" };
                return Err(ApiError::unprocessable(format!(
                    "Buildpack '{}' is {why}: its archive stays as it is.",
                    found.name
                )));
            }
            Ok(())
        })
        .await?;
    let bad =
        |error: axum::extract::multipart::MultipartError| ApiError::new(Kind::MESSAGE_PARSE_ERROR, error.body_text());
    let mut stored = None;
    while let Some(field) = form.next_field().await.map_err(bad)? {
        if field.name() != Some("bits") {
            continue;
        }
        let filename = field.file_name().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        if !filename.to_ascii_lowercase().ends_with(".zip") {
            return Err(ApiError::unprocessable(format!("{filename} is not a zip file")));
        }
        let reader = tokio_util::io::StreamReader::new(field.map_err(std::io::Error::other));
        let blob = apps.blobs.put(reader, LIMIT).await?;
        stored = Some((filename, blob.digest.to_string()));
    }
    let (filename, digest) =
        stored.ok_or_else(|| ApiError::unprocessable("Upload must include a file in the form field 'bits'"))?;
    if !is_zip(&apps, &digest).await? {
        return Err(ApiError::unprocessable(format!("{filename} is not a zip file")));
    }
    let address = base.clone();
    let (job, shown) = apps
        .db
        .write(move |tx| {
            let mut found = find(tx, &guid)?;
            (found.filename, found.digest) = (Some(filename.clone()), Some(digest.clone()));
            (found.state, found.updated_at) = ("READY".into(), time::now());
            repo::buildpack_update(tx, &found, None)?;
            note(tx, &caller, "audit.buildpack.upload", &found, json!({ "filename": filename, "sha256": digest }))?;
            let shown = show_buildpack(&base, &found, &metadata::of(tx, &guid)?);
            Ok::<_, ApiError>((jobs::job_completed(tx, "buildpack.upload")?, shown))
        })
        .await?;
    let location = address.url(&format!("/v3/jobs/{}", job.guid));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(shown)).into_response())
}

/// Archives of strangers are unpacked by staging, within its limits; here it is only told apart from other files.
async fn is_zip(apps: &Apps, digest: &str) -> Result<bool, ApiError> {
    let digest = digest.parse().map_err(ApiError::internal)?;
    let mut stream = apps.blobs.get(&digest).await?;
    let first = stream.try_next().await?.unwrap_or_default();
    Ok(first.starts_with(b"PK\x03\x04"))
}
