//! Deployments: replacing an app's web process without a gap. The steps are in `run/deployment.rs`.

mod action;
mod create;

use super::body::Body;
use super::caller::{Reader, Writer};
use super::links::{Base, to_one};
use super::package::MetadataOnly;
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::show;
use crate::model::label::Metadata;
use crate::model::{actions, time};
use crate::repo::app::{self as apps_repo, App, load_part};
use crate::repo::deployment::Deployment;
use crate::repo::record::Record;
use crate::repo::space::Space;
use crate::repo::{audit, list, metadata, scope};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use identity::Caller;
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec::new(&["app_guids", "states", "status_values", "status_reasons"]);

type Shown = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/deployments", list_deployments)
        .post("/v3/deployments", create::create_deployment)
        .get("/v3/deployments/{guid}", get_deployment)
        .patch("/v3/deployments/{guid}", update_deployment)
        .post("/v3/deployments/{guid}/actions/cancel", action::cancel_deployment)
        .post("/v3/deployments/{guid}/actions/continue", action::continue_deployment)
}

fn show_deployment(base: &Base, deployment: &Deployment, metadata: &Metadata) -> Value {
    let path = format!("/v3/deployments/{}", deployment.guid);
    let mut details = json!({
        "last_successful_healthcheck": time::format(deployment.healthy_at),
        "last_status_change": time::format(deployment.status_at),
    });
    if let Some(error) = &deployment.error {
        details["error"] = json!(error);
    }
    let options = &deployment.options.0;
    let mut shown_options = json!({ "max_in_flight": options.max_in_flight });
    for (name, value) in [
        ("web_instances", options.web_instances),
        ("memory_in_mb", options.memory_in_mb),
        ("disk_in_mb", options.disk_in_mb),
        ("log_rate_limit_in_bytes_per_second", options.log_rate_limit_in_bytes_per_second),
    ] {
        if let Some(value) = value {
            shown_options[name] = json!(value);
        }
    }
    if let Some(weights) = options.canary_weights() {
        let steps: Value = weights.iter().map(|weight| json!({"instance_weight": weight})).collect();
        shown_options["canary"] = json!({"steps": steps});
    }
    let mut status = json!({"value": deployment.status, "reason": deployment.reason, "details": details});
    let steps = deployment.steps().len();
    if steps > 0 {
        let current = usize::try_from(deployment.canary_step + 1).unwrap_or(steps).min(steps);
        status["canary"] = json!({"steps": {"current": current, "total": steps}});
    }
    let mut rest = json!({
        "status": status,
        "strategy": deployment.strategy,
        "options": shown_options,
        "droplet": {"guid": deployment.droplet_guid},
        "previous_droplet": {"guid": deployment.previous_droplet_guid},
        "new_processes": [{"guid": deployment.process_guid, "type": deployment.process_type}],
        "relationships": {"app": to_one(Some(&deployment.app_guid))},
        "links": {
            "self": base.link(&path),
            "app": base.link(&format!("/v3/apps/{}", deployment.app_guid)),
            "cancel": base.action(&format!("{path}/actions/cancel"), "POST"),
            "continue": base.action(&format!("{path}/actions/continue"), "POST"),
        },
    });
    if let Some(guid) = &deployment.revision_guid {
        rest["revision"] = json!({"guid": guid, "version": deployment.revision_version});
    }
    show::resource(&deployment.guid, deployment.created_at, deployment.updated_at, Some(metadata), rest)
}

fn load(
    tx: &mut Tx<'_>,
    caller: &Caller,
    guid: &str,
    action: &identity::Action,
) -> Result<(Deployment, App, Space), ApiError> {
    load_part(tx, caller, guid, action, "Deployment", |deployment: &Deployment| &deployment.app_guid)
}

async fn list_deployments(State(apps): State<Apps>, Reader(caller): Reader, base: Base, params: Params) -> Shown {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let narrowed = apps_repo::visible(&scope::Visible::load(tx, &caller, &actions::SPACE_READ)?)
                .add(list::any_of(&page, "app_guids", "app_guid"))
                .add(list::any_of(&page, "states", "reason"))
                .add(list::any_of(&page, "status_values", "status"))
                .add(list::any_of(&page, "status_reasons", "reason"));
            let listed = list::rows::<Deployment>(tx, &page, Deployment::TABLE, Deployment::COLUMNS, narrowed)?;
            let metadata = metadata::of_many(tx, listed.rows.iter().map(|one| one.guid.clone()))?;
            let none = Metadata::default();
            let shown =
                listed.rows.iter().map(|one| show_deployment(&base, one, metadata.get(&one.guid).unwrap_or(&none)));
            Ok(Json(page.envelope(&base, listed.total, shown.collect())))
        })
        .await
}

async fn get_deployment(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Shown {
    apps.db
        .read(move |tx| {
            let (deployment, _, _) = load(tx, &caller, &guid, &actions::SPACE_READ)?;
            Ok(Json(show_deployment(&base, &deployment, &metadata::of(tx, &guid)?)))
        })
        .await
}

async fn update_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    Path(guid): Path<String>,
    body: Body<MetadataOnly>,
) -> Shown {
    apps.db
        .write(move |tx| {
            let (deployment, app, space) = load(tx, &caller, &guid, &actions::SPACE_DEVELOP)?;
            let metadata = metadata::merge(tx, &guid, body.data.metadata.as_ref())?;
            let data = json!({"deployment_guid": guid, "request": body.raw});
            audit::record(tx, &caller, "audit.app.update", app.object(), &space.scope(), data)?;
            Ok(Json(show_deployment(&base, &deployment, &metadata)))
        })
        .await
}
