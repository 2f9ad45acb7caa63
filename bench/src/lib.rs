//! What the benchmarks share: each prints what it sees as it goes, and at its end rows of the README's table, which
//! `tools/bench` gathers.

#![expect(clippy::print_stdout, reason = "figures are these programs' output")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

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

/// How long `pip install` of the `requirements.txt` in `folder` takes by itself. A fresh virtual environment is made outside the measured time; pip's own cache is warm from the first round on.
#[expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures; no value from outside")]
pub fn pip_alone(folder: &Path, venv: &Path) -> Duration {
    let made = Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(venv).status();
    assert!(made.expect("python3-venv is installed").success());
    let begun = Instant::now();
    let done = Command::new(venv.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(folder.join("requirements.txt"))
        .status();
    assert!(done.expect("pip runs").success());
    begun.elapsed()
}
