//! Beginning a deployment: of a droplet, of a revision, or of what is there.

use super::show_deployment;
use crate::api::app::{Start, assign, restart, revise};
use crate::api::body::Body;
use crate::api::caller::Writer;
use crate::api::links::Base;
use crate::api::package::{Relationships, app_of};
use crate::api::process::{Scale, check_command};
use crate::model::label::MetadataPatch;
use crate::model::{actions, canary, time};
use crate::repo::app::App;
use crate::repo::deployment::{self as repo, CANARY, Canary, CanaryStep, DEPLOYING, Deployment, Options, ROLLING};
use crate::repo::droplet::{Droplet, STAGED};
use crate::repo::process::{self, Process};
use crate::repo::record::{self, Json as Stored};
use crate::repo::revision::{self, Revision};
use crate::repo::{allowance, audit, metadata};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    relationships: Relationships,
    strategy: Option<String>,
    droplet: Option<Named>,
    revision: Option<Named>,
    options: Option<GivenOptions>,
    metadata: Option<MetadataPatch>,
}

/// `{"guid": …}`, as good as absent without one. A revision's version may come along.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Named {
    guid: Option<String>,
    #[serde(rename = "version")]
    _version: Option<Value>,
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
struct GivenOptions {
    max_in_flight: Option<i64>,
    web_instances: Option<i64>,
    memory_in_mb: Option<i64>,
    disk_in_mb: Option<i64>,
    log_rate_limit_in_bytes_per_second: Option<i64>,
    canary: Option<GivenCanary>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenCanary {
    steps: Option<Vec<GivenStep>>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct GivenStep {
    instance_weight: i64,
}

pub(super) async fn create_deployment(
    State(apps): State<Apps>,
    Writer(caller): Writer,
    base: Base,
    body: Body<Create>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let state = apps.clone();
    apps.db
        .write(move |tx| {
            let given = &body.data;
            let (mut app, space) = app_of(tx, &caller, &given.relationships, &actions::SPACE_OPERATE)?;
            let strategy = strategy(given)?;
            let options = options(given.options.clone().unwrap_or_default(), strategy)?;
            let named = |one: &Option<Named>| one.as_ref().and_then(|one| one.guid.clone());
            let (droplet, revision) = (named(&given.droplet), named(&given.revision));
            if droplet.is_some() && revision.is_some() {
                return Err(ApiError::unprocessable("Cannot set both fields 'droplet' and 'revision'"));
            }
            let revision = revision.map(|guid| the_revision(tx, &app, &guid)).transpose()?;
            let wanted = droplet.or(revision.as_ref().map(|one| one.droplet_guid.clone()));
            let droplet = the_droplet(tx, &app, wanted.or_else(|| app.droplet_guid.clone()).as_deref())?;
            let mut start = Start { apps: &state, caller: &caller, space: &space, words: None };
            if let Some(revision) = &revision {
                revision::go_back(&state, tx, &mut app, revision)?;
                start.words = Some(format!("Rolled back to revision {}.", revision.version));
            }
            let plan = Plan { strategy, options, revision: revision.as_ref() };
            let deployment = begin(&start, tx, &mut app, &droplet, plan)?;
            let metadata = metadata::merge(tx, &deployment.guid, given.metadata.as_ref())?;
            let data = json!({
                "deployment_guid": deployment.guid, "droplet_guid": droplet.guid, "strategy": strategy,
                "revision_guid": revision.map(|one| one.guid), "request": body.raw,
            });
            audit::record(tx, &caller, "audit.app.deployment.create", app.object(), &space.scope(), data)?;
            Ok((StatusCode::CREATED, Json(show_deployment(&base, &deployment, &metadata))))
        })
        .await
}

fn strategy(given: &Create) -> Result<&'static str, ApiError> {
    match given.strategy.as_deref() {
        None | Some(ROLLING) => Ok(ROLLING),
        Some(CANARY) => Ok(CANARY),
        Some(other) => {
            Err(ApiError::unprocessable(format!("Strategy '{other}' is not a supported deployment strategy")))
        }
    }
}

fn options(given: GivenOptions, strategy: &str) -> Result<Options, ApiError> {
    let max_in_flight = given.max_in_flight.unwrap_or(1);
    if max_in_flight < 1 {
        return Err(ApiError::unprocessable("Max in flight must be greater than 0"));
    }
    if given.web_instances.is_some_and(|instances| instances < 1) {
        return Err(ApiError::unprocessable("Web instances must be greater than 0"));
    }
    if given.canary.is_some() && strategy != CANARY {
        return Err(ApiError::unprocessable("Canary options are only valid for Canary deployments"));
    }
    let steps = given.canary.and_then(|canary| canary.steps).map(|steps| {
        let weights: Vec<i64> = steps.iter().map(|step| step.instance_weight).collect();
        canary::check(&weights).map_err(ApiError::unprocessable)?;
        Ok::<_, ApiError>(Canary {
            steps: weights.into_iter().map(|instance_weight| CanaryStep { instance_weight }).collect(),
        })
    });
    Ok(Options {
        max_in_flight,
        web_instances: given.web_instances,
        memory_in_mb: given.memory_in_mb,
        disk_in_mb: given.disk_in_mb,
        log_rate_limit_in_bytes_per_second: given.log_rate_limit_in_bytes_per_second,
        canary: steps.transpose()?,
    })
}

fn the_revision(tx: &mut Tx<'_>, app: &App, guid: &str) -> Result<Revision, ApiError> {
    let found: Option<Revision> = record::find(tx, guid)?;
    let found = found.filter(|found| found.app_guid == app.guid);
    let found = found.ok_or_else(|| ApiError::unprocessable("The revision does not exist"))?;
    if !found.deployable(tx)? {
        return Err(ApiError::unprocessable(
            "Unable to deploy this revision, the droplet for this revision no longer exists.",
        ));
    }
    Ok(found)
}

fn the_droplet(tx: &mut Tx<'_>, app: &App, guid: Option<&str>) -> Result<Droplet, ApiError> {
    let invalid = || {
        ApiError::unprocessable(
            "Invalid droplet. Please specify a droplet in the request or set a current droplet for the app.",
        )
    };
    let droplet: Droplet = record::find(tx, guid.ok_or_else(invalid)?)?.ok_or_else(invalid)?;
    if droplet.app_guid != app.guid || droplet.state != STAGED {
        return Err(ApiError::unprocessable(
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
        ));
    }
    Ok(droplet)
}

/// How it is to be done.
struct Plan<'p> {
    strategy: &'static str,
    options: Options,
    /// The one that is gone back to.
    revision: Option<&'p Revision>,
}

impl Plan<'_> {
    /// Gives a web process the command of the revision that is gone back to.
    fn command(&self, web: &mut Process) {
        if let Some(revision) = self.revision {
            web.command = revision.commands.0.get(&web.kind).cloned().flatten();
        }
    }
}

/// Puts a new web process beside the old one; an app that does not run is simply started.
fn begin(
    start: &Start<'_>,
    tx: &mut Tx<'_>,
    app: &mut App,
    droplet: &Droplet,
    plan: Plan<'_>,
) -> Result<Deployment, ApiError> {
    let previous = app.droplet_guid.clone();
    let options = plan.options.clone();
    let scale = Scale {
        instances: options.web_instances,
        memory_in_mb: options.memory_in_mb,
        disk_in_mb: options.disk_in_mb,
        log_rate_limit_in_bytes_per_second: options.log_rate_limit_in_bytes_per_second,
    };
    assign(tx, start.caller, start.space, app, droplet)?;
    let mut old =
        process::of_type(tx, &app.guid, "web")?.ok_or_else(|| ApiError::unprocessable("The app has no web process"))?;
    let mut original = old.instances;
    for mut active in repo::active(tx, Some(&app.guid))? {
        // What a superseded one has begun, its successor clears away; the number of instances is the first one's.
        original = active.original_instances;
        active.end("SUPERSEDED");
        record::save(tx, &active)?;
    }
    let (guid, now) = (crate::repo::new_guid(), time::now());
    let runs = app.is_started() && original > 0;
    let mut deployment = Deployment {
        guid: guid.clone(),
        app_guid: app.guid.clone(),
        status: "ACTIVE".into(),
        reason: DEPLOYING.into(),
        strategy: plan.strategy.into(),
        target_instances: options.web_instances.unwrap_or(original),
        options: Stored(options),
        droplet_guid: droplet.guid.clone(),
        previous_droplet_guid: previous,
        process_guid: old.guid.clone(),
        process_type: "web".into(),
        original_instances: original,
        canary_step: 0,
        revision_guid: None,
        revision_version: None,
        error: None,
        healthy_at: now,
        status_at: now,
        created_at: now,
        updated_at: now,
    };
    if !runs {
        // Nothing to keep up: start as usual.
        scale.apply(&mut old)?;
        plan.command(&mut old);
        old.save(tx)?;
        let revision = restart(start, tx, app)?;
        deployment.of_revision(revision.as_ref());
        deployment.end("DEPLOYED");
        record::insert(tx, &deployment)?;
        return Ok(deployment);
    }
    let mut new = Process {
        guid: crate::repo::new_guid(),
        generation: guid,
        version: crate::repo::new_guid(),
        droplet_guid: Some(droplet.guid.clone()),
        created_at: now,
        ..old.clone()
    };
    scale.apply(&mut new)?;
    plan.command(&mut new);
    let first = deployment.steps().first().map_or(deployment.target_instances, |step| step.new);
    new.instances = first.min(deployment.options.0.max_in_flight);
    check_command(tx, app, &mut new)?;
    app.version = new.version.clone();
    app.save(tx)?;
    new.updated_at = now;
    new.insert(tx, app)?;
    // The app's web process is the new one from here on.
    deployment.of_revision(revise(start, tx, app, droplet)?.as_ref());
    new.revision_guid.clone_from(&deployment.revision_guid);
    new.save(tx)?;
    deployment.process_guid = new.guid;
    record::insert(tx, &deployment)?;
    crate::repo::sidecar::check_memory(tx, &app.guid)?;
    allowance::check(tx, start.space)?;
    Ok(deployment)
}
