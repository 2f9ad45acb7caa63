//! Cancelling a deployment, and going on with one that waits.

use super::{Shown, load, show_deployment};
use crate::api::caller::Writer;
use crate::api::links::Base;
use crate::model::{actions, time};
use crate::repo::deployment::{CANCELING, DEPLOYING, PAUSED};
use crate::repo::{audit, metadata, record};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

pub(super) async fn cancel_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (mut deployment, mut app, space) = load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            if deployment.status != "ACTIVE" {
                return Err(ApiError::unprocessable(format!("Cannot cancel a {} deployment", deployment.status)));
            }
            if deployment.reason != CANCELING {
                deployment.reason = CANCELING.into();
                (deployment.status_at, deployment.updated_at) = (time::now(), time::now());
                record::save(tx, &deployment)?;
                app.droplet_guid = deployment.previous_droplet_guid.clone();
                app.save(tx)?;
                let data = json!({"deployment_guid": guid, "droplet_guid": deployment.droplet_guid});
                audit::record(tx, &caller, "audit.app.deployment.cancel", app.object(), &space.scope(), data)?;
            }
            Ok(Json(show_deployment(&base, &deployment, &metadata::of(tx, &guid)?)))
        })
        .await
}

/// Of a canary deployment that waits: on to its next step, after the last one to its end.
pub(super) async fn continue_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (mut deployment, app, space) = load(tx, &caller, &guid, &actions::SPACE_OPERATE)?;
            if deployment.status != "ACTIVE" || deployment.reason != PAUSED {
                return Err(ApiError::unprocessable(format!(
                    "Cannot continue a deployment with status: {} and reason: {}",
                    deployment.status, deployment.reason
                )));
            }
            deployment.reason = DEPLOYING.into();
            deployment.canary_step += 1;
            (deployment.status_at, deployment.updated_at) = (time::now(), time::now());
            record::save(tx, &deployment)?;
            let data = json!({"deployment_guid": guid, "droplet_guid": deployment.droplet_guid});
            audit::record(tx, &caller, "audit.app.deployment.continue", app.object(), &space.scope(), data)?;
            Ok(Json(show_deployment(&base, &deployment, &metadata::of(tx, &guid)?)))
        })
        .await
}
