//! Sizes as people write them in manifests: `512M`, `1gb`.

/// Reads a size with a unit, in bytes. Units: `B K KB M MB G GB T TB` in any case, each 1,024 of the one before.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_uppercase().as_str() {
        "B" => 1,
        "K" | "KB" => 1 << 10,
        "M" | "MB" => 1 << 20,
        "G" | "GB" => 1 << 30,
        "T" | "TB" => 1 << 40,
        _ => return None,
    };
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        // `1.5G`
        Err(_) => number.parse::<f64>().ok().map(|part| (part * factor as f64) as u64),
    }
}

/// Reads a size as whole megabytes, rounded down.
pub fn megabytes(text: &str) -> Option<u64> {
    bytes(text).map(|bytes| bytes >> 20)
}

/// A log rate: a size, `0`, or `-1` for no limit; bytes a second.
pub fn log_rate(text: &str) -> Option<i64> {
    match text.trim() {
        "-1" => Some(-1),
        "0" => Some(0),
        text => bytes(text).and_then(|bytes| i64::try_from(bytes).ok()),
    }
}

/// A log rate as manifests show it.
pub fn show_log_rate(rate: i64) -> String {
    match rate {
        -1 => "-1".into(),
        0 => "0".into(),
        rate => [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")]
            .iter()
            .find(|(factor, _)| rate % factor == 0)
            .map_or_else(|| format!("{rate}B"), |(factor, unit)| format!("{}{unit}", rate / factor)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, want) in [
            ("512M", Some(512)),
            ("1gb", Some(1024)),
            ("1G", Some(1024)),
            ("2048K", Some(2)),
            ("1.5g", Some(1536)),
            ("1 GB", Some(1024)),
            ("512", None),
            ("M", None),
            ("12X", None),
            ("", None),
            ("-1M", None),
            ("99999999999999T", None),
        ] {
            assert_eq!(megabytes(text), want, "{text}");
        }
        for (text, want) in [("-1", Some(-1)), ("0", Some(0)), ("16K", Some(16384)), ("16", None)] {
            assert_eq!(log_rate(text), want, "{text}");
        }
        for rate in [-1, 0, 1, 1000, 1024, 3 << 20] {
            assert_eq!(log_rate(&show_log_rate(rate)), Some(rate));
        }
    }
}
