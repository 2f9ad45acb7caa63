//! Deployments.

use super::record::{self, Json, record};
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
}

record!(
    /// A rolling replacement of an app's web process.
    Deployment in "deployment" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// `ACTIVE`, `FINALIZED`.
        status: String,
        /// `DEPLOYING`, `CANCELING`; `DEPLOYED`, `CANCELED`, `SUPERSEDED`.
        reason: String,
        /// `rolling`.
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
