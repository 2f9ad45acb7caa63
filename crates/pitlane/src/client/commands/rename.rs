//! `pitlane rename`.

use crate::client::Context;
use crate::client::failure::Result;
use reqwest::Method;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane rename shop boutique       its addresses stay as they are";

#[derive(Debug, clap::Args)]
pub struct Rename {
    /// The app
    name: String,
    /// Its new name
    new_name: String,
}

impl Rename {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        api.change(Method::PATCH, &format!("/v3/apps/{}", app.guid), &json!({"name": self.new_name})).await?;
        if context.printer.json() {
            context.printer.value(&json!({"guid": app.guid, "name": self.new_name}));
        }
        context.printer.talk(format!("`{}` is now `{}`.", self.name, self.new_name));
        Ok(())
    }
}
