//! `pitlane stop`: ends what a data folder started.

use crate::found;
use rustix::process::Signal;
use std::path::PathBuf;
use std::time::Duration;

/// Stop a server
///
/// Stops the server that runs on a data folder: running requests are finished first. Applications go on running and are
/// found again by the next `pitlane serve`, unless --apps is given.
#[derive(Debug, clap::Args)]
pub struct Stop {
    /// The server's data folder
    #[arg(long, env = "PITLANE_DATA", default_value = "./data")]
    data: PathBuf,
    /// End everything this data folder started, applications and tasks too
    #[arg(long)]
    apps: bool,
}

/// Runs it.
pub async fn run(stop: Stop, printer: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let data = std::fs::canonicalize(&stop.data)
        .map_err(|error| anyhow::anyhow!("no data folder {}: {error}", stop.data.display()))?;
    let mut ended = Vec::new();
    // The supervisor first, or it would start the others again.
    for (name, limit) in [("serve", 40), ("router", 20), ("control", 10)] {
        let Some(note) = found::living(&data, name) else { continue };
        if !found::end(&note, Signal::TERM, Duration::from_secs(limit)).await? {
            found::end(&note, Signal::KILL, Duration::from_secs(5)).await?;
        }
        ended.push(name);
    }
    if ended.is_empty() {
        writeln!(printer, "no server ran on {}", data.display())?;
    } else {
        writeln!(printer, "stopped the server on {}", data.display())?;
    }
    if stop.apps {
        let count = engine_local::end_all(&data.join("engine")).await?;
        writeln!(printer, "ended {count} instance{}", if count == 1 { "" } else { "s" })?;
    }
    Ok(())
}
