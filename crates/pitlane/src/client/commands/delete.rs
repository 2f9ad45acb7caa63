//! `pitlane delete`.

use crate::client::Context;
use crate::client::failure::{Failure, Result, Told};
use crate::client::shapes::Route;
use std::io::{BufRead, IsTerminal, Write};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane delete shop                asks first
  pitlane delete shop -f             does not ask
  pitlane delete shop -f -r          and gives its addresses up";

#[derive(Debug, clap::Args)]
pub struct Delete {
    /// The app
    name: String,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Delete the addresses that only this app answers on, too
    #[arg(short, long)]
    routes: bool,
}

impl Delete {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        if !self.force && !confirmed(&self.name)? {
            return Err(Failure::new("nothing was deleted"));
        }
        let routes: Vec<Route> = match self.routes {
            true => api.list(&format!("/v3/apps/{}/routes", app.guid), &[]).await?,
            false => Vec::new(),
        };
        api.delete(&format!("/v3/apps/{}", app.guid)).await?;
        for route in routes {
            let shared = route.destinations.iter().any(|there| there.app.guid != app.guid);
            if !shared {
                api.delete(&format!("/v3/routes/{}", route.guid)).await?;
            }
        }
        if context.printer.json() {
            context.printer.value(&serde_json::json!({"deleted": {"name": app.name, "guid": app.guid}}));
        }
        context.printer.talk(format!("Deleted `{}`.", self.name));
        Ok(())
    }
}

fn confirmed(name: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("there is no terminal to ask on whether `{name}` may go")).hint("add -f"));
    }
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "Delete `{name}` with its history? [y/N] ").and_then(|()| err.flush());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).told(|| "cannot read your answer".to_owned())?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
