//! Talking to a running server over `run/admin.sock`, which only this machine's owner of the data folder can open.

use crate::settings::run_folder;
use serde::{Serialize, de::DeserializeOwned};
use server::CallError;
use std::path::Path;
use std::time::{Duration, Instant};

/// A request with a JSON answer. `Ok(None)`: no server runs on this data folder.
pub async fn call<A: DeserializeOwned>(
    data: &Path,
    method: &str,
    path: &str,
    body: &impl Serialize,
) -> anyhow::Result<Option<A>> {
    match server::local_call(&run_folder(data).join("admin.sock"), method, path, body).await {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::Absent(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// After so long it is said what is waited for, and again.
const LONG: Duration = Duration::from_secs(15);

/// Waits until control answers and, if `routed`, the router by control's table. The caller gives up when control ends.
pub async fn wait_ready(data: &Path, routed: bool) -> anyhow::Result<server::Status> {
    let mut told = Instant::now();
    loop {
        let status = call::<server::Status>(data, "GET", "/status", &()).await;
        let waits_for = match status {
            Ok(Some(status)) if status.router || !routed => return Ok(status),
            Ok(Some(_)) => "router",
            Ok(None) | Err(_) => "control",
        };
        if told.elapsed() > LONG {
            told = Instant::now();
            let log = data.join("log").join(format!("{waits_for}.log"));
            tracing::warn!(log = %log.display(), "still waiting for {waits_for} to answer; its log tells more");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
