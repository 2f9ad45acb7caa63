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
    let up = answer["uptime_seconds"].as_u64().map(|seconds| ("up for", duration_in_words(seconds)));
    Ok(FACTS.iter().filter_map(fact).chain(up).collect())
}

/// `12 s`, `3 min`, `2 h 5 min`, `4 d 3 h`, as on the app's pages.
fn duration_in_words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::duration_in_words;

    #[test]
    fn durations_are_told_as_people_do() {
        let told = [7, 119, 150, 7_500, 360_000].map(duration_in_words);
        assert_eq!(told, ["7 s", "119 s", "2 min", "2 h 5 min", "4 d 4 h"]);
    }
}
