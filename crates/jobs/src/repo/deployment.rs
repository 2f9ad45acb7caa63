//! Deployments: each is one attempt to build and run a job.

use super::record::{self, Json, record};
use sea_query::{Expr, ExprTrait, Order};
use serde_json::Value;
use store::{StoreError, Tx};

/// Goes on.
pub const IN_PROGRESS: &str = "in_progress";
/// Ended well.
pub const DONE: &str = "done";
/// Ended badly.
pub const FAILED: &str = "failed";

/// Builds and runs a new job, or the same version again by force.
pub const DEPLOY: &str = "deploy";
/// Builds an existing job anew.
pub const REDEPLOY: &str = "redeploy";
/// Runs what was built before anew.
pub const REPROVISION: &str = "reprovision";
/// Builds, and runs nothing.
pub const BUILD: &str = "build";

record!(
    /// A deployment.
    Deployment in "job_deployment" {
        /// UUID; also names the build's log and, with a prefix, the workload and its log.
        id: String,
        /// deploy, redeploy, reprovision, build.
        kind: String,
        /// in_progress, done, failed.
        status: String,
        /// Microseconds.
        create_time: i64,
        /// Microseconds.
        update_time: i64,
        /// As given, without nulls.
        manifest: Json<Value>,
        /// As text.
        manifest_yaml: String,
        /// Why it failed.
        error: Option<String>,
        /// The family's name.
        job_name: String,
        /// The version.
        job_version: String,
        /// User name.
        deployed_by: Option<String>,
        /// Their guid.
        deployed_by_id: Option<String>,
        /// What is being done.
        phase: Option<String>,
        /// Name of what was built.
        image_name: Option<String>,
        /// Where it is to run.
        infrastructure_target: Option<String>,
        /// A line each.
        warnings: Option<String>,
        /// `python3:1.18.0`.
        job_type_version: String,
        /// May it replace a job that is there?
        forced: bool,
        /// May it use nothing of earlier builds?
        fresh: bool,
        /// Blob of the client's files; none: from git.
        context: Option<String>,
        /// Digests of what was built, the runner's and the job's, joined by a comma.
        layers: Option<String>,
        /// Sealed [`Secrets`].
        secrets: Option<String>,
        /// Sealed token of the family.
        token: Option<String>,
        /// Seconds since 1970; what the job's `/live` is to say.
        stamp: i64,
        /// How often it was begun.
        attempts: i64,
        /// The commit that was built, or `tar` for the client's files; none before it is known.
        source_version: Option<String>,
    }
);

/// What a deployment keeps sealed.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Secrets {
    /// User and password, or token, of the repository.
    pub git: Option<(String, String)>,
    /// Secret variables of the build.
    pub build_env: std::collections::BTreeMap<String, String>,
    /// Secret variables of the running job.
    pub runtime_env: std::collections::BTreeMap<String, String>,
}

impl Deployment {
    /// Prefix of workloads; other faces' workloads are bare UUIDs.
    pub const WORKLOAD: &'static str = "job-";

    /// The workload that it runs; also the source of its log.
    pub fn workload(&self) -> String {
        format!("{}{}", Self::WORKLOAD, self.id)
    }

    /// The deployment that a workload belongs to.
    pub fn of_workload(workload: &str) -> Option<&str> {
        workload.strip_prefix(Self::WORKLOAD)
    }

    /// The source of its build's log.
    pub fn build_log(&self) -> String {
        format!("build-{}", self.id)
    }

    /// The newest `limit`, by their update.
    pub fn newest(tx: &mut Tx<'_>, limit: u64) -> Result<Vec<Self>, StoreError> {
        tx.rows(record::select::<Self>().order_by("update_time", Order::Desc).order_by("id", Order::Asc).limit(limit))
    }

    /// All that go on, oldest first.
    pub fn open(tx: &mut Tx<'_>) -> Result<Vec<Self>, StoreError> {
        tx.rows(
            record::select::<Self>()
                .and_where(Expr::col("status").eq(IN_PROGRESS))
                .order_by("create_time", Order::Asc)
                .order_by("id", Order::Asc),
        )
    }

    /// Those that have ended, well or badly, and still have a token; oldest first.
    pub fn ended_with_token(tx: &mut Tx<'_>) -> Result<Vec<Self>, StoreError> {
        tx.rows(
            record::select::<Self>()
                .and_where(Expr::col("token").is_not_null())
                .and_where(Expr::col("status").ne(IN_PROGRESS))
                .order_by("create_time", Order::Asc)
                .order_by("id", Order::Asc),
        )
    }

    /// Those of one job, newest first.
    pub fn of_job(tx: &mut Tx<'_>, name: &str, version: &str) -> Result<Vec<Self>, StoreError> {
        tx.rows(
            record::select::<Self>()
                .and_where(Expr::col("job_name").eq(name))
                .and_where(Expr::col("job_version").eq(version))
                .order_by("create_time", Order::Desc)
                .order_by("id", Order::Asc),
        )
    }
}
