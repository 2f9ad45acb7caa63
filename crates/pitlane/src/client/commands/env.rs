//! `pitlane env`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::mask::mask;
use crate::client::printer::Tone;
use crate::client::shapes::Environment;
use crate::client::words::quoted;
use serde_json::Value;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane env shop                   what was set, and what the platform adds; passwords masked
  pitlane env shop --reveal          with passwords, keys and tokens
  pitlane env shop --json | jq .environment_variables";

#[derive(Debug, clap::Args)]
pub struct Env {
    /// The app
    name: String,
    /// Show what looks like a password, key or token, too (as --json does)
    #[arg(long)]
    reveal: bool,
}

impl Env {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        let env: Environment = api.get(&format!("/v3/apps/{}/env", app.guid), &[]).await?;
        let printer = &context.printer;
        if printer.json() {
            printer.value(&env);
            return Ok(());
        }
        let parts = [
            ("Set for this app", &env.environment_variables),
            ("For all running apps", &env.running_env_json),
            ("For all builds", &env.staging_env_json),
            ("Services", &env.system_env_json),
            ("From the platform", &env.application_env_json),
        ];
        let mut masked = false;
        for (title, variables) in parts {
            let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
            let variables: Vec<_> = variables.iter().filter(|(_, value)| !is_empty(value)).collect();
            if variables.is_empty() {
                continue;
            }
            printer.line(printer.tone(Tone::Strong, format!("{title}:")));
            for (name, value) in variables {
                let shown = if self.reveal { value.clone() } else { mask(name, value) };
                masked |= shown != *value;
                match shown {
                    Value::String(text) => printer.line(format!("  {name}={text}")),
                    // Documents are read by people here; for programs there is --json.
                    other => {
                        let text = serde_json::to_string_pretty(&other).unwrap_or_default();
                        printer.line(format!("  {name}={}", text.replace('\n', "\n  ")));
                    }
                }
            }
        }
        if masked {
            printer
                .talk(format!("What looks secret is masked; `pitlane env {} --reveal` shows it.", quoted(&self.name)));
        }
        Ok(())
    }
}
