//! How much an app is asked: ours, beside Cloud Foundry's API.

use crate::api::caller::Reader;
use crate::api::routes::Routes;
use crate::model::actions;
use crate::repo::app::App;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};

pub(super) fn routes() -> Routes {
    Routes::new().get("/v3/apps/{guid}/traffic", get_traffic)
}

/// `{"now", "slot_seconds", "points": [{"at", "requests", "errors", "slowest_ms"}]}`: the last half hour.
async fn get_traffic(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(guid): Path<String>,
) -> Result<Json<router::Told>, ApiError> {
    let (app, _) = apps.db.read(move |tx| App::load(tx, &caller, &guid, &actions::SPACE_READ)).await?;
    Ok(Json(apps.run.rooms().publisher.traffic(&app.guid)))
}
