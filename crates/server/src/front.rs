//! Asking the router how it is.

use crate::local_http::{CallError, call};
use serde_json::Value;
use std::path::Path;

/// What is shown of the router's own account of itself, and under which name.
const FACTS: &[(&str, &str)] = &[
    ("/table/routes", "routes"),
    ("/table/revision", "revision of its table"),
    ("/connections", "connections"),
    ("/requests/total", "requests"),
    ("/requests/5xx", "answers of 500 and above"),
    ("/retries", "requests tried on another instance"),
    ("/dropped_log_lines", "access log lines dropped"),
    ("/uptime_seconds", "runs since, in seconds"),
];

/// The router's own facts, for the health page.
pub(crate) async fn status(data: &Path) -> Result<Vec<(&'static str, String)>, CallError> {
    let answer: Value = call(&data.join("run/router.sock"), "GET", "/healthz", &()).await?;
    let fact = |&(path, name): &(&str, &'static str)| answer.pointer(path).map(|value| (name, value.to_string()));
    Ok(FACTS.iter().filter_map(fact).collect())
}
