//! Times on the wire: `YYYY-MM-DDTHH:MM:SSZ`, no fraction (clients parse strictly); microseconds in tables.

use jiff::Timestamp;

/// Now, in microseconds since 1970 UTC.
pub fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// As the protocol writes it.
pub fn format(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads what [`format`] writes, in microseconds; `None` for anything else.
pub fn parse(text: &str) -> Option<i64> {
    let strict = text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    strict.then(|| text.parse::<Timestamp>().ok()).flatten().map(Timestamp::as_microsecond)
}
