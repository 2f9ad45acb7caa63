//! How an app stands, as `app`, `push`, `start` and `scale` show it.

use super::api::Api;
use super::failure::Result;
use super::printer::{Printer, Tone};
use super::shapes::{App, Droplet, Process, Route, Stat};
use super::start::{processes, stats};
use super::words::quoted;
use serde_json::{Value, json};

/// An app with what belongs to it.
pub(crate) struct Summary {
    app: App,
    processes: Vec<(Process, Vec<Stat>)>,
    routes: Vec<Route>,
    droplet: Option<Droplet>,
    target: String,
}

impl Summary {
    /// Reads it.
    pub(crate) async fn read(api: &Api, app: &App) -> Result<Self> {
        let path = |rest: &str| format!("/v3/apps/{}/{rest}", app.guid);
        let (routes_path, droplet_path) = (path("routes"), path("droplets/current"));
        let (processes, routes, droplet) =
            tokio::try_join!(processes(api, app), api.list(&routes_path, &[]), api.find(&droplet_path))?;
        let stats = futures_util::future::try_join_all(processes.iter().map(|process| stats(api, process))).await?;
        let processes = processes.into_iter().zip(stats).collect();
        Ok(Self { app: app.clone(), processes, routes, droplet, target: api.http.target().to_owned() })
    }

    /// The app's name.
    pub(crate) fn name(&self) -> &str {
        &self.app.name
    }

    /// The addresses it answers on.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.routes.iter().map(|route| url(&self.target, route)).collect()
    }

    /// Shows it.
    pub(crate) fn show(&self, printer: &Printer) {
        if printer.json() {
            return printer.value(&self.value());
        }
        let state = if self.app.is_started() { "started" } else { "stopped" };
        printer.line(format!("{}  {state}", printer.tone(Tone::Strong, &self.app.name)));
        if let Some(droplet) = &self.droplet {
            printer.line(format!("  built     {}", self.built(droplet)));
        }
        for (place, url) in self.urls().into_iter().enumerate() {
            let label = if place == 0 { "address" } else { "" };
            printer.line(format!("  {label:9} {}", printer.tone(Tone::Strong, url)));
        }
        for (process, stats) in &self.processes {
            let others = self.processes.iter().any(|(other, _)| other.instances > 0);
            if process.instances == 0 && (process.kind != "web" || others) {
                continue;
            }
            let running = stats.iter().filter(|stat| stat.state == "RUNNING").count();
            printer.line("");
            printer.line(format!(
                "  {}: {running} of {} running, {} MB memory, {} MB disk",
                process.kind, process.instances, process.memory_in_mb, process.disk_in_mb
            ));
            if self.app.is_started() && !stats.is_empty() {
                let rows = stats.iter().map(|stat| row(printer, stat)).collect();
                printer.table(&["   #", "state", "since", "cpu", "memory", "disk", "details"], rows, "");
            }
        }
        let idle: Vec<&str> = self.idle().collect();
        if let [first, ..] = idle.as_slice() {
            printer.line("");
            printer.line(format!("  no instances: {}", idle.join(", ")));
            printer.talk(format!("`pitlane scale {} --process {first} -i 1` starts one.", quoted(&self.app.name)));
        }
    }

    /// Processes beside web that have no instance.
    fn idle(&self) -> impl Iterator<Item = &str> {
        let others = self.processes.iter().filter(|(process, _)| process.kind != "web" && process.instances == 0);
        others.map(|(process, _)| process.kind.as_str())
    }

    fn built(&self, droplet: &Droplet) -> String {
        let buildpacks: Vec<String> = droplet
            .buildpacks
            .iter()
            .flatten()
            .map(|buildpack| {
                let name = buildpack.name.as_deref().unwrap_or("?");
                buildpack.version.as_ref().map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
            })
            .collect();
        let mut text = droplet.created_at.clone().unwrap_or_default();
        if !buildpacks.is_empty() {
            text += &format!(" by {}", buildpacks.join(", "));
        }
        if let Some(stack) = &droplet.stack {
            text += &format!(" on stack {stack}");
        }
        text
    }

    /// For `--json`.
    pub(crate) fn value(&self) -> Value {
        let processes: Vec<Value> = self
            .processes
            .iter()
            .map(|(process, stats)| {
                json!({
                    "type": process.kind,
                    "guid": process.guid,
                    "command": process.command,
                    "instances": process.instances,
                    "running": stats.iter().filter(|stat| stat.state == "RUNNING").count(),
                    "memory_in_mb": process.memory_in_mb,
                    "disk_in_mb": process.disk_in_mb,
                    "stats": stats,
                })
            })
            .collect();
        json!({
            "name": self.app.name,
            "guid": self.app.guid,
            "state": self.app.state,
            "lifecycle": self.app.lifecycle,
            "urls": self.urls(),
            "droplet": self.droplet.as_ref().map(|droplet| &droplet.guid),
            "processes": processes,
        })
    }
}

fn row(printer: &Printer, stat: &Stat) -> Vec<String> {
    let tone = match stat.state.as_str() {
        "RUNNING" => Tone::Good,
        "CRASHED" => Tone::Bad,
        _ => Tone::Attention,
    };
    let usage = stat.usage.clone().unwrap_or_default();
    let of = |used: Option<u64>, quota: Option<u64>| match (used, quota) {
        (Some(used), Some(quota)) => format!("{} of {}", engine::bytes_in_words(used), engine::bytes_in_words(quota)),
        _ => "-".to_owned(),
    };
    vec![
        format!("   {}", stat.index),
        printer.tone(tone, stat.state.to_lowercase()),
        stat.uptime.map_or_else(|| "-".to_owned(), duration),
        usage.cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{:.1}%", cpu * 100.0)),
        of(usage.mem, stat.mem_quota),
        of(usage.disk, stat.disk_quota),
        stat.told().unwrap_or_default().to_owned(),
    ]
}

/// `42 s`, `5 min`, `3 h`, `12 d`.
fn duration(seconds: i64) -> String {
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A route as a browser takes it: the one listener serves everything, so scheme and port are the target's.
pub(crate) fn url(target: &str, route: &Route) -> String {
    let Ok(parsed) = reqwest::Url::parse(target) else { return route.url.clone() };
    let (scheme, rest) = (parsed.scheme(), &route.url);
    match (parsed.port(), route.port, rest.split_once('/')) {
        (Some(port), None, None) => format!("{scheme}://{rest}:{port}"),
        (Some(port), None, Some((host, path))) => format!("{scheme}://{host}:{port}/{path}"),
        (_, Some(_), _) => rest.clone(),
        _ => format!("{scheme}://{rest}"),
    }
}
