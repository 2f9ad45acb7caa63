//! `pitlane spaces`.

use super::orgs::list;
use crate::client::Context;
use crate::client::config::Named;
use crate::client::failure::Result;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane spaces
  pitlane target -s dev              works in one of them";

#[derive(Debug, clap::Args)]
pub struct Spaces {}

impl Spaces {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let query = [("order_by", "name"), ("organization_guids", api.org()?.guid.as_str())];
        let spaces: Vec<Named> = api.list("/v3/spaces", &query).await?;
        list(
            context,
            &spaces,
            api.target.space.as_ref(),
            "space",
            "There is no space here. `pitlane create-space NAME` makes one.",
        );
        Ok(())
    }
}
