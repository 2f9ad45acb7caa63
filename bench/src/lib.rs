//! What the benchmarks share: each prints what it sees as it goes, and at its end rows of the README's table, which
//! `tools/bench` gathers.

#![expect(clippy::print_stdout, reason = "figures are these programs' output")]

use std::time::Duration;

/// Prints a row: what was measured, beside what, the figure, and what is to be reached.
pub fn row(what: &str, beside: &str, measured: &str, to_reach: &str) {
    println!("| {what} | {beside} | {measured} | {to_reach} |");
}

/// The middle one; there must be one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The middle one, in seconds; there must be one.
pub fn median_seconds(times: impl IntoIterator<Item = Duration>) -> f64 {
    median(times.into_iter().map(|time| time.as_secs_f64()).collect())
}
