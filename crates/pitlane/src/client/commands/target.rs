//! `pitlane target`.

use crate::client::Context;
use crate::client::api::Api;
use crate::client::config::{Named, Target as Remembered};
use crate::client::failure::{Failure, Result};
use crate::client::printer::Tone;
use serde_json::json;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane target                     shows where you work
  pitlane target -s staging          another space of the same organization
  pitlane target -o acme -s dev";

#[derive(Debug, clap::Args)]
pub struct Target {
    /// The organization to work in
    #[arg(short, long)]
    org: Option<String>,
    /// The space to work in
    #[arg(short, long)]
    space: Option<String>,
}

impl Target {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let mut api = context.api()?;
        let url = api.http.target().to_owned();
        if self.org.is_some() || self.space.is_some() {
            let current = api.target.org.as_ref().map(|org| org.name.clone());
            let org = self.org.as_deref().or(current.as_deref());
            choose(&mut api, org, self.space.as_deref()).await?;
            remember(context, &url, &api.target)?;
        }
        show(context, &url, &api.target);
        Ok(())
    }
}

/// Stores where the person works; the tokens may have been renewed meanwhile and are left alone.
pub(super) fn remember(context: &Context, url: &str, target: &Remembered) -> Result<()> {
    context.store.change(|config| {
        if let Some(stored) = config.targets.get_mut(url) {
            (stored.org, stored.space) = (target.org.clone(), target.space.clone());
        }
    })
}

/// Chooses by name; without a name, the only one there is.
pub(super) async fn choose(api: &mut Api, org: Option<&str>, space: Option<&str>) -> Result<()> {
    let orgs: Vec<Named> = api.list("/v3/organizations", &[("order_by", "name")]).await?;
    let org = pick(&orgs, org, "organization", "pitlane create-org NAME")?;
    let changed = api.target.org.as_ref() != org.as_ref();
    api.target.org = org;
    let Some(org) = &api.target.org else {
        api.target.space = None;
        return match space {
            Some(_) => Err(Failure::usage("which organization is the space in?").hint("add -o ORG")),
            None => Ok(()),
        };
    };
    if !changed && space.is_none() && api.target.space.is_some() {
        return Ok(());
    }
    let query = [("order_by", "name"), ("organization_guids", org.guid.as_str())];
    let spaces: Vec<Named> = api.list("/v3/spaces", &query).await?;
    api.target.space = pick(&spaces, space, "space", "pitlane create-space NAME")?;
    Ok(())
}

fn pick(all: &[Named], name: Option<&str>, kind: &str, create: &str) -> Result<Option<Named>> {
    match (name, all) {
        (Some(name), _) => {
            let found = all
                .iter()
                .find(|one| one.name == name)
                .or_else(|| all.iter().find(|one| one.name.eq_ignore_ascii_case(name)));
            found.cloned().map(Some).ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
                let hint = match names.is_empty() {
                    true => format!("you are in no {kind}; an administrator adds you, or `{create}` makes one"),
                    false => format!("there is: {}", names.join(", ")),
                };
                Failure::new(format!("there is no {kind} `{name}`, or it is not yours to see")).hint(hint)
            })
        }
        (None, [one]) => Ok(Some(one.clone())),
        (None, _) => Ok(None),
    }
}

/// Shows where the person works, and what is still to be chosen.
pub(super) fn show(context: &Context, url: &str, target: &Remembered) {
    let printer = &context.printer;
    let name = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
    if printer.json() {
        return printer.value(&json!({
            "target": url, "user": target.user, "org": name(&target.org), "space": name(&target.space),
        }));
    }
    let none = || printer.tone(Tone::Attention, "none chosen");
    printer.line(format!("server        {url}"));
    printer.line(format!("person        {}", target.user.clone().unwrap_or_else(none)));
    printer.line(format!("organization  {}", name(&target.org).unwrap_or_else(none)));
    printer.line(format!("space         {}", name(&target.space).unwrap_or_else(none)));
    if target.org.is_none() {
        printer.talk(
            "Next: `pitlane target -o ORG -s SPACE`; `pitlane orgs` lists, `pitlane create-org NAME` creates one.",
        );
    } else if target.space.is_none() {
        printer
            .talk("Next: `pitlane target -s SPACE`; `pitlane spaces` lists, `pitlane create-space NAME` creates one.");
    }
}
