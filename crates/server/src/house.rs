//! What the server's own handlers hold.

use crate::health::{EnvInfo, Probes};
use crate::owner::{Elsewhere, Signature};
use engine::Engine;
use std::path::PathBuf;
use std::sync::Arc;

/// What control is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// Where the front door listens.
    pub listen: std::net::SocketAddr,
    /// Domain under which applications get their host names.
    pub domain: String,
    /// Where other servers on the same database reach this one, if that is not where it listens.
    pub peer_url: Option<String>,
    /// External database.
    pub database_url: Option<String>,
    /// Where blobs are kept, if not in the data folder.
    pub blobs: Option<String>,
    /// May applications run as bare processes where containers are not possible?
    pub allow_bare: bool,
    /// Memory that instances, tasks and builds share; `None`: this host's, without a reserve.
    pub memory_bytes: Option<u64>,
    /// May jobs come from repositories on this machine or without TLS?
    pub insecure_git: bool,
    /// How long one staging may take.
    pub staging_timeout: std::time::Duration,
    /// This very program, which the engine starts as keeper.
    pub program: PathBuf,
}

/// The address people type for what listens on `listen`, without a slash at its end.
pub fn url(listen: std::net::SocketAddr) -> String {
    let reached = match listen.ip() {
        ip if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", std::net::SocketAddr::new(reached, listen.port()))
}

/// The assembled rooms. Cheap to clone.
#[derive(Clone)]
pub struct House {
    /// What control was started with.
    pub options: Arc<Options>,
    /// The database.
    pub db: store::Db,
    /// Packages, droplets, buildpacks.
    pub blobs: store::Blobs,
    /// Seals what must be readable again.
    pub secrets: store::Secrets,
    /// People and tokens.
    pub identity: identity::Identity,
    /// What runs.
    pub engine: Arc<dyn Engine>,
    /// What admits instances, tasks and builds.
    pub budget: engine::Budget,
    /// The routing table that the router follows.
    pub publisher: router::Publisher,
    /// Applications run on another server of this database. This one starts none then.
    pub(crate) elsewhere: Option<Arc<Elsewhere>>,
    /// This server, among those that share the database.
    pub(crate) me: Signature,
    /// Health as last seen.
    pub probes: Arc<Probes>,
}

impl House {
    /// How well everything is; at most a second old.
    pub async fn health(&self) -> EnvInfo {
        self.probes.ask(self).await
    }
}
