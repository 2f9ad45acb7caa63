//! The keys of a process, at the application's level or in `processes`.

use super::check::{Faults, size};
use super::types::Process;
use crate::model::size::{log_rate, megabytes};
use crate::model::yaml::{Node, Value};

/// Keys a process may have, `type` aside.
pub const PROCESS_KEYS: &[&str] = &[
    "command",
    "user",
    "instances",
    "memory",
    "disk-quota",
    "log-rate-limit-per-second",
    "timeout",
    "health-check-type",
    "health-check-http-endpoint",
    "health-check-invocation-timeout",
    "health-check-interval",
    "readiness-health-check-type",
    "readiness-health-check-http-endpoint",
    "readiness-health-check-invocation-timeout",
    "readiness-health-check-interval",
];

/// An entry of `processes`.
pub(super) fn entry(node: &Node, faults: &mut Faults) -> Option<Process> {
    let entries = node.map().or_else(|| {
        faults.add(node, "a process must be a map with the key 'type'");
        None
    })?;
    let known: Vec<&str> = PROCESS_KEYS.iter().copied().chain(["type"]).collect();
    faults.unknown_keys(entries, &known, &[]);
    let Some(kind) = node.get("type").and_then(Node::text).filter(|kind| !kind.is_empty()) else {
        faults.add(node, "all processes must have a type");
        return None;
    };
    Some(keys(node, kind, faults))
}

/// What `node` says of the process `kind`.
pub(super) fn keys(node: &Node, kind: &str, faults: &mut Faults) -> Process {
    let outer = faults.prefix.clone();
    if node.get("type").is_some() {
        faults.prefix.push_str(&format!("Process \"{kind}\": "));
    }
    let process = Process {
        kind: kind.into(),
        command: node.get("command").and_then(|command| match &command.value {
            Value::Null => Some(None),
            Value::Text(text) if matches!(text.as_str(), "null" | "default") => Some(None),
            _ => match command.scalar() {
                Some(text) if text.is_empty() => {
                    faults.add(command, "command must not be empty; use null for the detected one");
                    None
                }
                Some(text) => Some(Some(text)),
                None => {
                    faults.add(command, "command must be text");
                    None
                }
            },
        }),
        user: faults.text(node, "user"),
        instances: faults.whole(node, "instances", 0).and_then(|count| u32::try_from(count).ok()),
        memory_mb: size(node, "memory", "Memory", faults, |text| megabytes(text).filter(|size| *size > 0)),
        disk_mb: size(node, "disk-quota", "Disk quota", faults, |text| megabytes(text).filter(|size| *size > 0)),
        log_rate: size(node, "log-rate-limit-per-second", "Log rate limit per second", faults, log_rate),
        timeout: faults.whole(node, "timeout", 1),
        health_type: check_type(node, "health-check-type", faults),
        health_endpoint: endpoint(node, "health-check-http-endpoint", faults),
        health_invocation_timeout: faults.whole(node, "health-check-invocation-timeout", 1),
        health_interval: faults.whole(node, "health-check-interval", 1),
        readiness_type: check_type(node, "readiness-health-check-type", faults),
        readiness_endpoint: endpoint(node, "readiness-health-check-http-endpoint", faults),
        readiness_invocation_timeout: faults.whole(node, "readiness-health-check-invocation-timeout", 1),
        readiness_interval: faults.whole(node, "readiness-health-check-interval", 1),
    };
    for (endpoint, kind, key) in [
        (&process.health_endpoint, &process.health_type, "health-check-type"),
        (&process.readiness_endpoint, &process.readiness_type, "readiness-health-check-type"),
    ] {
        if endpoint.is_some() && kind.as_deref().is_some_and(|kind| kind != "http") {
            faults.add(node, &format!("{key} must be \"http\" to set a health check HTTP endpoint"));
        }
    }
    faults.prefix = outer;
    process
}

fn check_type(node: &Node, key: &str, faults: &mut Faults) -> Option<String> {
    let value = node.get(key)?;
    match value.text() {
        Some(kind @ ("port" | "http" | "process")) => Some(kind.into()),
        // The old word.
        Some("none") => Some("process".into()),
        _ => {
            faults.add(value, &format!("{key} must be one of port, http, process"));
            None
        }
    }
}

fn endpoint(node: &Node, key: &str, faults: &mut Faults) -> Option<String> {
    let value = node.get(key)?;
    match value.text() {
        Some(path) if path.starts_with('/') && !path.contains(char::is_whitespace) => Some(path.into()),
        _ => {
            faults.add(value, &format!("{key} must be a path that begins with '/'"));
            None
        }
    }
}
