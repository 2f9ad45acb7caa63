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

/// Does the router answer, by the table of this control process?
pub(crate) async fn follows(data: &Path) -> bool {
    health(data)
        .await
        .is_ok_and(|answer| answer["table"]["connected"] == true && answer["table"]["origin"] == "control")
}

async fn health(data: &Path) -> Result<Value, CallError> {
    call(&data.join("run/router.sock"), "GET", "/healthz", &()).await
}

/// The router's own facts, for the health page.
pub(crate) async fn status(data: &Path) -> Result<Vec<(&'static str, String)>, CallError> {
    let answer = health(data).await?;
    let fact = |&(path, name): &(&str, &'static str)| answer.pointer(path).map(|value| (name, value.to_string()));
    Ok(FACTS.iter().filter_map(fact).collect())
}
