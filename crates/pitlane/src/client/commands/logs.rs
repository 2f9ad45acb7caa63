//! `pitlane logs`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::logs::{LogLine, Tail, recent};
use std::time::Duration;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane logs shop                  follows what it says, until Ctrl-C
  pitlane logs shop --recent         what it said last, then ends
  pitlane logs shop -n 20            the last 20 lines, and what it says from then on
  pitlane logs shop --recent --json | jq -r .payload

Each line names its origin: APP/PROC/WEB is the app itself, APP/TASK/… what was run once, STG its
staging, RTR the front door's access log, API and CELL the platform.";

#[derive(Debug, clap::Args)]
pub struct Logs {
    /// The app
    name: String,
    /// Show what it said last
    #[arg(long)]
    recent: bool,
    /// Go on with what it says from now on (what happens without --recent, too)
    #[arg(short, long)]
    follow: bool,
    /// Begin with so many lines of what it said last, at most 1000 (with --recent: 100 unless said)
    #[arg(short = 'n', long, value_parser = clap::value_parser!(u16).range(1..=1000), value_name = "NUMBER")]
    lines: Option<u16>,
}

impl Logs {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        let last = match self.lines.or(self.recent.then_some(100)) {
            Some(lines) => recent(&api, &app.guid, lines.into()).await?,
            None => Vec::new(),
        };
        show(context, &last);
        if self.recent && !self.follow {
            if last.is_empty() {
                context.printer.talk(format!("`{}` has said nothing yet.", self.name));
            }
            return Ok(());
        }
        let mut tail = match last.is_empty() {
            true => Tail::from_now(&api, &app.guid).await?,
            false => Tail::after(&app.guid, &last),
        };
        context.printer.talk(format!("Following `{}`. Ctrl-C ends this; the app goes on.", self.name));
        let mut pause = Duration::from_millis(100);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
            let lines = tail.poll(&api).await?;
            pause = if lines.is_empty() {
                (pause * 5 / 4).min(Duration::from_millis(500))
            } else {
                Duration::from_millis(100)
            };
            show(context, &lines);
            if context.printer.is_closed() {
                return Ok(());
            }
        }
    }
}

fn show(context: &Context, lines: &[LogLine]) {
    for line in lines {
        match context.printer.json() {
            true => context.printer.value_line(&line.value()),
            false => context.printer.line(line.show(&context.printer)),
        }
    }
}
