//! What is to be pushed: the manifest's applications with the command line's flags in them (cloud-foundry.md 7).

use super::manifest::Manifest;
use crate::client::failure::{Failure, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// What flags change; absent ones change nothing.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    pub(crate) buildpacks: Vec<String>,
    pub(crate) command: Option<String>,
    pub(crate) instances: Option<u32>,
    pub(crate) memory: Option<String>,
    pub(crate) disk: Option<String>,
    pub(crate) timeout: Option<u32>,
    pub(crate) health: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) stack: Option<String>,
    pub(crate) no_route: bool,
    pub(crate) random_route: bool,
}

/// One application.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    /// What is uploaded.
    pub(crate) path: PathBuf,
    /// Its entry in the manifest that is sent.
    pub(crate) entry: Map<String, Value>,
}

/// Keys of an application (cloud-foundry.md 7.2), written with `-`; those of a process are understood too.
const APP_KEYS: [&str; 20] = [
    "name",
    "path",
    "lifecycle",
    "buildpacks",
    "buildpack",
    "stack",
    "docker",
    "cnb-credentials",
    "env",
    "features",
    "routes",
    "no-route",
    "random-route",
    "default-route",
    "services",
    "sidecars",
    "processes",
    "metadata",
    "host",
    "domain",
];
const PROCESS_KEYS: [&str; 16] = [
    "type",
    "command",
    "user",
    "instances",
    "memory",
    "disk-quota",
    "log-rate-limit-per-second",
    "timeout",
    "health-check-type",
    "health-check-http-endpoint",
    "health-check-invocation-timeout",
    "health-check-interval",
    "readiness-health-check-type",
    "readiness-health-check-http-endpoint",
    "readiness-health-check-invocation-timeout",
    "readiness-health-check-interval",
];

/// The plans of `manifest`: of all its applications, or of `name`.
pub(crate) fn plans(
    mut manifest: Manifest,
    name: Option<&str>,
    path: Option<&Path>,
    flags: &Flags,
) -> Result<Vec<Plan>> {
    check_keys(&manifest)?;
    let base = manifest.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    if let Some(name) = name {
        let named = |app: &Map<String, Value>| app.get("name").and_then(Value::as_str) == Some(name);
        if manifest.applications.iter().any(named) {
            manifest.applications.retain(named);
        } else if let [only] = manifest.applications.as_mut_slice() {
            // As `cf`: a manifest of one application may be pushed under another name.
            only.insert("name".to_owned(), name.into());
        } else {
            let names: Vec<&str> = manifest.applications.iter().filter_map(|app| app.get("name")?.as_str()).collect();
            return Err(Failure::usage(format!("the manifest has no application `{name}`"))
                .hint(format!("it has: {}", names.join(", "))));
        }
    }
    let several = manifest.applications.len() > 1;
    if several && (path.is_some() || !flags.is_empty()) {
        return Err(Failure::usage("the manifest has several applications, and these options speak of one")
            .hint("name it: `pitlane push NAME …`; or push all without them"));
    }
    manifest.applications.into_iter().map(|entry| plan(entry, &base, path, flags)).collect()
}

fn plan(mut entry: Map<String, Value>, base: &Path, path: Option<&Path>, flags: &Flags) -> Result<Plan> {
    let name = match entry.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        _ => {
            return Err(Failure::new("an application in the manifest has no `name`")
                .hint("add `name: NAME`, or `pitlane push NAME`"));
        }
    };
    if entry.contains_key("docker") {
        return Err(Failure::new(format!("`{name}` is an image; `pitlane push` pushes folders")));
    }
    let own = entry.remove("path");
    let path = match (path, own.as_ref().and_then(Value::as_str)) {
        (Some(path), _) => path.to_owned(),
        (None, Some(own)) => base.join(own),
        (None, None) => PathBuf::from("."),
    };
    flags.apply(&mut entry);
    let on = |key: &str, entry: &Map<String, Value>| get(entry, key).and_then(Value::as_bool).unwrap_or(false);
    if !on("no-route", &entry) && !on("random-route", &entry) {
        set(&mut entry, "default-route", json!(true));
    }
    Ok(Plan { name, path, entry })
}

impl Flags {
    fn is_empty(&self) -> bool {
        let mut entry = Map::new();
        self.apply(&mut entry);
        entry.is_empty()
    }

    fn apply(&self, entry: &mut Map<String, Value>) {
        let is_default = |text: &String| text == "default" || text == "null";
        match self.buildpacks.as_slice() {
            [] => {}
            [one] if is_default(one) => set(entry, "buildpacks", json!([])),
            several => set(entry, "buildpacks", json!(several)),
        }
        if !self.buildpacks.is_empty() {
            entry.remove("buildpack");
        }
        let command = self.command.as_ref().map(|text| if is_default(text) { Value::Null } else { json!(text) });
        let values = [
            ("command", command),
            ("instances", self.instances.map(Into::into)),
            ("memory", self.memory.as_deref().map(Into::into)),
            ("disk-quota", self.disk.as_deref().map(Into::into)),
            ("timeout", self.timeout.map(Into::into)),
            ("health-check-type", self.health.as_deref().map(Into::into)),
            ("health-check-http-endpoint", self.endpoint.as_deref().map(Into::into)),
            ("stack", self.stack.as_deref().map(Into::into)),
            ("no-route", self.no_route.then_some(Value::Bool(true))),
            ("random-route", self.random_route.then_some(Value::Bool(true))),
        ];
        for (key, value) in values {
            let Some(value) = value else { continue };
            set(entry, key, value);
            // An entry for `web` would win over what was said on the command line.
            let processes = entry.get_mut("processes").and_then(Value::as_array_mut);
            let web = processes.into_iter().flatten().filter_map(Value::as_object_mut);
            for process in web.filter(|process| process.get("type").is_some_and(|kind| kind == "web")) {
                process.remove(key);
                process.remove(&key.replace('-', "_"));
            }
        }
    }
}

fn get<'a>(entry: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    entry.get(key).or_else(|| entry.get(&key.replace('-', "_")))
}

fn set(entry: &mut Map<String, Value>, key: &str, value: Value) {
    entry.remove(&key.replace('-', "_"));
    entry.insert(key.to_owned(), value);
}

/// A key that nobody reads is a typo: all of them are named, with their lines.
fn check_keys(manifest: &Manifest) -> Result<()> {
    let Some(file) = &manifest.file else { return Ok(()) };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut faults = Vec::new();
    let mut check = |map: &Map<String, Value>, known: &[&str]| {
        for key in map.keys() {
            let dashed = key.replace('_', "-");
            if known.contains(&dashed.as_str()) || key.starts_with("x-") {
                continue;
            }
            let line = text.lines().position(|line| {
                let line = line.trim_start().trim_start_matches("- ").trim_start();
                line.strip_prefix(key.as_str()).is_some_and(|rest| rest.trim_start().starts_with(':'))
            });
            let like = known.iter().map(|other| (strsim::osa_distance(&dashed, other), other)).min();
            let guess =
                like.filter(|(distance, _)| *distance <= 3).map(|(_, other)| format!("; did you mean `{other}`?"));
            faults.push((
                line.map(|line| line + 1),
                format!("nothing is called `{key}` here{}", guess.unwrap_or_default()),
            ));
        }
    };
    let app_keys = [APP_KEYS.as_slice(), &PROCESS_KEYS[1..]].concat();
    for app in &manifest.applications {
        check(app, &app_keys);
        let processes = app.get("processes").and_then(Value::as_array);
        processes.into_iter().flatten().filter_map(Value::as_object).for_each(|process| check(process, &PROCESS_KEYS));
    }
    faults.sort();
    let place = |line: Option<usize>| line.map_or_else(String::new, |line| format!(" line {line}"));
    let told = faults.into_iter().map(|(line, fault)| format!("{}{}: {fault}", file.display(), place(line)));
    match told.collect::<Vec<_>>().join("\n") {
        none if none.is_empty() => Ok(()),
        told => Err(Failure::new(told)),
    }
}
