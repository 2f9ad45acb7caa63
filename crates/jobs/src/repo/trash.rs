//! What is kept of deleted jobs, so that nobody claims a version again by accident.

use super::family::Family;
use super::job::Job;
use super::record::{self, record};
use sea_query::{Expr, ExprTrait, Order};
use store::{StoreError, Tx};

record!(
    /// A deleted job.
    Trash in "job_trash" {
        /// The job's own id.
        id: String,
        /// The family's name.
        name: String,
        /// The version.
        version: String,
        /// As it was.
        status: String,
        /// Microseconds.
        create_time: i64,
        /// Microseconds.
        update_time: i64,
        /// Microseconds.
        delete_time: i64,
        /// As text.
        manifest_yaml: String,
        /// What was wrong.
        error: Option<String>,
        /// Which build ran.
        image_tag: Option<String>,
        /// User name.
        deployed_by: Option<String>,
        /// Microseconds.
        last_call_time: Option<i64>,
        /// Where it ran.
        infrastructure_target: Option<String>,
    }
);

impl Trash {
    /// Keeps `job`.
    pub fn put(tx: &mut Tx<'_>, family: &Family, job: &Job) -> Result<(), StoreError> {
        let trash = Self {
            id: job.id.clone(),
            name: family.name.clone(),
            version: job.version.clone(),
            status: job.status.clone(),
            create_time: job.create_time,
            update_time: job.update_time,
            delete_time: crate::model::time::now(),
            manifest_yaml: job.manifest_yaml.clone(),
            error: job.error.clone(),
            image_tag: job.image_tag.clone(),
            deployed_by: job.deployed_by.clone(),
            last_call_time: job.last_call_time,
            infrastructure_target: job.infrastructure_target.clone(),
        };
        record::insert(tx, &trash)
    }

    /// Has a job of this name and version been deleted?
    pub fn has(tx: &mut Tx<'_>, name: &str, version: &str) -> Result<bool, StoreError> {
        let found: Option<Self> = tx.row(
            record::select::<Self>()
                .and_where(Expr::col("name").eq(name))
                .and_where(Expr::col("version").eq(version))
                .order_by("delete_time", Order::Desc),
        )?;
        Ok(found.is_some())
    }
}
