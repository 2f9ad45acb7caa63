//! `/api/platform/settings`: what administrators decide for all. `signup`: `open`, `invitation`, `approval`, `closed` (row T24).

use crate::api::body::Body;
use crate::api::caller::Administrator;
use crate::{ApiError, Operations};
use axum::Json;
use axum::extract::State;
use identity::SignUp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    signup: Option<SignUp>,
}

/// `GET /api/platform/settings`.
pub(super) async fn show_settings(
    State(operations): State<Operations>,
    _: Administrator,
) -> Result<Json<Value>, ApiError> {
    let mode = operations.db.read(identity::sign_up).await?;
    Ok(Json(json!({ "signup": mode })))
}

/// `PATCH /api/platform/settings`.
pub(super) async fn update_settings(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Body(body): Body<Settings>,
) -> Result<Json<Value>, ApiError> {
    operations
        .db
        .write(move |tx| {
            if let Some(mode) = body.signup {
                identity::sign_up_set(tx, &caller.actor(), mode)?;
            }
            Ok(Json(json!({ "signup": identity::sign_up(tx)? })))
        })
        .await
}
