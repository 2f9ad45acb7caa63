//! `pitlane apps`.

use crate::client::Context;
use crate::client::api::{Api, Query};
use crate::client::failure::Result;
use crate::client::printer::Tone;
use crate::client::shapes::{App, Process, Route};
use crate::client::summary::url;
use serde_json::{Value, json};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane apps
  pitlane apps --json | jq -r '.[] | select(.state == \"STARTED\") | .name'";

/// Guids in one query; longer URLs are refused by some proxies.
const BATCH: usize = 50;

#[derive(Debug, clap::Args)]
pub struct Apps {}

impl Apps {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let space = api.space()?.guid.clone();
        let in_space = [("space_guids", space.as_str())];
        let by_name = [("order_by", "name"), ("space_guids", space.as_str())];
        let embedded = [("embed", "process_instances"), ("space_guids", space.as_str())];
        let (apps, processes) =
            tokio::try_join!(api.list::<App>("/v3/apps", &by_name), processes(&api, &embedded, &in_space),)?;
        let guids: Vec<&str> = apps.iter().map(|app| app.guid.as_str()).collect();
        let mut routes: Vec<Route> = Vec::new();
        for batch in guids.chunks(BATCH) {
            routes.extend(api.list::<Route>("/v3/routes", &[("app_guids", &batch.join(","))]).await?);
        }
        let target = api.http.target();
        let urls = |app: &App| -> Vec<String> {
            let mine = routes.iter().filter(|route| route.destinations.iter().any(|there| there.app.guid == app.guid));
            mine.map(|route| url(target, route)).collect()
        };
        let of = |app: &App| processes.iter().filter(|process| process.app() == app.guid).cloned().collect::<Vec<_>>();
        let printer = &context.printer;
        if printer.json() {
            let values: Vec<Value> = apps
                .iter()
                .map(|app| {
                    let processes: Vec<Value> = of(app).iter().map(process_value).collect();
                    json!({"name": app.name, "guid": app.guid, "state": app.state, "processes": processes, "urls": urls(app)})
                })
                .collect();
            printer.value(&values);
            return Ok(());
        }
        let rows = apps
            .iter()
            .map(|app| {
                let tone = if app.is_started() { Tone::Good } else { Tone::Dim };
                let shown: Vec<String> = of(app)
                    .iter()
                    .filter(|process| process.instances > 0 || process.kind == "web")
                    .map(|process| format!("{} {}/{}", process.kind, running(process), process.instances))
                    .collect();
                vec![
                    app.name.clone(),
                    printer.tone(tone, app.state.to_lowercase()),
                    shown.join(", "),
                    urls(app).join(", "),
                ]
            })
            .collect();
        printer.table(
            &["app", "state", "processes", "addresses"],
            rows,
            "No apps here yet. `pitlane push` in an app's folder makes one.",
        );
        Ok(())
    }
}

/// With their instances embedded where the server knows how.
async fn processes(api: &Api, embedded: Query<'_>, plain: Query<'_>) -> Result<Vec<Process>> {
    match api.list("/v3/processes", embedded).await {
        Err(failure) if failure.api.is_some_and(|(status, _)| status == 400) => api.list("/v3/processes", plain).await,
        other => other,
    }
}

fn running(process: &Process) -> usize {
    process.process_instances.iter().filter(|instance| instance.state == "RUNNING").count()
}

fn process_value(process: &Process) -> Value {
    json!({
        "type": process.kind, "instances": process.instances, "running": running(process),
        "memory_in_mb": process.memory_in_mb, "disk_in_mb": process.disk_in_mb,
    })
}
