//! `pitlane create-org`.

use crate::client::Context;
use crate::client::config::Named;
use crate::client::failure::Result;
use crate::client::words::quoted;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane create-org acme
  pitlane target -o acme && pitlane create-space dev && pitlane target -s dev";

#[derive(Debug, clap::Args)]
pub struct CreateOrg {
    /// Its name
    name: String,
}

impl CreateOrg {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let org: Named = api.post("/v3/organizations", &json!({"name": self.name, "suspended": false})).await?;
        if context.printer.json() {
            context.printer.value(&org);
        }
        context.printer.talk(format!("Created. `pitlane target -o {}` works in it.", quoted(&org.name)));
        Ok(())
    }
}
