//! Settings: `maintenance_mode` acts while its value is exactly `true`, `cli_log_stream` is open unless it is `false`.

use super::body::Body;
use super::caller::Who;
use crate::repo::setting::{self, CLI_LOG_STREAM, MAINTENANCE};
use crate::run::publish;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /setting`.
pub async fn list_settings(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let all = jobs.db.read(|tx| setting::all(tx).map_err(JobsError::from)).await?;
    Ok(Json(all.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()))
}

/// `GET /setting/maintenance_mode`, for everybody who is signed in: pages show it.
pub async fn show_setting(
    State(jobs): State<Jobs>,
    _: Who,
    Path(name): Path<String>,
) -> Result<Json<Value>, JobsError> {
    if name != MAINTENANCE {
        return Err(unknown(&name));
    }
    let on = jobs.db.read(|tx| setting::is_on(tx, MAINTENANCE).map_err(JobsError::from)).await?;
    Ok(Json(json!({ "name": name, "value": on })))
}

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    value: bool,
}

/// `PUT /setting/{name}`.
pub async fn change_setting(
    State(jobs): State<Jobs>,
    who: Who,
    Path(name): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let name = [MAINTENANCE, CLI_LOG_STREAM].into_iter().find(|known| *known == name).ok_or_else(|| unknown(&name))?;
    let actor = who.actor();
    jobs.db.write(move |tx| setting::set(tx, &actor, name, &json!(change.value)).map_err(JobsError::from)).await?;
    publish::maintenance(&jobs).await?;
    publish::applied(&jobs).await;
    Ok(Json(Value::Null))
}

fn unknown(name: &str) -> JobsError {
    JobsError::NotFound(format!("there is no setting \"{name}\": {MAINTENANCE} and {CLI_LOG_STREAM} are"))
}
