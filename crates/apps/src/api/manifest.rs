//! Manifests: apply, diff, generate.
//!
//! A manifest is applied in one unit of work, so nothing of it stands unless all of it does. Faults of the document are
//! 422 at once; what cannot be done (a route taken by another space, an unknown buildpack) fails the job, as clients expect.

mod apply;
mod generate;

use super::caller::{Reader, Writer};
use super::job;
use super::links::Base;
use super::routes::Routes;
use crate::error::Kind;
use crate::model::manifest::Manifest;
use crate::model::{actions, manifest_diff};
use crate::repo::app::App;
use crate::repo::job as jobs;
use crate::repo::space::Space;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Bytes of a manifest.
const LIMIT: usize = 1 << 20;

pub(super) fn routes() -> Routes {
    Routes::new()
        .post("/v3/spaces/{guid}/actions/apply_manifest", apply_manifest)
        .post("/v3/spaces/{guid}/manifest_diff", diff_manifest)
        .get("/v3/apps/{guid}/manifest", get_manifest)
}

/// The text of a request of a YAML type.
async fn read(request: Request) -> Result<String, ApiError> {
    let yaml = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = yaml.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "application/x-yaml" | "application/yaml" | "text/yaml" | "text/x-yaml") {
        return Err(ApiError::new(Kind::BAD_REQUEST, "Bad request: Content-Type must be yaml"));
    }
    let bytes = super::body::read(request, LIMIT).await?;
    String::from_utf8(bytes.to_vec()).map_err(|_| ApiError::new(Kind::MESSAGE_PARSE_ERROR, "The manifest is not UTF-8"))
}

async fn apply_manifest(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (reader, space) = (caller.clone(), guid.clone());
    apps.db.read(move |tx| Space::load(tx, &reader, &space, &actions::SPACE_DEVELOP)).await?;
    let (manifest, _) = Manifest::parse(&read(request).await?).map_err(faults)?;
    let state = apps.clone();
    let applied = apps
        .db
        .write(move |tx| {
            let space = Space::load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let warnings = apply::apply(&state, tx, &caller, &space, &manifest)?;
            Ok::<_, ApiError>(jobs::job_completed_with(tx, "space.apply_manifest", &warnings)?)
        })
        .await;
    let job = match applied {
        // What is wrong with the world, not with the document or the caller, is the job's to tell.
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            apps.db
                .write(move |tx| {
                    let job = jobs::job_begin(tx, "space.apply_manifest", None)?;
                    jobs::job_finish(tx, &job.guid, &Err(error.clone()))?;
                    Ok::<_, ApiError>(job)
                })
                .await?
        }
        other => other?,
    };
    Ok(job::accepted(&base, &job))
}

fn faults(faults: Vec<String>) -> ApiError {
    ApiError::several(faults).unwrap_or_else(|| ApiError::unprocessable("The manifest is invalid"))
}

async fn diff_manifest(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (manifest, tree) = Manifest::parse(&read(request).await?).map_err(faults)?;
    let state = apps.clone();
    apps.db
        .read(move |tx| {
            let space = Space::load(tx, &caller, &guid, &actions::SECRETS_READ)?;
            let mut current = HashMap::new();
            for wanted in &manifest.applications {
                if let Some(app) = App::named(tx, &space.guid, &wanted.name)? {
                    current.insert(wanted.name.clone(), generate::application(&state, tx, &app)?);
                }
            }
            let diff = manifest_diff::diff(&tree, |name| current.get(name).cloned());
            Ok((StatusCode::CREATED, Json(json!({ "diff": diff }))))
        })
        .await
}

async fn get_manifest(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
) -> Result<Response, ApiError> {
    let state = apps.clone();
    let manifest = apps
        .db
        .read(move |tx| {
            let (app, _) = App::load(tx, &caller, &guid, &actions::SECRETS_READ)?;
            Ok::<_, ApiError>(json!({ "applications": [generate::application(&state, tx, &app)?] }))
        })
        .await?;
    let text = serde_saphyr::to_string(&manifest).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/x-yaml")], format!("---\n{text}")).into_response())
}
