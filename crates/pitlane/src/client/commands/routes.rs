//! `pitlane routes`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::shapes::{App, Route};
use crate::client::summary::url;
use serde_json::{Value, json};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane routes
  pitlane routes --json | jq -r '.[] | select(.apps == []) | .url'    addresses nobody uses";

#[derive(Debug, clap::Args)]
pub struct Routes {}

impl Routes {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let in_space = [("space_guids", api.space()?.guid.as_str())];
        let (routes, apps) =
            tokio::try_join!(api.list::<Route>("/v3/routes", &in_space), api.list::<App>("/v3/apps", &in_space))?;
        let names = |route: &Route| -> Vec<String> {
            let name = |guid: &str| apps.iter().find(|app| app.guid == guid).map_or(guid, |app| &app.name).to_owned();
            let mut names: Vec<String> = route.destinations.iter().map(|there| name(&there.app.guid)).collect();
            names.sort();
            names.dedup();
            names
        };
        let target = api.http.target();
        if context.printer.json() {
            let values: Vec<Value> = routes
                .iter()
                .map(|route| json!({"guid": route.guid, "url": url(target, route), "host": route.host, "path": route.path, "apps": names(route)}))
                .collect();
            context.printer.value(&values);
            return Ok(());
        }
        let rows = routes.iter().map(|route| vec![url(target, route), names(route).join(", ")]).collect();
        context.printer.table(
            &["address", "apps"],
            rows,
            "No addresses here yet. `pitlane push` and `pitlane map` make some.",
        );
        Ok(())
    }
}
