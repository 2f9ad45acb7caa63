//! `pitlane create-space`.

use crate::client::Context;
use crate::client::config::Named;
use crate::client::failure::{Failure, Result};
use crate::client::uaa;
use crate::client::words::quoted;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane create-space dev           in the organization you work in; you may do everything there
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
        // Whoever has a role in a space must have one in its organization.
        let places = [("organization", &org), ("space", &space), ("space", &space)];
        for (role, (kind, place)) in ["organization_user", "space_manager", "space_developer"].into_iter().zip(places) {
            let Some(person) = &person else { break };
            let relationships = json!({kind: {"data": {"guid": place.guid}}, "user": {"data": {"guid": person}}});
            let body = json!({"type": role, "relationships": relationships});
            match api.post::<serde_json::Value>("/v3/roles", &body).await {
                // Whoever creates a space may have its roles already, and need not be allowed to give them.
                Err(failure)
                    if !failure.message.contains("already has") && failure.api.is_none_or(|api| api.0 != 403) =>
                {
                    return Err(failure);
                }
                _ => {}
            }
        }
        if context.printer.json() {
            context.printer.value(&space);
        }
        context.printer.talk(format!(
            "Created. `pitlane target -o {} -s {}` works in it.",
            quoted(&org.name),
            quoted(&space.name)
        ));
        Ok(())
    }
}
