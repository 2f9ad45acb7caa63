//! `pitlane unmap`.

use super::map::resolve;
use crate::client::Context;
use crate::client::failure::{Failure, Result};
use crate::client::summary::url;
use crate::client::words::quoted;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane unmap shop www.example.org
  pitlane unmap shop boutique --delete   and give the address up";

#[derive(Debug, clap::Args)]
pub struct Unmap {
    /// The app
    name: String,
    /// HOST, HOST.DOMAIN or HOST.DOMAIN/PATH
    address: String,
    /// Delete the route too, so that others may have it
    #[arg(long)]
    delete: bool,
}

impl Unmap {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let (app, address) = tokio::try_join!(api.app(&self.name), resolve(&api, &self.address))?;
        let missing = || {
            Failure::new(format!("`{}` does not answer on {}", self.name, self.address))
                .hint(format!("`pitlane app {}` shows its addresses", quoted(&self.name)))
        };
        let route = address.find(&api).await?.ok_or_else(missing)?;
        let mine = route.destinations.iter().filter(|there| there.app.guid == app.guid);
        let guids: Vec<&String> = mine.filter_map(|there| there.guid.as_ref()).collect();
        if guids.is_empty() {
            return Err(missing());
        }
        for guid in guids {
            api.delete(&format!("/v3/routes/{}/destinations/{guid}", route.guid)).await?;
        }
        if self.delete {
            api.delete(&format!("/v3/routes/{}", route.guid)).await?;
        }
        let url = url(api.http.target(), &route);
        if context.printer.json() {
            context.printer.value(&serde_json::json!({"app": self.name, "url": url, "deleted": self.delete}));
        }
        context.printer.talk(format!("`{}` no longer answers on {url}", self.name));
        Ok(())
    }
}
