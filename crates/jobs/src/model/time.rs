//! Times: microseconds since 1970 UTC in tables, whole seconds in the API.

/// Now, as tables have it.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// As the API has it.
pub fn seconds(micros: i64) -> i64 {
    micros.div_euclid(1_000_000)
}

/// `2026-11-25T201530`: the tag of what is built.
pub fn tag(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| "0".into(), |at| at.strftime("%Y-%m-%dT%H%M%S").to_string())
}
