//! `pitlane events`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::shapes::Event;
use serde_json::{Value, json};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane events shop
  pitlane events shop -n 500
  pitlane events shop --json | jq '.[] | select(.type == \"app.crash\") | .data'";

/// Steps of something that has a line of its own; --json has them.
const STEPS: [&str; 5] = [
    "audit.app.upload-bits",
    "audit.app.package.create",
    "audit.app.package.upload",
    "audit.app.droplet.create",
    "audit.app.process.crash",
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
            .filter(|event| !STEPS.contains(&event.kind.as_str()))
            .map(|event| {
                let actor = event.actor.name.clone().unwrap_or_default();
                vec![event.created_at.clone(), actor, sentence(&event.kind, &event.data)]
            })
            .collect();
        printer.table(&["time", "by", "what"], rows, "Nothing has happened yet.");
        Ok(())
    }
}

/// What happened, in words (cloud-foundry.md 13).
fn sentence(kind: &str, data: &Value) -> String {
    let text = |name: &str| data[name].as_str().or_else(|| data["request"][name].as_str()).unwrap_or_default();
    let process = text("process_type");
    let words = match kind.strip_prefix("audit.app.").unwrap_or(kind) {
        "create" => "created",
        "delete-request" => "deleted",
        "start" => "started",
        "stop" => "stopped",
        "restart" => "restarted",
        "apply_manifest" => "manifest applied",
        "build.create" => "build begun",
        "build.staged" => "built",
        "build.failed" => return format!("build failed: {}", text("error")),
        "droplet.mapped" => "build put to use",
        "map-route" => "address given",
        "unmap-route" => "address taken away",
        "environment.show" | "environment_variables.show" => "environment looked at",
        "task.create" => return format!("task {} begun", text("name")),
        "update" => match data["request"]["names"].as_array() {
            Some(names) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                return format!("environment changed: {}", names.join(", "));
            }
            None => return format!("changed: {}", settings(&data["request"])),
        },
        "process.create" => return format!("process {process} made"),
        "process.scale" => return format!("{process} scaled: {}", settings(&data["request"])),
        "process.update" => return format!("{process} changed: {}", settings(&data["request"])),
        "app.crash" => return format!("instance {} crashed: {}", data["index"], text("exit_description")),
        other => return other.replace(['.', '_', '-'], " "),
    };
    words.to_owned()
}

/// `instances: 2, memory: 200 MB`; what is no single value by its name alone.
fn settings(request: &Value) -> String {
    let all = request.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let parts = all.map(|(key, value)| match (key.as_str(), value) {
        ("instances", value) => format!("instances: {value}"),
        ("memory_in_mb", value) => format!("memory: {value} MB"),
        ("disk_in_mb", value) => format!("disk: {value} MB"),
        (key, Value::String(text)) => format!("{key}: {text}"),
        (key, Value::Object(_) | Value::Array(_)) => key.to_owned(),
        (key, value) => format!("{key}: {value}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}
