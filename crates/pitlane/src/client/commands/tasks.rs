//! `pitlane tasks`.

use super::run::{cancel, task_value};
use crate::client::Context;
use crate::client::failure::{Failure, Result};
use crate::client::printer::Tone;
use crate::client::shapes::Task;
use crate::client::words::quoted;
use serde_json::Value;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane tasks shop
  pitlane tasks shop --stop 4";

#[derive(Debug, clap::Args)]
pub struct Tasks {
    /// The app
    name: String,
    /// Stop the task of this number
    #[arg(long, value_name = "NUMBER")]
    stop: Option<u64>,
}

impl Tasks {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        let mut tasks: Vec<Task> = api.list(&format!("/v3/apps/{}/tasks", app.guid), &[]).await?;
        tasks.sort_by_key(|task| std::cmp::Reverse(task.sequence_id));
        let printer = &context.printer;
        if let Some(number) = self.stop {
            let task = tasks.iter().find(|task| task.sequence_id == number).ok_or_else(|| {
                Failure::new(format!("`{}` has no task {number}", self.name))
                    .hint(format!("`pitlane tasks {}` lists them", quoted(&self.name)))
            })?;
            cancel(&api, task).await?;
            if printer.json() {
                printer.value(&task_value(&api.get(&format!("/v3/tasks/{}", task.guid), &[]).await?));
            }
            printer.talk(format!("Task {number} of `{}` is told to stop.", self.name));
            return Ok(());
        }
        if printer.json() {
            printer.value(&tasks.iter().map(task_value).collect::<Vec<Value>>());
            return Ok(());
        }
        let rows = tasks
            .iter()
            .map(|task| {
                let tone = match task.state.as_str() {
                    "SUCCEEDED" => Tone::Good,
                    "FAILED" => Tone::Bad,
                    _ => Tone::Attention,
                };
                vec![
                    task.sequence_id.to_string(),
                    task.name.clone(),
                    printer.tone(tone, task.state.to_lowercase()),
                    task.created_at.clone(),
                    task.command.clone().unwrap_or_default(),
                    task.result.failure_reason.clone().unwrap_or_default(),
                ]
            })
            .collect();
        printer.table(
            &["#", "name", "state", "begun", "command", "why it failed"],
            rows,
            "Nothing has been run. `pitlane run NAME -- COMMAND` runs something.",
        );
        Ok(())
    }
}
