//! Manifests (schema version 1): from YAML to what is wanted, with every fault of the document at once.
//!
//! A fault names the application, the key and the line. Unknown keys of an application are faults: a misspelt `memroy`
//! that is silently ignored costs its author an evening. At the top, unknown keys are left alone, because people keep
//! their YAML anchors there.

mod check;
mod process;
mod types;

pub use process::PROCESS_KEYS;
pub use types::{Application, Lifecycle, Manifest, Process, Route, Service, Sidecar};

use super::yaml::{self, Node, Value};
use check::Faults;
use std::collections::HashSet;

/// Every key an application may have besides those of its web process.
const APP_KEYS: &[&str] = &[
    "name",
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
    "path",
];

/// Keys of the past, and what replaced them.
const RETIRED: &[(&str, &str)] = &[
    ("host", "use 'routes'"),
    ("hosts", "use 'routes'"),
    ("domain", "use 'routes'"),
    ("domains", "use 'routes'"),
    ("no-hostname", "use 'routes'"),
    ("inherit", "use YAML anchors"),
    ("health-check-timeout", "use 'timeout'"),
];

impl Manifest {
    /// Reads a document; on failure every fault in it, in words.
    pub fn parse(text: &str) -> Result<(Self, Node), Vec<String>> {
        let root = yaml::parse(text).map_err(|error| vec![format!("The manifest is not valid YAML: {error}")])?;
        let manifest = Self::read(&root)?;
        Ok((manifest, root))
    }

    fn read(root: &Node) -> Result<Self, Vec<String>> {
        let Some(entries) = root.map() else {
            return Err(vec!["The manifest must be a map with the key 'applications'.".into()]);
        };
        match root.get("version").map(|node| &node.value) {
            None | Some(Value::Int(1)) => {}
            Some(_) => return Err(vec!["Unsupported manifest version. Currently supported versions: [1]".into()]),
        }
        let list = match root.get("applications").map(|node| (&node.value, node.line)) {
            Some((Value::List(list), _)) if !list.is_empty() => list,
            Some((_, line)) => return Err(vec![format!("'applications' must be a non-empty list (line {line})")]),
            None => {
                let near = entries.iter().find(|(key, _)| check::near(key, &["applications"]).is_some());
                return Err(vec![match near {
                    Some((key, node)) => {
                        format!("Unknown key '{key}' (line {}); did you mean 'applications'?", node.line)
                    }
                    None => "The manifest must have the key 'applications' with at least one application.".into(),
                }]);
            }
        };
        let mut all = Vec::new();
        let mut applications = Vec::new();
        for (index, node) in list.iter().enumerate() {
            let name = node.get("name").and_then(Node::scalar).filter(|name| !name.is_empty());
            let mut faults = Faults::new(match &name {
                Some(name) => format!("For application '{name}': "),
                None => format!("For application at index {index}: "),
            });
            applications.push(application(node, name, &mut faults));
            all.append(&mut faults.list);
        }
        let mut names = HashSet::new();
        for app in &applications {
            if !app.name.is_empty() && !names.insert(app.name.as_str()) {
                all.push(format!(
                    "For application '{}': name must be unique within the manifest (line {})",
                    app.name, app.line
                ));
            }
        }
        if all.is_empty() { Ok(Self { applications }) } else { Err(all) }
    }
}

fn application(node: &Node, name: Option<String>, faults: &mut Faults) -> Application {
    let mut app = Application { name: name.unwrap_or_default(), line: node.line, ..Application::default() };
    let Some(entries) = node.map() else {
        faults.add(node, "an application must be a map with the key 'name'");
        return app;
    };
    if app.name.is_empty() {
        faults.add(node, "name can't be blank");
    } else if app.name.chars().count() > 191 {
        faults.add(node, "name is too long (maximum is 191 characters)");
    }
    let known: Vec<&str> = APP_KEYS.iter().chain(PROCESS_KEYS).copied().collect();
    faults.unknown_keys(entries, &known, RETIRED);
    lifecycle(node, &mut app, faults);
    app.env = faults.env(node);
    app.features = faults.features(node);
    app.no_route = faults.flag(node, "no-route");
    app.random_route = faults.flag(node, "random-route");
    app.default_route = faults.flag(node, "default-route");
    app.routes = faults.items(node, "routes", check::route);
    if app.routes.is_some() && app.random_route {
        // The client sends default-route beside routes; random-route it does not.
        faults.add(node, "routes and random-route may not be used together");
    }
    app.services = faults.items(node, "services", check::service).unwrap_or_default();
    app.sidecars = faults.items(node, "sidecars", check::sidecar).unwrap_or_default();
    (app.labels, app.annotations) = faults.metadata(node);
    app.processes = faults.items(node, "processes", process::entry).unwrap_or_default();
    let mut types = HashSet::new();
    for process in &app.processes {
        if !types.insert(process.kind.as_str()) {
            faults.add(node, &format!("Process \"{}\" may only be present once", process.kind));
        }
    }
    // Keys at the application level speak of its web process; an entry of its own in `processes` overrides them.
    let base = process::keys(node, "web", faults);
    match app.processes.iter_mut().find(|process| process.kind == "web") {
        Some(web) => *web = web.clone().over(base),
        None if base != Process::named("web") => app.processes.insert(0, base),
        None => {}
    }
    app
}

fn lifecycle(node: &Node, app: &mut Application, faults: &mut Faults) {
    app.stack = faults.text(node, "stack");
    app.buildpacks = faults.buildpacks(node);
    if let Some(docker) = node.get("docker").filter(|docker| docker.value != Value::Null) {
        app.lifecycle = Some(Lifecycle::Docker);
        match docker.get("image").and_then(Node::text) {
            Some(image) if !image.is_empty() => app.docker_image = Some(image.to_owned()),
            _ => faults.add(docker, "docker must have an image"),
        }
        if app.buildpacks.as_ref().is_some_and(|list| !list.is_empty()) {
            faults.add(docker, "Cannot specify both buildpack(s) and docker keys");
        }
    }
    if let Some(kind) = node.get("lifecycle") {
        match kind.text() {
            Some("buildpack") => app.lifecycle = Some(Lifecycle::Buildpack),
            Some("docker") => app.lifecycle = Some(Lifecycle::Docker),
            Some("cnb") => app.lifecycle = Some(Lifecycle::Cnb),
            _ => faults.add(kind, "lifecycle must be one of buildpack, docker, cnb"),
        }
    }
}

#[cfg(test)]
mod tests;
