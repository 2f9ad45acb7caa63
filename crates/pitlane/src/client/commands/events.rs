//! `pitlane events`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::shapes::Event;
use serde_json::{Value, json};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane events shop
  pitlane events shop --json | jq -r '.[] | select(.type == \"app.crash\") | .data.exit_description'";

/// What is worth a line, in this order (cloud-foundry.md 13).
const SHOWN: [&str; 12] = [
    "index",
    "reason",
    "cell_id",
    "instance",
    "exit_description",
    "exit_status",
    "recursive",
    "disk_quota",
    "instances",
    "memory",
    "state",
    "command",
];

#[derive(Debug, clap::Args)]
pub struct Events {
    /// The app
    name: String,
    /// So many of the newest
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=5000), value_name = "NUMBER")]
    number: u16,
}

impl Events {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        let number = self.number.to_string();
        let query =
            [("order_by", "-created_at"), ("page", "1"), ("per_page", number.as_str()), ("target_guids", &app.guid)];
        let page: crate::client::shapes::Page<Event> = api.get("/v3/audit_events", &query).await?;
        let events = page.resources;
        let printer = &context.printer;
        if printer.json() {
            let value = |event: &Event| json!({"time": event.created_at, "type": event.kind, "actor": event.actor.name, "data": event.data});
            printer.value(&events.iter().map(value).collect::<Vec<Value>>());
            return Ok(());
        }
        let rows = events
            .iter()
            .map(|event| {
                let actor = event.actor.name.clone().unwrap_or_default();
                vec![event.created_at.clone(), event.kind.clone(), actor, describe(&event.data)]
            })
            .collect();
        printer.table(&["time", "event", "by", "what"], rows, "Nothing has happened yet.");
        Ok(())
    }
}

fn describe(data: &Value) -> String {
    let data = data.get("request").unwrap_or(data);
    let parts = SHOWN.iter().filter_map(|key| match data.get(key)? {
        Value::Null => None,
        Value::String(text) => Some(format!("{key}: {text}")),
        other => Some(format!("{key}: {other}")),
    });
    parts.collect::<Vec<_>>().join(", ")
}
