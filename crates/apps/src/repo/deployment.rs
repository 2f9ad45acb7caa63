//! Deployments.

use super::record::{self, Json, record};
use super::revision::Revision;
use crate::model::canary::{Step, steps};
use sea_query::{Cond, Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use store::{StoreError, Tx};

/// What a deployment was asked to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// New instances that may be not yet well at one time.
    pub max_in_flight: i64,
    /// Instances at its end.
    pub web_instances: Option<i64>,
    /// Of the new process.
    pub memory_in_mb: Option<i64>,
    /// Of the new process.
    pub disk_in_mb: Option<i64>,
    /// Of the new process.
    pub log_rate_limit_in_bytes_per_second: Option<i64>,
    /// Steps that were asked for.
    #[serde(default)]
    pub canary: Option<Canary>,
}

/// Steps of a canary deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// In their order.
    pub steps: Vec<CanaryStep>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryStep {
    /// Percent of new instances.
    pub instance_weight: i64,
}

impl Options {
    /// The weights of the steps that were asked for.
    pub fn canary_weights(&self) -> Option<Vec<i64>> {
        Some(self.canary.as_ref()?.steps.iter().map(|step| step.instance_weight).collect())
    }
}

/// New instances take the place of old ones, some at a time.
pub const ROLLING: &str = "rolling";
/// The same with pauses.
pub const CANARY: &str = "canary";

/// Goes on.
pub const DEPLOYING: &str = "DEPLOYING";
/// Waits to be continued.
pub const PAUSED: &str = "PAUSED";
/// Goes back.
pub const CANCELING: &str = "CANCELING";

record!(
    /// A gradual replacement of an app's web process.
    Deployment in "deployment" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// `ACTIVE`, `FINALIZED`.
        status: String,
        /// `DEPLOYING`, `PAUSED`, `CANCELING`; `DEPLOYED`, `CANCELED`, `SUPERSEDED`.
        reason: String,
        /// `rolling` or `canary`.
        strategy: String,
        /// As asked.
        options: Json<Options>,
        /// What it rolls out.
        droplet_guid: String,
        /// What there was.
        previous_droplet_guid: Option<String>,
        /// The new process.
        process_guid: String,
        /// Its type.
        process_type: String,
        /// Instances there were.
        original_instances: i64,
        /// Instances there will be.
        target_instances: i64,
        /// Canary steps that were continued; all of them: the rest follows.
        canary_step: i64,
        /// The revision that it rolls out, if the app keeps any.
        revision_guid: Option<String>,
        /// Its number.
        revision_version: Option<i64>,
        /// What went wrong last.
        error: Option<String>,
        /// When a new instance last became well; microseconds.
        healthy_at: i64,
        /// When the status last changed; microseconds.
        status_at: i64,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

impl Deployment {
    /// Where it waits; nowhere if it is no canary.
    pub fn steps(&self) -> Vec<Step> {
        if self.strategy != CANARY {
            return Vec::new();
        }
        steps(self.options.0.canary_weights().as_deref(), self.original_instances, self.target_instances)
    }

    /// The step on which it is, or before which; none when the rest follows.
    pub fn step(&self) -> Option<Step> {
        self.steps().get(usize::try_from(self.canary_step).ok()?).copied()
    }

    /// Notes what it rolls out.
    pub fn of_revision(&mut self, revision: Option<&Revision>) {
        self.revision_guid = revision.map(|revision| revision.guid.clone());
        self.revision_version = revision.map(|revision| revision.version);
    }

    /// It has ended: `DEPLOYED`, `CANCELED` or `SUPERSEDED`.
    pub fn end(&mut self, reason: &str) {
        (self.status, self.reason) = ("FINALIZED".into(), reason.into());
        self.status_at = crate::model::time::now();
        self.updated_at = self.status_at;
    }
}

/// Those that go on, oldest first; of one app, or all.
pub fn active(tx: &mut Tx<'_>, app_guid: Option<&str>) -> Result<Vec<Deployment>, StoreError> {
    let mut condition = Cond::all().add(Expr::col("status").eq("ACTIVE"));
    if let Some(guid) = app_guid {
        condition = condition.add(Expr::col("app_guid").eq(guid));
    }
    record::all(tx, condition)
}
