//! Checking: each helper reads one kind of value and notes what is wrong with it.

use super::types::{Route, Service, Sidecar};
use crate::model::size::megabytes;
use crate::model::yaml::{Node, Value, same_key};

/// Faults of one application, each with the application in front and the line behind.
pub(super) struct Faults {
    pub(super) prefix: String,
    pub(super) list: Vec<String>,
}

/// Labels and annotations.
pub(super) type Pairs = Vec<(String, Option<String>)>;

impl Faults {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, list: Vec::new() }
    }

    pub(super) fn add(&mut self, at: &Node, what: &str) {
        self.list.push(format!("{}{what} (line {})", self.prefix, at.line));
    }

    /// Refuses keys that mean nothing, with the nearest known one.
    pub(super) fn unknown_keys(&mut self, entries: &[(String, Node)], known: &[&str], retired: &[(&str, &str)]) {
        for (key, node) in entries {
            if known.iter().any(|known| same_key(known, key)) {
                continue;
            }
            if let Some((_, instead)) = retired.iter().find(|(old, _)| same_key(old, key)) {
                self.add(node, &format!("the key '{key}' is no longer supported; {instead}"));
            } else if let Some(near) = near(key, known) {
                self.add(node, &format!("unknown key '{key}'; did you mean '{near}'?"));
            } else {
                self.add(node, &format!("unknown key '{key}'"));
            }
        }
    }

    pub(super) fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let value = node.get(key)?;
        if value.value == Value::Null {
            return None;
        }
        let text = value.scalar();
        if text.is_none() {
            self.add(value, &format!("{key} must be text"));
        }
        text
    }

    pub(super) fn flag(&mut self, node: &Node, key: &str) -> bool {
        match node.get(key).map(|value| (&value.value, value)) {
            None | Some((Value::Null, _)) => false,
            Some((Value::Bool(flag), _)) => *flag,
            Some((_, value)) => {
                self.add(value, &format!("{key} must be true or false"));
                false
            }
        }
    }

    pub(super) fn whole(&mut self, node: &Node, key: &str, least: i64) -> Option<u64> {
        let value = node.get(key)?;
        match &value.value {
            Value::Null => None,
            Value::Int(number) if *number >= least && *number <= i64::from(i32::MAX) => u64::try_from(*number).ok(),
            _ => {
                self.add(value, &format!("{key} must be a whole number, at least {least}"));
                None
            }
        }
    }

    /// The items of a list, each read by `read`.
    pub(super) fn items<T>(
        &mut self,
        node: &Node,
        key: &str,
        read: fn(&Node, &mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = node.get(key)?;
        match &value.value {
            Value::Null => None,
            Value::List(items) => Some(items.iter().filter_map(|item| read(item, self)).collect()),
            _ => {
                self.add(value, &format!("{key} must be a list"));
                None
            }
        }
    }

    /// `buildpacks`, or the old `buildpack`.
    pub(super) fn buildpacks(&mut self, node: &Node) -> Option<Vec<String>> {
        let list = self.items(node, "buildpacks", |item, faults| {
            let name = item.text().map(str::to_owned);
            if name.is_none() {
                faults.add(item, "each buildpack must be a name or a URL");
            }
            name
        });
        let Some(old) = node.get("buildpack") else { return list };
        if list.is_some() {
            self.add(old, "use either 'buildpacks' or 'buildpack'");
        }
        match &old.value {
            Value::Null => Some(Vec::new()),
            Value::Text(name) if matches!(name.as_str(), "" | "null" | "default") => Some(Vec::new()),
            Value::Text(name) => Some(vec![name.clone()]),
            _ => {
                self.add(old, "buildpack must be a name or a URL");
                None
            }
        }
    }

    pub(super) fn env(&mut self, node: &Node) -> Vec<(String, String)> {
        let Some(env) = node.get("env") else { return Vec::new() };
        let Some(entries) = env.map() else {
            if env.value != Value::Null {
                self.add(env, "env must be a map of names to values");
            }
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in entries {
            if let Err(problem) = crate::model::environment::check_name(name) {
                self.add(value, &problem);
            }
            match &value.value {
                // Lists and maps are handed on as JSON text, as they always were.
                Value::List(_) | Value::Map(_) => pairs.push((name.clone(), value.json().to_string())),
                Value::Null => pairs.push((name.clone(), String::new())),
                _ => pairs.extend(value.scalar().map(|text| (name.clone(), text))),
            }
        }
        pairs
    }

    pub(super) fn features(&mut self, node: &Node) -> Vec<(String, bool)> {
        let Some(features) = node.get("features") else { return Vec::new() };
        let mut list = Vec::new();
        for (name, value) in features.map().unwrap_or_default() {
            match &value.value {
                Value::Bool(on) if crate::model::feature::is_known(name) => list.push((name.clone(), *on)),
                Value::Bool(_) => self.add(value, &format!("unknown feature '{name}'")),
                _ => self.add(value, &format!("feature '{name}' must be true or false")),
            }
        }
        list
    }

    pub(super) fn metadata(&mut self, node: &Node) -> (Pairs, Pairs) {
        let Some(metadata) = node.get("metadata") else { return (Vec::new(), Vec::new()) };
        self.unknown_keys(metadata.map().unwrap_or_default(), &["labels", "annotations"], &[]);
        let pairs = |key: &str| {
            let Some(map) = metadata.get(key) else { return Vec::new() };
            map.map().unwrap_or_default().iter().map(|(name, value)| (name.clone(), value.scalar())).collect()
        };
        (pairs("labels"), pairs("annotations"))
    }
}

/// A size with its unit.
pub(super) fn size<T>(
    node: &Node,
    key: &str,
    word: &str,
    faults: &mut Faults,
    read: fn(&str) -> Option<T>,
) -> Option<T> {
    let value = node.get(key)?;
    if value.value == Value::Null {
        return None;
    }
    let size = value.scalar().and_then(|text| read(&text));
    if size.is_none() {
        faults.add(value, &format!("{word} must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB"));
    }
    size
}

pub(super) fn route(node: &Node, faults: &mut Faults) -> Option<Route> {
    let Some(entries) = node.map() else {
        faults.add(node, "each route must be a map with the key 'route'");
        return None;
    };
    faults.unknown_keys(entries, &["route", "protocol", "options"], &[]);
    let Some(route) = node.get("route").and_then(Node::text) else {
        faults.add(node, "each route must have the key 'route'");
        return None;
    };
    if let Err(problem) = crate::model::manifest_route::check(route) {
        faults.add(node, &format!("The route '{route}' is not a properly formed URL: {problem}"));
        return None;
    }
    let protocol = faults.text(node, "protocol");
    if protocol.as_deref().is_some_and(|protocol| !matches!(protocol, "http1" | "http2" | "tcp")) {
        faults.add(node, &format!("Route protocol must be 'http1', 'http2' or 'tcp' for route '{route}'"));
    }
    let options = node.get("options").filter(|options| options.value != Value::Null).map(Node::json);
    Some(Route { route: route.to_owned(), protocol, options })
}

pub(super) fn service(node: &Node, faults: &mut Faults) -> Option<Service> {
    if let Some(name) = node.text() {
        return Some(Service { name: name.into(), binding_name: None, parameters: None });
    }
    let entries = node.map().or_else(|| {
        faults.add(node, "each service must be a name, or a map with the key 'name'");
        None
    })?;
    faults.unknown_keys(entries, &["name", "binding-name", "parameters"], &[]);
    let Some(name) = node.get("name").and_then(Node::scalar) else {
        faults.add(node, "each service must have a name");
        return None;
    };
    let binding_name = faults.text(node, "binding-name");
    Some(Service { name, binding_name, parameters: node.get("parameters").map(Node::json) })
}

pub(super) fn sidecar(node: &Node, faults: &mut Faults) -> Option<Sidecar> {
    let entries = node.map().or_else(|| {
        faults.add(node, "each sidecar must be a map with the keys 'name', 'command' and 'process_types'");
        None
    })?;
    faults.unknown_keys(entries, &["name", "command", "process-types", "memory"], &[]);
    let (name, command) = (faults.text(node, "name"), faults.text(node, "command"));
    let process_types: Vec<String> =
        faults.items(node, "process-types", |item, _| item.text().map(str::to_owned)).unwrap_or_default();
    let memory_mb = size(node, "memory", "Memory", faults, megabytes);
    match (name, command) {
        (Some(name), Some(command)) if !process_types.is_empty() => {
            Some(Sidecar { name, command, process_types, memory_mb })
        }
        _ => {
            faults.add(node, "each sidecar must have a name, a command and at least one process type");
            None
        }
    }
}

/// The known key that `key` is probably meant to be.
pub(super) fn near<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let key = key.replace('_', "-").to_ascii_lowercase();
    let reach = if key.len() <= 4 { 1 } else { 2 };
    known
        .iter()
        .map(|known| (distance(&key, known), *known))
        .filter(|(far, _)| *far <= reach)
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// Edit distance, a swap of neighbours counting one.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=other.len()).collect();
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            let change = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            rows[i][j] = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[one.len()][other.len()]
}
