//! What is used now (`usage_summary`), and uploads' resource matches.

use crate::api::body::Body;
use crate::api::caller::{Reader, Writer};
use crate::api::links::Base;
use crate::model::actions;
use crate::repo::organization::Organization;
use crate::repo::scope;
use crate::repo::space::Space;
use crate::repo::usage::{Usage, usage};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sea_query::Cond;
use serde_json::{Value, json};

fn show(base: &Base, path: &str, parent: (&str, &str), usage: &Usage) -> Value {
    json!({
        "usage_summary": {
            "started_instances": usage.started_instances,
            "memory_in_mb": usage.memory_in_mb,
            "routes": usage.routes,
            "service_instances": 0,
            "reserved_ports": 0,
            "domains": usage.domains,
            "per_app_tasks": usage.running_tasks,
            "service_keys": 0,
        },
        "links": { "self": base.link(path), parent.0: base.link(parent.1) },
    })
}

/// `GET /v3/info/usage_summary`
pub(super) async fn get_platform_usage(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
) -> Result<Json<Value>, ApiError> {
    if !scope::sees_all(&caller) {
        return Err(ApiError::not_authorized());
    }
    apps.db
        .read(move |tx| {
            let used = usage(tx, &Cond::all(), &Cond::all())?;
            Ok(Json(show(&base, "/v3/info/usage_summary", ("info", "/v3/info"), &used)))
        })
        .await
}

/// `GET /v3/organizations/:guid/usage_summary`
pub(super) async fn get_organization_usage(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let organization = Organization::load(tx, &caller, &guid, &actions::ORGANIZATION_READ)?;
            let used = Usage::of_organization(tx, &organization)?;
            let parent = format!("/v3/organizations/{guid}");
            Ok(Json(show(&base, &format!("{parent}/usage_summary"), ("organization", &parent), &used)))
        })
        .await
}

/// `GET /v3/spaces/:guid/usage_summary`
pub(super) async fn get_space_usage(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let space = Space::load(tx, &caller, &guid, &actions::SPACE_READ)?;
            let used = Usage::of_space(tx, &space)?;
            let parent = format!("/v3/spaces/{guid}");
            Ok(Json(show(&base, &format!("{parent}/usage_summary"), ("space", &parent), &used)))
        })
        .await
}

/// `POST /v3/resource_matches`: nothing is ever matched, so that an upload is always complete.
pub(super) async fn match_resources(_: Writer, _: Body<Value>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "resources": [] })))
}
