//! `pitlane unset-env`.

use super::set_env::patch;
use crate::client::Context;
use crate::client::failure::Result;
use serde_json::Value;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane unset-env shop COLOUR CITY";

#[derive(Debug, clap::Args)]
pub struct UnsetEnv {
    /// The app
    name: String,
    /// The variables' names
    #[arg(required = true, value_name = "NAME")]
    variables: Vec<String>,
}

impl UnsetEnv {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        patch(context, &api, &app, self.variables.into_iter().map(|name| (name, Value::Null)).collect()).await
    }
}
