//! What every handler holds.

use crate::events::Hub;
use identity::Identity;
use ledger::Ledger;
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The face's handle. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    /// The one database.
    pub db: Db,
    /// People and tokens.
    pub identity: Identity,
    /// The ledger.
    pub ledger: Ledger,
    /// The live streams.
    pub hub: Hub,
    /// Held while the chain of the ledger is verified.
    pub(crate) verifying: Arc<Semaphore>,
}

/// Settings of the face.
#[derive(Debug, Clone)]
pub struct Config {
    /// After so long without a word a live stream tells its position, which keeps proxies and clients from giving up, and
    /// judges rights again, because a session may have ended by its age. Well below the 60 s of usual load balancers.
    pub heart_beat: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { heart_beat: Duration::from_secs(15) }
    }
}

impl Operations {
    /// The face over its rooms. Live streams end when `stop` is cancelled.
    pub fn new(identity: Identity, ledger: Ledger, config: Config, stop: CancellationToken) -> Self {
        let hub = Hub::new(identity.clone(), ledger.clone(), config.heart_beat, stop);
        Self { db: identity.db().clone(), identity, ledger, hub, verifying: Arc::new(Semaphore::new(1)) }
    }

    /// The time by which sessions and links end, in microseconds since 1970 UTC.
    pub(crate) fn now(&self) -> i64 {
        self.identity.config().clock.now()
    }
}
