//! Sidecars and revisions: not available here, and said so: lists are empty, making one is refused.

use super::caller::{Reader, Writer};
use super::links::Base;
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use crate::model::actions;
use crate::repo::app::App;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/apps/{guid}/sidecars", list_none)
        .post("/v3/apps/{guid}/sidecars", create_sidecar)
        .get("/v3/sidecars/{guid}", get_sidecar)
        .patch("/v3/sidecars/{guid}", get_sidecar)
        .delete("/v3/sidecars/{guid}", get_sidecar)
        .get("/v3/apps/{guid}/revisions", list_none)
        .get("/v3/apps/{guid}/revisions/deployed", list_none)
        .get("/v3/revisions/{guid}", get_revision)
        .patch("/v3/revisions/{guid}", get_revision)
        .get("/v3/revisions/{guid}/environment_variables", get_revision)
}

async fn list_none(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
    params: Params,
) -> Shown {
    let page = Page::parse(params, &Spec::new(&["versions"]))?;
    apps.db.read(move |tx| App::load(tx, &caller, &guid, &actions::SPACE_READ).map(drop)).await?;
    Ok(Json(page.envelope(&base, 0, Vec::new())))
}

async fn create_sidecar(State(apps): State<Apps>, Writer(caller): Writer, Path(guid): Path<String>) -> Shown {
    apps.db.read(move |tx| App::load(tx, &caller, &guid, &actions::SPACE_DEVELOP).map(drop)).await?;
    Err(ApiError::unprocessable("Sidecars are not available here: start the companion from the process's own command"))
}

async fn get_sidecar(_: Reader) -> Shown {
    Err(ApiError::not_found("Sidecar"))
}

async fn get_revision(_: Reader) -> Shown {
    Err(ApiError::not_found("Revision"))
}
