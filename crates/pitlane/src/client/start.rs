//! Starting an app and waiting until it runs (cloud-foundry.md 6.2).

use super::api::Api;
use super::failure::{Failure, Result};
use super::logs;
use super::shapes::{App, Process, Stat, Stats};
use super::words::quoted;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// How long the client waits; the server goes on.
const PATIENCE: Duration = Duration::from_secs(300);
/// A process that is not probed is looked at once more after this: it may have ended at once.
const SECOND_LOOK: Duration = Duration::from_millis(400);

/// Once one instance runs, the others are waited for so long.
const OTHERS: Duration = Duration::from_secs(10);
/// Crashes that take their time (a port that never opens) are not watched again and again.
const SLOW_CRASH: Duration = Duration::from_secs(45);

/// `start`, `stop` or `restart`.
pub(crate) async fn act(api: &Api, app: &App, action: &str) -> Result<()> {
    let path = format!("/v3/apps/{}/actions/{action}", app.guid);
    api.change(Method::POST, &path, &json!({})).await.map(|_| ())
}

/// The app's processes.
pub(crate) async fn processes(api: &Api, app: &App) -> Result<Vec<Process>> {
    api.list(&format!("/v3/apps/{}/processes", app.guid), &[]).await
}

/// What is seen of a process's instances.
pub(crate) async fn stats(api: &Api, process: &Process) -> Result<Vec<Stat>> {
    let stats: Stats = api.get(&format!("/v3/processes/{}/stats", process.guid), &[]).await?;
    Ok(stats.resources)
}

/// Waits until the app runs: at least one instance of every process, and the others if they are quick. Says why, if not.
pub(crate) async fn wait(api: &Api, app: &App) -> Result<()> {
    let processes = processes(api, app).await?;
    for process in processes.iter().filter(|process| process.instances > 0) {
        wait_for(api, app, process).await?;
    }
    Ok(())
}

async fn wait_for(api: &Api, app: &App, process: &Process) -> Result<()> {
    let begun = Instant::now();
    let probed = process.health_check.get("type").and_then(|kind| kind.as_str()) != Some("process");
    let mut pause = Duration::from_millis(30);
    let mut told = String::new();
    let mut looked = false;
    let mut runs_since = None;
    loop {
        let stats = stats(api, process).await?;
        let count = |state: &str| stats.iter().filter(|stat| stat.state == state).count();
        if stats.is_empty() {
            return Ok(());
        }
        if count("CRASHED") == stats.len() {
            return Err(crashed(api, app, process, &stats).await);
        }
        if count("RUNNING") > 0 {
            let first = *runs_since.get_or_insert_with(Instant::now);
            let settled = count("RUNNING") + count("CRASHED") == stats.len() || first.elapsed() > OTHERS;
            if settled && (probed || looked) {
                return Ok(());
            }
            if settled {
                looked = true;
                tokio::time::sleep(SECOND_LOOK).await;
                continue;
            }
        }
        if begun.elapsed() > SLOW_CRASH && count("RUNNING") == 0 && has_failed(&stats) {
            return Err(crashed(api, app, process, &stats).await);
        }
        let now = progress(process, &stats);
        if begun.elapsed() > Duration::from_secs(1) && told != now {
            api.printer.step(&now);
            told = now;
        }
        if begun.elapsed() > PATIENCE {
            let waited = PATIENCE.as_secs() / 60;
            return Err(Failure::new(format!("`{}` does not run after {waited} minutes: {told}", app.name))
                .hint(format!("the server goes on trying; `pitlane app {0}` shows how it stands, `pitlane logs {0} --recent` what it said", quoted(&app.name))));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(Duration::from_millis(250));
    }
}

/// `web: 0 of 2 running, 2 starting: did not open port 8080`.
fn progress(process: &Process, stats: &[Stat]) -> String {
    let count = |state: &str| stats.iter().filter(|stat| stat.state == state).count();
    let mut text = format!("{}: {} of {} running", process.kind, count("RUNNING"), stats.len());
    for (state, word) in [("STARTING", "starting"), ("DOWN", "waiting"), ("CRASHED", "crashed")] {
        if count(state) > 0 {
            text += &format!(", {} {word}", count(state));
        }
    }
    if let Some(details) = details(stats) {
        text += &format!(": {details}");
    }
    text
}

/// Has it crashed before, so that the server is trying again?
fn has_failed(stats: &[Stat]) -> bool {
    stats.iter().all(|stat| stat.told().is_some_and(|text| !text.starts_with("waits for")))
}

fn details(stats: &[Stat]) -> Option<&str> {
    stats.iter().find_map(Stat::told)
}

/// Why, what it said last, and what to do.
async fn crashed(api: &Api, app: &App, process: &Process, stats: &[Stat]) -> Failure {
    let why = details(stats).unwrap_or("the server does not say why");
    let lines = logs::recent(api, &app.guid, 100).await.unwrap_or_default();
    // Not what its predecessors said: what comes after it was told to start.
    let told = |line: &logs::LogLine| {
        line.source_type == "API"
            && ["Starting app", "Restarted app"].iter().any(|words| line.payload.starts_with(words))
    };
    let begun = lines.iter().rposition(told).map_or(0, |at| at + 1);
    let said: Vec<_> = lines[begun..].iter().filter(|line| line.source_type.starts_with("APP")).collect();
    if !said.is_empty() {
        api.printer.talk("");
        api.printer.talk(format!("The last lines of `{}`:", app.name));
        for line in &said[said.len().saturating_sub(20)..] {
            api.printer.talk(format!("   {}", line.payload));
        }
    }
    Failure::new(format!("`{}` did not start: {} crashed: {why}", app.name, process.kind)).hint(format!(
        "`pitlane logs {0} --recent` shows all it said; `pitlane app {0}` how it stands; `pitlane stop {0}` stops further attempts",
        quoted(&app.name)
    ))
}
