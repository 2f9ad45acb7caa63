//! `pitlane app`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::summary::Summary;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane app shop
  pitlane app shop --guid            only its guid, for `curl` and scripts
  pitlane app shop --json | jq -r '.urls[0]'";

#[derive(Debug, clap::Args)]
pub struct App {
    /// The app
    name: String,
    /// Show only its guid
    #[arg(long)]
    guid: bool,
}

impl App {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        if self.guid {
            match context.printer.json() {
                true => context.printer.value(&app.guid),
                false => context.printer.line(&app.guid),
            }
            return Ok(());
        }
        Summary::read(&api, &app).await?.show(&context.printer);
        Ok(())
    }
}
