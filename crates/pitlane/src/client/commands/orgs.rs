//! `pitlane orgs`.

use crate::client::Context;
use crate::client::config::Named;
use crate::client::failure::Result;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane orgs
  pitlane target -o acme             works in one of them";

#[derive(Debug, clap::Args)]
pub struct Orgs {}

impl Orgs {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let orgs: Vec<Named> = api.list("/v3/organizations", &[("order_by", "name")]).await?;
        list(
            context,
            &orgs,
            api.target.org.as_ref(),
            "organization",
            "You are in no organization. `pitlane create-org NAME` makes one.",
        );
        Ok(())
    }
}

/// Shows names, the one that is worked in marked.
pub(super) fn list(context: &Context, all: &[Named], current: Option<&Named>, kind: &str, empty: &str) {
    let is_current = |one: &Named| current.is_some_and(|current| current.guid == one.guid);
    if context.printer.json() {
        let value = |one: &Named| json!({"name": one.name, "guid": one.guid, "current": is_current(one)});
        return context.printer.value(&all.iter().map(value).collect::<Vec<_>>());
    }
    let mark = |one: &Named| if is_current(one) { "works here" } else { "" }.to_owned();
    let rows = all.iter().map(|one| vec![one.name.clone(), mark(one)]).collect();
    context.printer.table(&[kind, ""], rows, empty);
}
