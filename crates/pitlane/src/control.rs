//! `pitlane control`: APIs, store, engine, in one process.

use crate::found;
use crate::settings::Settings;
use anyhow::bail;
use std::time::{Duration, Instant};

/// So long whoever has the data folder may take to leave it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until SIGTERM.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    // A command of `pitlane admin` may have the folder for a moment.
    let begun = Instant::now();
    let _held = loop {
        match found::hold(&settings.data, "control", None)? {
            Ok(held) => break held,
            Err(other) if begun.elapsed() > PATIENCE => bail!("process {} uses this data folder", other.pid),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    server::run(server::Options {
        data: settings.data,
        listen: settings.listen,
        domain: settings.domain,
        peer_url: settings.peer_url,
        database_url: settings.database_url,
        blobs: settings.blobs,
        allow_bare: settings.allow_bare,
        memory_bytes: settings.memory.map(|megabytes| megabytes << 20),
        insecure_git: settings.insecure_git,
        staging_timeout: Duration::from_secs(settings.staging_timeout),
        program: std::env::current_exe()?,
    })
    .await
}
