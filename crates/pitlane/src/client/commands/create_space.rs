//! `pitlane create-space`.

use crate::client::Context;
use crate::client::config::Named;
use crate::client::failure::{Failure, Result};
use crate::client::uaa;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane create-space dev           in the organization you work in; you become its manager and developer
  pitlane create-space dev -o acme";

#[derive(Debug, clap::Args)]
pub struct CreateSpace {
    /// Its name
    name: String,
    /// The organization it belongs to
    #[arg(short, long)]
    org: Option<String>,
}

impl CreateSpace {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let org = match &self.org {
            None => api.org()?.clone(),
            Some(name) => {
                let found: Vec<Named> = api.list("/v3/organizations", &[("names", name)]).await?;
                found.into_iter().next().ok_or_else(|| {
                    Failure::new(format!("there is no organization `{name}`")).hint("`pitlane orgs` lists them")
                })?
            }
        };
        let body = json!({"name": self.name, "relationships": {"organization": {"data": {"guid": org.guid}}}});
        let space: Named = api.post("/v3/spaces", &body).await?;
        let person = uaa::claim(&api.token().await?, "user_id");
        for role in ["space_manager", "space_developer"] {
            let Some(person) = &person else { break };
            let relationships = json!({"space": {"data": {"guid": space.guid}}, "user": {"data": {"guid": person}}});
            let result: Result<serde_json::Value> =
                api.post("/v3/roles", &json!({"type": role, "relationships": relationships})).await;
            match result {
                // Whoever creates a space may have its roles already.
                Err(failure) if !failure.message.contains("already has") => return Err(failure),
                _ => {}
            }
        }
        if context.printer.json() {
            context.printer.value(&space);
        }
        context.printer.talk(format!("Created. `pitlane target -o {} -s {}` works in it.", org.name, space.name));
        Ok(())
    }
}
