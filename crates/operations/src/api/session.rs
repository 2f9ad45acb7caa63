//! `/api/platform/people/ID/sessions`: where somebody is signed in, for administrators.

use crate::api::caller::Administrator;
use crate::api::{person, shape};
use crate::{ApiError, Operations};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET /api/platform/people/ID/sessions`: last used first.
pub(super) async fn list_sessions(
    State(operations): State<Operations>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let now = operations.now();
    operations
        .db
        .read(move |tx| {
            let person = person::load(tx, &id)?;
            let sessions = identity::session_list(tx, &person.id, now)?;
            Ok(Json(json!({ "sessions": sessions.iter().map(shape::session).collect::<Vec<_>>() })))
        })
        .await
}

/// `DELETE /api/platform/people/ID/sessions`: signs them out everywhere; API tokens stay.
pub(super) async fn revoke_sessions(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    operations
        .db
        .write(move |tx| {
            let person = person::load(tx, &id)?;
            identity::session_revoke_all(tx, &caller.actor(), &person)?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// `DELETE /api/platform/people/ID/sessions/SESSION`.
pub(super) async fn revoke_session(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path((id, session)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    operations.db.write(move |tx| identity::session_revoke(tx, &caller.actor(), &session, Some(&id))).await?;
    Ok(StatusCode::NO_CONTENT)
}
