//! What a driver (local, docker, kubernetes) does.

use crate::{Exit, InstanceId, InstanceSpec, Observed, Well};
use futures_util::future::BoxFuture;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::broadcast;

/// Starts and observes single instances. Stateless to its user: what runs is found again after a restart.
pub trait Engine: Send + Sync + 'static {
    /// Starts one instance and answers when its process runs (not when it is well). On an error nothing is left behind.
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>>;

    /// SIGTERM to all its processes, after `spec.grace` SIGKILL; answers when it has ended. Ended or unknown: at once.
    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>>;

    /// SIGKILL now.
    fn kill<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>>;

    /// All instances, running and ended, that have not been forgotten.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>>;

    /// Waits for the end of an instance.
    fn wait<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>>;

    /// Removes what is left of an ended instance (writable layer, exit status). Its log lines stay.
    fn forget<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Keeps beside a running instance that it is well, or (`None`) not; [`Observed::well`] answers it, to later processes
    /// too. Whole or not at all, should this process be killed meanwhile; it need not outlive the host, as the instance does not.
    fn note_well<'a>(&'a self, id: &'a InstanceId, well: Option<Well>) -> BoxFuture<'a, Result<(), EngineError>>;

    /// What an instance uses now.
    fn usage<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>>;

    /// Where an instance listens for connections, as far as the driver can see: for the words of a check that fails, never
    /// for a decision. `None` where it cannot see.
    fn listeners<'a>(&'a self, _id: &'a InstanceId) -> BoxFuture<'a, Option<Vec<SocketAddr>>> {
        Box::pin(std::future::ready(None))
    }

    /// Ids of instances whose state changed. A lagging reader calls [`Engine::list`].
    fn changes(&self) -> broadcast::Receiver<InstanceId>;

    /// What this host can and cannot do, for health page and start-up.
    fn facts(&self) -> Facts;

    /// Where layers, stacks and instances live on the host.
    fn root(&self) -> &Path;
}

/// Unpacks droplets once, for all instances.
pub trait Layers: Send + Sync + 'static {
    /// The folder that holds droplet `digest`, unpacked from `archive` if it is not there.
    fn layer<'a>(&'a self, digest: &'a str, archive: &'a Path) -> BoxFuture<'a, Result<PathBuf, String>>;
}

/// A driver's failure, in words for an administrator.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// No such instance.
    #[error("no instance {0:?}")]
    Unknown(InstanceId),
    /// The spec names something that is not there (a stack, a layer) or is out of bounds.
    #[error("{0}")]
    Refused(String),
    /// The host cannot do it now.
    #[error("{0}")]
    Host(String),
}

/// What an instance uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time since its start.
    pub cpu: Duration,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes in its writable layer.
    pub disk_bytes: u64,
}

/// What the host can do, each in one word or sentence.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Facts {
    /// `local`, `docker`, `kubernetes`, or `bare`.
    pub engine: String,
    /// Do instances run isolated?
    pub isolated: bool,
    /// `v1` or `v2`.
    pub cgroups: String,
    /// By which means the disk limit is kept.
    pub disk_limit: String,
    /// Sentences, each a problem with its remedy. Empty when all is well.
    pub problems: Vec<String>,
}
