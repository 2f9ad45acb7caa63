//! Asking the router how it is.

use crate::local_http::{CallError, call};
use serde_json::Value;
use std::path::Path;

/// The router's own facts, for the health page.
pub(crate) async fn status(data: &Path) -> Result<Vec<(&'static str, String)>, CallError> {
    let answer: Value = call(&data.join("run/router.sock"), "GET", "/healthz", &()).await?;
    let fact = |name: &'static str| answer.get(name).filter(|value| !value.is_object()).map(|value| (name, value.to_string()));
    let names = ["routes", "revision", "connections", "requests", "dropped_log_lines"];
    Ok(names.into_iter().filter_map(fact).collect())
}
