//! The load generator.

use crate::HOST;
use std::error::Error;
use std::fmt;

/// What one run measured.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Answers a second.
    pub requests: f64,
    /// 99th percentile of the time to an answer, in milliseconds.
    pub p99_ms: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.0}/s p99 {:>6.2} ms", self.requests, self.p99_ms)
    }
}

/// Drives `address`; an answer other than 2xx or 3xx is an error.
pub fn run(address: &str, connections: u32, seconds: u32) -> Result<Figures, Box<dyn Error>> {
    let host = format!("Host: {HOST}");
    let (connections, seconds) = (format!("-c{connections}"), format!("-d{seconds}s"));
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark starts what it measures; constant program, own arguments"
    )]
    let output = std::process::Command::new("wrk")
        .args(["-t2", &connections, &seconds, "--latency", "-H", &host, &format!("http://{address}/hello")])
        .output()
        .map_err(|error| format!("wrk cannot be started: {error}; install Debian's package wrk"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") || text.contains("Socket errors") || !output.status.success() {
        return Err(format!("wrk saw failures:\n{text}").into());
    }
    let word_after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(|rest| rest.trim().to_owned()).ok_or_else(|| format!("wrk says nothing of {label}:\n{text}"))
    };
    Ok(Figures { requests: word_after("Requests/sec:")?.parse()?, p99_ms: milliseconds(&word_after("99%")?)? })
}

fn milliseconds(text: &str) -> Result<f64, Box<dyn Error>> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    Err(format!("`{text}` is no time").into())
}
