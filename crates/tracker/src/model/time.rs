//! Times: microseconds since 1970 UTC in tables, ISO 8601 in whole seconds or milliseconds since 1970 on the wire.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// `2013-04-30T04:25:15Z`.
pub fn show(micros: i64) -> String {
    timestamp(micros).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As a timestamp; what lies outside of its range is its end.
pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// ISO 8601 with an offset, a date alone (midnight UTC), or milliseconds since 1970.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(millis) = text.parse::<i64>() {
        return millis.checked_mul(1000).filter(|micros| Timestamp::from_microsecond(*micros).is_ok());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond());
    }
    // `2013-04-30T04:25:15` and `2013-04-30` are meant as UTC.
    if let Ok(at) = text.parse::<jiff::civil::DateTime>() {
        return at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_microsecond());
    }
    None
}

/// The first moment of `date` in `zone`.
pub fn midnight(date: Date, zone: &TimeZone) -> i64 {
    // Where midnight is skipped, the day begins when the gap ends; where it comes twice, with the first.
    match date.to_zoned(zone.clone()) {
        Ok(zoned) => zoned.timestamp().as_microsecond(),
        Err(_) => Timestamp::MAX.as_microsecond(),
    }
}

/// The date at `micros` in `zone`.
pub fn date(micros: i64, zone: &TimeZone) -> Date {
    timestamp(micros).to_zoned(zone.clone()).date()
}

/// `-08:00` as it is at `micros`.
pub fn offset(micros: i64, zone: &TimeZone) -> String {
    let seconds = zone.to_offset(timestamp(micros)).seconds();
    let (sign, seconds) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    format!("{sign}{:02}:{:02}", seconds / 3600, seconds % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let at = parse("2013-04-30T04:25:15Z").unwrap();
        assert_eq!(show(at), "2013-04-30T04:25:15Z");
        assert_eq!(parse("1367295915000"), Some(at));
        assert_eq!(parse("2013-04-30T06:25:15+02:00"), Some(at));
        assert_eq!(parse("2013-04-30").map(show).as_deref(), Some("2013-04-30T00:00:00Z"));
        assert_eq!(parse("tomorrow"), None);
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        assert_eq!(offset(at, &zone), "-07:00");
    }
}
