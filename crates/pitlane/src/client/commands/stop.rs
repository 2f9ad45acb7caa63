//! `pitlane stop`.

use crate::client::Context;
use crate::client::failure::{Failure, Result};
use crate::client::start;
use crate::client::summary::Summary;
use crate::client::words::quoted;
use std::path::PathBuf;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane stop shop                  its addresses answer 404 or 503 until it is started again
  pitlane stop --data ./data         stops the server of that data folder; apps go on
  pitlane stop --data ./data --apps  and all its apps";

/// Stops an app, or the server of a data folder.
#[derive(Debug, clap::Args)]
pub struct Stop {
    /// The app
    #[arg(required_unless_present = "data")]
    name: Option<String>,
    /// Instead of an app: the server of this data folder
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    pub data: Option<PathBuf>,
    /// With --data: its apps too
    #[arg(long, requires = "data")]
    pub apps: bool,
}

impl Stop {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let name = self.name.ok_or_else(|| Failure::usage("which app?"))?;
        let api = context.api()?;
        let app = api.app(&name).await?;
        start::act(&api, &app, "stop").await?;
        if context.printer.json() {
            let app = api.app(&name).await?;
            Summary::read(&api, &app).await?.show(&context.printer);
        } else {
            context.printer.talk(format!("Stopped `{name}`. `pitlane start {}` starts it again.", quoted(&name)));
        }
        Ok(())
    }
}
