//! `pitlane start`.

use crate::client::Context;
use crate::client::api::Api;
use crate::client::failure::{Failure, Result};
use crate::client::shapes::App;
use crate::client::start;
use crate::client::summary::Summary;
use crate::client::words::quoted;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane start shop                 and waits until it runs";

#[derive(Debug, clap::Args)]
pub struct Start {
    /// The app
    name: String,
}

impl Start {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        if app.is_started() {
            context.printer.talk(format!("`{}` is started already.", self.name));
        }
        begin(context, &api, app, "start").await
    }
}

/// Starts or restarts, waits, and shows how it stands.
pub(super) async fn begin(context: &Context, api: &Api, app: App, action: &str) -> Result<()> {
    start::act(api, &app, action).await.map_err(|failure| {
        // The server's words for it (cloud-foundry.md 2.4) do not say how.
        if failure.message.contains("Assign a droplet") {
            Failure { message: format!("`{}` has not been built yet", app.name), ..failure }
                .hint("`pitlane push` builds it")
        } else {
            failure
        }
    })?;
    let waiting = start::wait(api, &app);
    tokio::select! {
        result = waiting => result?,
        _ = tokio::signal::ctrl_c() => return Err(interrupted(&app.name)),
    }
    let app = api.app(&app.name).await?;
    Summary::read(api, &app).await?.show(&context.printer);
    Ok(())
}

/// What Ctrl-C leaves behind.
pub(super) fn interrupted(name: &str) -> Failure {
    let word = quoted(name);
    Failure::interrupted(format!("the server goes on starting `{name}`"))
        .hint(format!("`pitlane app {word}` shows how it stands, `pitlane stop {word}` stops it"))
}
