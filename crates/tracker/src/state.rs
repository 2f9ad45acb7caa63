//! What every handler holds.

use identity::{Clock, Identity};
use store::Db;

/// The face's handle. Cheap to clone.
#[derive(Clone)]
pub struct Tracker {
    /// The one database.
    pub db: Db,
    /// Who calls.
    pub identity: Identity,
    /// Iterations roll over by it; tests move it.
    pub clock: Clock,
}

impl Tracker {
    /// The face over its rooms.
    pub fn new(identity: Identity) -> Self {
        Self { db: identity.db().clone(), clock: identity.config().clock.clone(), identity }
    }

    /// Microseconds since 1970 UTC.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }
}
