//! Receiving archives: streamed to the blobs while they come, bounded in size and in the time between two pieces,
//! checked as a whole before anybody is told that they are there.
//!
//! A package stays `AWAITING_UPLOAD` while it is received, so an upload that breaks off leaves nothing and may be begun
//! again.

use super::{load, show_package};
use crate::api::caller::Writer;
use crate::api::links::Base;
use crate::api::routes::Routes;
use crate::error::Kind;
use crate::model::actions;
use crate::model::time;
use crate::repo::{audit, feature, metadata, record};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use futures_util::StreamExt;
use serde_json::{Value, json};
use staging::archive::{ArchiveError, ArchiveLimits};
use std::path::Path as FilePath;
use std::time::Duration;
use store::{Blob, BlobError};
use tokio_util::io::StreamReader;

/// Bytes of an uploaded archive: 1 GiB, as Cloud Foundry has it.
pub(in crate::api) const UPLOAD_LIMIT: u64 = 1 << 30;
/// Between two pieces of an upload.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the list of resources.
const LIST_LIMIT: usize = 8 << 20;

pub(super) fn routes() -> Routes {
    Routes::new().post("/v3/packages/{guid}/upload", upload_package)
}

async fn upload_package(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (reader, wanted) = (caller.clone(), guid.clone());
    apps.db
        .read(move |tx| {
            let (package, _, _) = load(tx, &reader, &wanted, &actions::SPACE_DEVELOP)?;
            feature::require(tx, &reader, "app_bits_upload")?;
            check_state(&package)
        })
        .await?;
    let blob = receive(&apps, request, UPLOAD_LIMIT, |path| {
        staging::archive::check_zip(path, &ArchiveLimits::package()).map(drop)
    })
    .await?;
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let (mut package, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            check_state(&package)?;
            (package.state, package.digest) = ("READY".into(), Some(blob.digest.hex()));
            package.updated_at = time::now();
            record::save(tx, &package)?;
            for action in ["audit.app.package.upload", "audit.app.upload-bits"] {
                audit::record(tx, &caller, action, app.object(), &space.scope(), json!({"package_guid": guid}))?;
            }
            state.say_after(tx, &app.guid, format!("Uploading bits for app with guid {}", app.guid));
            Ok(Json(show_package(&base, &package, &metadata::of(tx, &guid)?)))
        })
        .await
}

fn check_state(package: &crate::repo::package::Package) -> Result<(), ApiError> {
    if package.kind != "bits" {
        return Err(ApiError::unprocessable("Package type must be bits."));
    }
    if package.state != "AWAITING_UPLOAD" {
        return Err(ApiError::unprocessable(
            "Bits may be uploaded only once. Create a new package to upload different bits.",
        ));
    }
    Ok(())
}

/// Stores the form's file `bits` and has `check` look at it (on a thread of its own). 422 without a file.
pub(in crate::api) async fn receive(
    apps: &Apps,
    mut request: Request,
    limit: u64,
    check: fn(&FilePath) -> Result<(), ArchiveError>,
) -> Result<Blob, ApiError> {
    // The framework's own limit is for small bodies; this one has `limit`.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| {
        ApiError::new(Kind::BAD_REQUEST, format!("The upload is no multipart form: {}", error.body_text()))
    })?;
    let mut blob = None;
    loop {
        let next = tokio::time::timeout(PATIENCE, form.next_field()).await.map_err(|_| too_slow())?;
        let Some(field) = next.map_err(|error| broken(&error.body_text()))? else { break };
        match field.name() {
            Some("bits" | "application") => blob = Some(store(apps, field, limit).await?),
            Some("resources") => check_resources(field).await?,
            _ => {}
        }
    }
    let blob = blob.ok_or_else(|| ApiError::unprocessable("Upload must include either resources or bits"))?;
    let file = apps.blobs.local(&blob.digest).await.map_err(ApiError::internal)?;
    let checked = tokio::task::spawn_blocking(move || check(file.as_ref())).await.map_err(ApiError::internal)?;
    checked
        .map_err(|error| ApiError::new(Kind::APP_BITS_UPLOAD_INVALID, format!("The app upload is invalid: {error}")))?;
    Ok(blob)
}

async fn store(apps: &Apps, field: Field<'_>, limit: u64) -> Result<Blob, ApiError> {
    let pieces = futures_util::stream::unfold(field, |mut field| async move {
        let piece = match tokio::time::timeout(PATIENCE, field.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(piece))) => Ok(piece),
            Ok(Some(Err(error))) => Err(std::io::Error::other(error.body_text())),
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut)),
        };
        Some((piece, field))
    });
    let reader = StreamReader::new(Box::pin(pieces));
    apps.blobs.put(reader, limit).await.map_err(|error| match error {
        BlobError::TooLarge { limit } => {
            ApiError::new(Kind::BODY_TOO_LARGE, format!("The upload is larger than the allowed {} MB", limit >> 20))
        }
        BlobError::Source(source) if source.kind() == std::io::ErrorKind::TimedOut => too_slow(),
        BlobError::Source(source) => broken(&source.to_string()),
        BlobError::Full => ApiError::new(Kind::DISK_FULL, error.to_string()),
        error => ApiError::internal(error),
    })
}

/// Nothing is ever matched here (`resource_matches` answers none), so a list must be empty.
async fn check_resources(mut field: Field<'_>) -> Result<(), ApiError> {
    let mut text = Vec::new();
    while let Some(piece) = tokio::time::timeout(PATIENCE, field.next()).await.map_err(|_| too_slow())? {
        text.extend_from_slice(&piece.map_err(|error| broken(&error.body_text()))?);
        if text.len() > LIST_LIMIT {
            return Err(ApiError::new(Kind::BODY_TOO_LARGE, "The list of resources is too long"));
        }
    }
    if text.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<Vec<Value>>(&text) {
        Ok(list) if list.is_empty() => Ok(()),
        Ok(_) => Err(ApiError::unprocessable("Resources were named that are not here: send all files in 'bits'")),
        Err(error) => Err(ApiError::unprocessable(format!("Resources must be a JSON list: {error}"))),
    }
}

fn too_slow() -> ApiError {
    ApiError::new(Kind::REQUEST_TIMEOUT, format!("Nothing of the upload came for {} seconds", PATIENCE.as_secs()))
}

fn broken(reason: &str) -> ApiError {
    ApiError::new(Kind::BAD_REQUEST, format!("The upload broke off: {reason}"))
}
