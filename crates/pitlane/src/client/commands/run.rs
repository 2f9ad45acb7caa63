//! `pitlane run`.

use super::scale::megabytes;
use crate::client::Context;
use crate::client::api::Api;
use crate::client::failure::{Failure, Result};
use crate::client::logs::{LogLine, Tail};
use crate::client::shapes::{App, Task};
use crate::client::words::quoted;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane run shop -- python manage.py migrate
  pitlane run shop -m 1G -- ./report.sh > report.txt
  pitlane run shop --detach --name nightly -- ./nightly.sh
  pitlane tasks shop                 what was run, and how it ended

Its output is shown as it comes; the exit status is the command's own. Ctrl-C leaves it running and
says how to stop it.";

/// After its end, output is waited for until it has been silent for so many looks.
const SILENT_LOOKS: u32 = 3;
/// What the launcher says before the command begins.
const LAUNCHER: [&str; 2] = ["Invoking pre-start scripts.", "Invoking start command."];

#[derive(Debug, clap::Args)]
pub struct Run {
    /// The app
    name: String,
    /// A name for it
    #[arg(long = "name", value_name = "NAME")]
    task: Option<String>,
    /// Memory, for example 512M
    #[arg(short, long)]
    memory: Option<String>,
    /// Disk, for example 1G
    #[arg(short = 'k', long)]
    disk: Option<String>,
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Run {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<u8> {
        let mut body = Map::new();
        for (key, text) in [("memory_in_mb", &self.memory), ("disk_in_mb", &self.disk)] {
            if let Some(text) = text {
                body.insert(key.to_owned(), megabytes(text)?.into());
            }
        }
        let name =
            self.task.clone().unwrap_or_else(|| format!("run-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]));
        body.insert("name".to_owned(), name.clone().into());
        body.insert("command".to_owned(), command_line(&self.command).into());
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        let tail = Tail::from_now(&api, &app.guid).await?;
        let task: Task =
            api.post(&format!("/v3/apps/{}/tasks", app.guid), &Value::Object(body)).await.map_err(|failure| {
                if failure.message.contains("droplet") {
                    failure.hint("it has not been built yet; `pitlane push` builds it")
                } else {
                    failure
                }
            })?;
        if self.detach {
            match context.printer.json() {
                true => context.printer.value(&task_value(&task)),
                false => context.printer.line(task.sequence_id),
            }
            context.printer.talk(format!(
                "Runs as task {}. `pitlane tasks {}` shows how it stands.",
                task.sequence_id,
                quoted(&self.name)
            ));
            return Ok(0);
        }
        tokio::select! {
            result = follow(context, &api, &app, task.clone(), tail) => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted(format!("task {} of `{}` goes on", task.sequence_id, self.name)).hint(format!(
                "`pitlane tasks {0}` shows how it stands, `pitlane tasks {0} --stop {1}` stops it, `pitlane logs {0} --recent` shows what it said",
                quoted(&self.name), task.sequence_id
            ))),
        }
    }
}

async fn follow(context: &Context, api: &Api, app: &App, mut task: Task, mut tail: Tail) -> Result<u8> {
    let origin = format!("APP/TASK/{}", task.name);
    let path = format!("/v3/tasks/{}", task.guid);
    let mut pause = Duration::from_millis(50);
    let mut silent = 0;
    let mut begun = false;
    loop {
        let ended = matches!(task.state.as_str(), "SUCCEEDED" | "FAILED");
        let mine = |line: &LogLine| line.source_type == origin;
        let lines: Vec<LogLine> = tail.poll(api).await?.into_iter().filter(mine).collect();
        silent = if ended && lines.is_empty() { silent + 1 } else { 0 };
        for line in &lines {
            // The launcher's notices (cloud-foundry.md 12.1) are not the command's output.
            if !begun && LAUNCHER.contains(&line.payload.as_str()) {
                continue;
            }
            begun = true;
            match context.printer.json() {
                true => context.printer.value_line(&line.value()),
                false if line.is_error => context.printer.talk(&line.payload),
                false => context.printer.line(&line.payload),
            }
        }
        if ended && silent >= SILENT_LOOKS {
            break;
        }
        pause = if ended || !lines.is_empty() {
            Duration::from_millis(50)
        } else {
            (pause * 5 / 4).min(Duration::from_millis(250))
        };
        tokio::time::sleep(pause).await;
        if !ended {
            task = api.get(&path, &[]).await?;
        }
    }
    if context.printer.json() {
        context.printer.value_line(&task_value(&task));
    }
    if task.state == "SUCCEEDED" {
        return Ok(0);
    }
    let why = task.result.failure_reason.unwrap_or_else(|| "the server does not say why".to_owned());
    context.printer.failure(&Failure::new(format!("task {} of `{}` failed: {why}", task.sequence_id, app.name)));
    Ok(exit_status(&why))
}

/// The status in `Exited with status 3`; 1 for any other end.
fn exit_status(reason: &str) -> u8 {
    let number = reason.split("status ").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    number.and_then(|number| number.parse().ok()).filter(|status| *status != 0).unwrap_or(1)
}

/// One argument is a command line for the app's shell; several are words, which keep their blanks.
fn command_line(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

/// Cancels a task.
pub(super) async fn cancel(api: &Api, task: &Task) -> Result<()> {
    api.change(Method::PUT, &format!("/v3/tasks/{}/cancel", task.guid), &json!({})).await.map(|_| ())
}

/// For `--json`.
pub(super) fn task_value(task: &Task) -> Value {
    json!({
        "id": task.sequence_id, "guid": task.guid, "name": task.name, "command": task.command, "state": task.state,
        "created_at": task.created_at, "failure_reason": task.result.failure_reason,
    })
}

#[cfg(test)]
mod tests {
    use super::{command_line, exit_status};

    #[test]
    fn words_keep_their_blanks() {
        let line = |words: &[&str]| command_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["a b && c"]), "a b && c");
        assert_eq!(line(&["echo", "a b", "it's", "", "$HOME", "-n"]), r"echo 'a b' 'it'\''s' '' '$HOME' -n");
    }

    #[test]
    fn a_failed_task_never_exits_with_zero() {
        for (reason, status) in [
            ("APP/TASK/x: Exited with status 3", 3),
            ("Exited with status 0", 1),
            ("out of memory", 1),
            ("status 999", 1),
            ("", 1),
        ] {
            assert_eq!(exit_status(reason), status, "{reason}");
        }
    }
}
