//! `pitlane stop --data DIR`: ends what a data folder started.

use crate::found;
use rustix::process::Signal;
use std::path::Path;
use std::time::Duration;

/// Stops the server that runs on a data folder; running requests are finished first. Applications go on running and are
/// found again by the next `pitlane serve`, unless `apps` asks for their end too.
pub async fn run(data: &Path, apps: bool, printer: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let data =
        std::fs::canonicalize(data).map_err(|error| anyhow::anyhow!("no data folder {}: {error}", data.display()))?;
    let mut ended = false;
    // The supervisor first, or it would start the others again.
    for (name, limit) in [("serve", 40), ("router", 20), ("control", 10)] {
        let Some(note) = found::living(&data, name) else { continue };
        if !found::end(&note, Signal::TERM, Duration::from_secs(limit)).await? {
            found::end(&note, Signal::KILL, Duration::from_secs(5)).await?;
        }
        ended = true;
    }
    match ended {
        true => writeln!(printer, "stopped the server on {}", data.display())?,
        false => writeln!(printer, "no server ran on {}", data.display())?,
    }
    if apps {
        server::end_apps(&data).await?;
        writeln!(printer, "ended every application and task it had started")?;
    }
    Ok(())
}
