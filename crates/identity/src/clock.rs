//! The time that sessions, tokens and back-off go by. Tests move it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A source of the time. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds added to the system's time; shared by clones.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Microseconds since 1970 UTC.
    pub fn now(&self) -> i64 {
        now() + self.ahead.load(Ordering::Relaxed)
    }

    /// Lets `time` pass at once.
    pub fn advance(&self, time: Duration) {
        self.ahead.fetch_add(micros(time), Ordering::Relaxed);
    }
}

/// The system's time in microseconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// `time` in microseconds.
pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}
