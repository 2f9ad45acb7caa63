//! Jobs: one version of a family each.

use super::family::Family;
use super::record::{self, Json, record};
use ledger::Object;
use router::VersionRef;
use sea_query::{Expr, ExprTrait, Order, Query};
use serde_json::Value;
use std::collections::HashMap;
use store::{StoreError, Tx};

/// Not ready yet.
pub const STARTING: &str = "starting";
/// Answers.
pub const RUNNING: &str = "running";
/// Does not answer as it should.
pub const ERROR: &str = "error";
/// Is not there.
pub const LOST: &str = "lost";

record!(
    /// A job.
    Job in "job_version" {
        /// UUID.
        id: String,
        /// Its family.
        family_id: String,
        /// Its version.
        version: String,
        /// starting, running, error, lost.
        status: String,
        /// Microseconds.
        create_time: i64,
        /// Of the last deployment; microseconds.
        update_time: i64,
        /// As given, without nulls.
        manifest: Json<Value>,
        /// As text.
        manifest_yaml: String,
        /// What is wrong.
        error: Option<String>,
        /// What an administrator should know.
        notice: Option<String>,
        /// Which build runs.
        image_tag: Option<String>,
        /// User name.
        deployed_by: Option<String>,
        /// Microseconds.
        last_call_time: Option<i64>,
        /// Where it runs.
        infrastructure_target: Option<String>,
        /// `python3:1.18.0`.
        job_type_version: String,
        /// The deployment that serves.
        deployment_id: Option<String>,
    }
);

impl Job {
    /// As the ledger names it.
    pub fn object(&self, family: &Family) -> Object {
        Object::new("job", &self.id, format!("{} {}", family.name, self.version))
    }

    /// May `latest` and wildcards find it?
    pub fn is_findable(&self) -> bool {
        self.status != STARTING
    }

    /// A job by name and version, which may be an alias.
    pub fn resolve(tx: &mut Tx<'_>, family: &Family, version: &VersionRef) -> Result<Option<Self>, StoreError> {
        let jobs = Self::of_family(tx, &family.id)?;
        let found = version.resolve(jobs.iter().map(|job| (job.version.as_str(), job.is_findable(), job)));
        Ok(found.cloned())
    }

    /// All of a family.
    pub fn of_family(tx: &mut Tx<'_>, family: &str) -> Result<Vec<Self>, StoreError> {
        tx.rows(
            record::select::<Self>()
                .and_where(Expr::col("family_id").eq(family))
                .order_by("create_time", Order::Asc)
                .order_by("id", Order::Asc),
        )
    }

    /// All with their families, newest update first, then by name.
    pub fn all(tx: &mut Tx<'_>) -> Result<Vec<(Family, Self)>, StoreError> {
        let families: HashMap<String, Family> =
            Family::all(tx)?.into_iter().map(|family| (family.id.clone(), family)).collect();
        let jobs: Vec<Self> = tx.rows(&record::select::<Self>())?;
        let mut all: Vec<(Family, Self)> =
            jobs.into_iter().filter_map(|job| Some((families.get(&job.family_id)?.clone(), job))).collect();
        all.sort_by(|a, b| {
            let key = |one: &(Family, Self)| (-one.1.update_time, one.0.name.clone(), one.1.version.clone());
            key(a).cmp(&key(b))
        });
        Ok(all)
    }

    /// The one that `deployment` serves.
    pub fn served_by(tx: &mut Tx<'_>, deployment: &str) -> Result<Option<Self>, StoreError> {
        tx.row(record::select::<Self>().and_where(Expr::col("deployment_id").eq(deployment)))
    }

    /// Notes that it was called; no event.
    pub fn note_call(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
        tx.exec(
            Query::update()
                .table("job_version")
                .value("last_call_time", at)
                .and_where(Expr::col("id").eq(id))
                .cond_where(
                    sea_query::Cond::any()
                        .add(Expr::col("last_call_time").is_null())
                        .add(Expr::col("last_call_time").lt(at)),
                ),
        )
        .map(|_| ())
    }
}
