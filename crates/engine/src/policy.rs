//! How a crashed instance is restarted: at once for the first three crashes in a row, then after 30 s, doubling to
//! 16 minutes; given up after 200 (cloud-foundry.md 12.3, the Diego design).

use std::time::Duration;

/// Crashes in a row after which an instance is left alone.
pub const GIVE_UP_AFTER: u32 = 200;
/// An instance that ran for so long has proved itself: its crashes count from zero again.
pub const SETTLED_AFTER: Duration = Duration::from_secs(300);

/// How long to wait after the `crashes`-th crash in a row; `None` when it is given up.
pub fn restart_delay(crashes: u32) -> Option<Duration> {
    match crashes {
        0..=3 => Some(Duration::ZERO),
        GIVE_UP_AFTER.. => None,
        _ => Some(Duration::from_secs(30 << (crashes - 4).min(5))),
    }
}
