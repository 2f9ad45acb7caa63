//! `pitlane router`: the front door's process.

use crate::found;
use crate::settings::Settings;
use std::os::fd::AsRawFd;

/// Runs until SIGTERM, then drains.
pub fn run(settings: &Settings, listener: i32) -> anyhow::Result<()> {
    let listener = found::inherited(listener);
    // The descriptor by which a later supervisor finds the socket; the router gives its own up.
    let kept = listener.try_clone()?;
    let number = kept.as_raw_fd();
    // While an upgrade drains the former router, that one still holds the file.
    let data = settings.data.clone();
    let note = std::thread::spawn(move || {
        loop {
            match found::hold(&data, "router", Some(number)) {
                Ok(Err(_)) => std::thread::sleep(std::time::Duration::from_millis(20)),
                other => return other,
            }
        }
    });
    router::serve(router::Options::new(listener, &settings.data, &settings.domain))?;
    drop((note, kept));
    Ok(())
}
