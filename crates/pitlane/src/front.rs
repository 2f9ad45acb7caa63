//! `pitlane router`: the front door's process.

use crate::found;
use crate::settings::{Settings, run_folder};
use anyhow::bail;

/// Runs until SIGTERM, then drains.
pub fn run(settings: &Settings, listener: i32) -> anyhow::Result<()> {
    let run = run_folder(&settings.data);
    let held = loop {
        // While an upgrade drains the former router it still holds the file; it lets go when it stops accepting.
        match found::hold(&settings.data, "router", Some(listener))? {
            Ok(held) => break Some(held),
            Err(_) => bail!("another router runs on this data folder"),
        }
    };
    let result = router::serve(router::Options {
        listener: found::inherited(listener),
        control: run.join("control.sock"),
        table_socket: run.join("admin.sock"),
        status_socket: run.join("router.sock"),
        table_file: settings.data.join("router/table.json"),
        logs: settings.data.join("logs"),
        domain: settings.domain.clone(),
    });
    drop(held);
    Ok(result?)
}
