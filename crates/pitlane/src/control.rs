//! `pitlane control`: APIs, store, engine, in one process.

use crate::found;
use crate::settings::Settings;
use anyhow::bail;

/// Runs until SIGTERM.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let Ok(_held) = found::hold(&settings.data, "control", None)? else {
        bail!("another control process runs on this data folder");
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
        staging_timeout: std::time::Duration::from_secs(settings.staging_timeout),
        program: std::env::current_exe()?,
    })
    .await
}
