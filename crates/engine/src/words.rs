//! How an instance ended, in words for the person whose application it is.

use crate::{ExitKind, Limits};

/// `exited with status 1`, `out of memory (limit 256 MB)`, `killed by signal 11 (SIGSEGV)`, …
pub fn exit_in_words(kind: &ExitKind, limits: &Limits) -> String {
    match kind {
        ExitKind::Code { code: 126 } => "exited with status 126 (its start command cannot be executed)".to_owned(),
        ExitKind::Code { code: 127 } => "exited with status 127 (its start command was not found)".to_owned(),
        ExitKind::Code { code } => format!("exited with status {code}"),
        ExitKind::Signal { signal } => match signal_name(*signal) {
            Some(name) => format!("killed by signal {signal} ({name})"),
            None => format!("killed by signal {signal}"),
        },
        ExitKind::OutOfMemory => format!("out of memory (limit {})", bytes_in_words(limits.memory_bytes)),
        ExitKind::Unhealthy { reason } => reason.clone(),
        ExitKind::Stopped => "stopped".to_owned(),
        ExitKind::NotStarted { reason } => format!("could not be started: {reason}"),
        ExitKind::Lost => "lost: the machine was restarted, or what looked after the instance was killed".to_owned(),
    }
}

/// `256 MB`, `1.5 GB`: powers of 1024, as limits are given.
pub fn bytes_in_words(bytes: u64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), units[unit])
}

// Numbers of x86-64 and aarch64 Linux, where they agree.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}
