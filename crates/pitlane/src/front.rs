//! `pitlane router`: the front door's process.

use crate::found;
use crate::settings::Settings;

/// Runs until SIGTERM, then drains.
pub fn run(settings: &Settings, listener: i32) -> anyhow::Result<()> {
    // While an upgrade drains the former router, that one still holds the file.
    let data = settings.data.clone();
    let note = std::thread::spawn(move || {
        loop {
            match found::hold(&data, "router", Some(listener)) {
                Ok(Err(_)) => std::thread::sleep(std::time::Duration::from_millis(20)),
                other => return other,
            }
        }
    });
    router::serve(router::Options::new(found::inherited(listener), &settings.data, &settings.domain))?;
    drop(note);
    Ok(())
}
