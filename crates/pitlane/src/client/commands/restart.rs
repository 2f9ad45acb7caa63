//! `pitlane restart`.

use super::start::begin;
use crate::client::Context;
use crate::client::failure::Result;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane restart shop               after `pitlane set-env`, for example";

#[derive(Debug, clap::Args)]
pub struct Restart {
    /// The app
    name: String,
}

impl Restart {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        begin(context, &api, app, "restart").await
    }
}
