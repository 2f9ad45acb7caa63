//! What is to be started.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// One start of one instance: a fresh UUID each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub String);

impl InstanceId {
    /// A new one.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

/// What an instance is for; decides restart policy and whether it is kept when its owner goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Runs until told to stop; the reconciler restarts it.
    Process,
    /// Runs once to its end.
    Task,
    /// Runs once, builds a droplet.
    Staging,
}

/// Everything a driver needs to start one instance. Stored beside the instance, so it must be complete.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Unique per start.
    pub id: InstanceId,
    /// The workload it belongs to (process guid, task guid, build guid).
    pub workload: String,
    /// The workload's version: a different one is a different thing to run.
    pub version: String,
    /// Which of the workload's instances, from 0.
    pub index: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// Its files.
    pub root: RootFs,
    /// Program and arguments, inside the container.
    pub argv: Vec<String>,
    /// The whole environment. Values may be secret: kept in files of mode 0600, never in an argument list or a log.
    pub env: Vec<(String, String)>,
    /// Absolute, inside the container.
    pub cwd: String,
    /// Bounds.
    pub limits: Limits,
    /// TCP ports it may be reached on, the first being `PORT`. Empty for workers, tasks and staging.
    pub ports: Vec<u16>,
    /// May it open connections to the outside?
    pub egress: bool,
    /// How long after SIGTERM comes SIGKILL.
    pub grace: Duration,
    /// Where its output goes.
    pub log: LogTag,
    /// Further programs in the same container. Whichever ends first ends all.
    #[serde(default)]
    pub companions: Vec<Companion>,
}

/// A program beside the first one of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Companion {
    /// Program and arguments, inside the container.
    pub argv: Vec<String>,
    /// What in its environment differs from the instance's.
    pub env: Vec<(String, String)>,
    /// Where its output goes, in the instance's log: `APP/PROC/WEB/SIDECAR/NAME`.
    pub source_type: String,
}

/// The files an instance sees. The root is the stack, read-only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootFs {
    /// Name of an installed stack; `host` is the host's `/usr` with an `/etc` of its own.
    pub stack: String,
    /// Read-only folders, lowest first, that make up `/home/vcap` below the instance's own bounded writable layer.
    pub layers: Vec<PathBuf>,
    /// Further folders of the host shown inside, each chosen by the platform, never by a user.
    pub mounts: Vec<Mount>,
}

/// One folder of the host shown inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mount {
    /// On the host.
    pub source: PathBuf,
    /// Inside, absolute.
    pub target: String,
    /// May the instance write?
    pub writable: bool,
}

/// Bounds of one instance, each enforced; a driver that cannot says so in its [`crate::Facts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory, swap none; beyond it the instance is killed.
    pub memory_bytes: u64,
    /// Bytes that are set aside for it in the host's budget; none: as many as it may use. Older records have none.
    #[serde(default)]
    pub reserved_bytes: Option<u64>,
    /// Bytes of its writable layer (`/home/vcap`, `/tmp` together); beyond it writes fail.
    pub disk_bytes: u64,
    /// Relative cpu weight, 1 to 10,000; 100 is usual.
    pub cpu_weight: u32,
    /// Processes and threads.
    pub pids: u32,
    /// Open files a process.
    pub files: u64,
    /// Output bytes a second, -1 for no bound; beyond it lines are dropped, and one line says so.
    pub log_rate: i64,
}

impl Limits {
    /// Bytes of memory that the host's budget counts for it: never more than it may use.
    pub fn reserved(&self) -> u64 {
        self.reserved_bytes.map_or(self.memory_bytes, |bytes| bytes.min(self.memory_bytes))
    }
}

/// Where an instance's output goes in [`logs`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogTag {
    /// Log source: the app's guid.
    pub source: String,
    /// `APP/PROC/WEB`, `APP/TASK/name`, `STG`.
    pub source_type: String,
    /// Instance index as text.
    pub instance: String,
}

/// What is to be checked to call an instance well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The means.
    pub kind: HealthKind,
    /// Start-up must succeed within this; probed every 2 s (and quickly in the first second).
    pub timeout: Duration,
    /// One probe's own limit.
    pub invocation_timeout: Duration,
    /// Between probes once well.
    pub interval: Duration,
}

/// How it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HealthKind {
    /// The first port accepts a connection.
    Port,
    /// `GET endpoint` on the first port answers exactly 200.
    Http {
        /// Path and query.
        endpoint: String,
    },
    /// The process lives.
    Process,
}

/// What should run: `instances` copies of `template` (whose `id` and `index` are filled in for each start).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Workload {
    /// Its guid; equals `template.workload`.
    pub id: String,
    /// How many; 0 stops all.
    pub instances: u32,
    /// What each is.
    pub template: InstanceSpec,
    /// When it is well at start-up and later.
    pub health: HealthCheck,
    /// When it may receive requests; `Process` means as soon as it is well.
    pub readiness: HealthCheck,
}
