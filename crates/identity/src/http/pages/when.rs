//! Times for people: how long ago or ahead, with the full time on hover.

use jiff::Timestamp;

/// A time on a page.
pub(super) struct When {
    /// `3 minutes ago`.
    pub(super) words: String,
    /// RFC 3339, UTC.
    pub(super) full: String,
}

/// `at`, seen from `now`; both in microseconds since 1970 UTC.
pub(super) fn when(at: i64, now: i64) -> When {
    let seconds = at.abs_diff(now) / 1_000_000;
    // Rounded: fourteen days less a second are fourteen days.
    let (count, unit) = match seconds {
        0..60 => (0, ""),
        60..3_570 => ((seconds + 30) / 60, "minute"),
        3_570..84_600 => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    let words = match (count, at > now) {
        (0, false) => "just now".into(),
        (0, true) => "in a moment".into(),
        (_, false) => format!("{count} {unit}{plural} ago"),
        (_, true) => format!("in {count} {unit}{plural}"),
    };
    When { words, full: rfc3339(at) }
}

/// `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(at: i64) -> String {
    Timestamp::from_microsecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
