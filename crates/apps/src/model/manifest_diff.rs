//! What applying a manifest would change, as the client shows it: one operation a changed place, in JSON patch words.
//!
//! Only keys that the manifest mentions are compared, because nothing else would change. Entries of lists that have an
//! identity (processes by type, routes by route, sidecars and services by name) are found by it; sizes are compared by
//! amount, not by spelling.

use super::size;
use super::yaml::{Node, Value, same_key};
use serde_json::{Value as Json, json};

/// Compares `manifest` (its tree, as sent) with what is: `current(name)` answers an app as its generated manifest has
/// it, `None` if there is none.
pub fn diff(manifest: &Node, current: impl Fn(&str) -> Option<Json>) -> Vec<Json> {
    let mut out = Vec::new();
    for (index, app) in manifest.get("applications").and_then(Node::list).unwrap_or_default().iter().enumerate() {
        let name = app.get("name").and_then(Node::scalar).unwrap_or_default();
        let mut have = current(&name).unwrap_or_else(|| json!({}));
        // Keys at the application level speak of its web process.
        let web =
            have["processes"].as_array().and_then(|list| list.iter().find(|process| process["type"] == "web")).cloned();
        if let (Some(Json::Object(web)), Some(have)) = (web, have.as_object_mut()) {
            for (key, value) in web {
                have.entry(key).or_insert(value);
            }
        }
        compare_map(app, &have, &format!("/applications/{index}"), &mut out);
    }
    out
}

fn compare_map(want: &Node, have: &Json, path: &str, out: &mut Vec<Json>) {
    for (key, value) in want.map().unwrap_or_default() {
        let empty = serde_json::Map::new();
        let was = have.as_object().unwrap_or(&empty).iter().find(|(name, _)| same_key(name, key)).map(|(_, was)| was);
        compare(key, value, was, &format!("{path}/{}", escape(key)), out);
    }
}

fn compare(key: &str, want: &Node, have: Option<&Json>, path: &str, out: &mut Vec<Json>) {
    let Some(have) = have.filter(|have| !have.is_null()) else {
        if want.value != Value::Null {
            out.push(json!({"op": "add", "path": path, "value": want.json()}));
        }
        return;
    };
    match (&want.value, have) {
        (Value::Map(_), Json::Object(_)) => compare_map(want, have, path, out),
        (Value::List(items), Json::Array(were)) => match identity(key) {
            Some(id) => {
                for (index, item) in items.iter().enumerate() {
                    let name = item.get(id).or(Some(item)).and_then(Node::scalar);
                    let was = were.iter().find(|was| was[id].as_str().or(was.as_str()) == name.as_deref());
                    match was {
                        Some(Json::Object(_)) if item.text().is_some() => {}
                        _ => compare("", item, was, &format!("{path}/{index}"), out),
                    }
                }
            }
            None => {
                for index in 0..items.len().max(were.len()) {
                    let at = format!("{path}/{index}");
                    match (items.get(index), were.get(index)) {
                        (Some(item), was) => compare("", item, was, &at, out),
                        (None, Some(was)) => out.push(json!({"op": "remove", "path": at, "was": was})),
                        (None, None) => {}
                    }
                }
            }
        },
        (Value::Null, was) => out.push(json!({"op": "remove", "path": path, "was": was})),
        _ if same(key, want, have) => {}
        _ => out.push(json!({"op": "replace", "path": path, "was": have, "value": want.json()})),
    }
}

fn same(key: &str, want: &Node, have: &Json) -> bool {
    let (wanted, had) = (
        want.scalar(),
        have.as_str().map(str::to_owned).or_else(|| (!have.is_object() && !have.is_array()).then(|| have.to_string())),
    );
    let (Some(wanted), Some(had)) = (wanted, had) else { return want.json() == *have };
    if wanted == had {
        return true;
    }
    if same_key(key, "memory") || same_key(key, "disk-quota") {
        return size::megabytes(&wanted).is_some_and(|wanted| Some(wanted) == size::megabytes(&had));
    }
    if same_key(key, "log-rate-limit-per-second") {
        return size::log_rate(&wanted).is_some_and(|wanted| Some(wanted) == size::log_rate(&had));
    }
    same_key(key, "health-check-type") && wanted == "none" && had == "process"
}

/// By which key entries of this list are found.
fn identity(key: &str) -> Option<&'static str> {
    match key {
        "processes" => Some("type"),
        "routes" => Some("route"),
        "sidecars" | "services" => Some("name"),
        _ => None,
    }
}

/// JSON pointer escapes.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_change() {
        let current = json!({
            "name": "a", "env": {"A": "1", "GONE": "x"}, "buildpacks": ["x", "y"],
            "routes": [{"route": "a.example.com", "protocol": "http1"}],
            "processes": [
                {"type": "web", "instances": 1, "memory": "1024M", "disk_quota": "1024M"},
                {"type": "worker", "instances": 0, "memory": "64M"},
            ],
        });
        let manifest = super::super::yaml::parse(
            "applications:\n- name: a\n  memory: 1G\n  disk-quota: 2G\n  instances: 1\n  default-route: true\n  buildpacks: [x]\n  \
             env: {A: 1, B: 2}\n  routes:\n  - route: b.example.com\n  - route: a.example.com\n  processes:\n  - type: worker\n    memory: 65536K\n    instances: 3\n\
             - name: new\n  memory: 1G\n",
        )
        .unwrap();
        let diff = diff(&manifest, |name| (name == "a").then(|| current.clone()));
        assert_eq!(
            Json::from(diff),
            json!([
                {"op": "replace", "path": "/applications/0/disk-quota", "was": "1024M", "value": "2G"},
                {"op": "add", "path": "/applications/0/default-route", "value": true},
                {"op": "remove", "path": "/applications/0/buildpacks/1", "was": "y"},
                {"op": "add", "path": "/applications/0/env/B", "value": 2},
                {"op": "add", "path": "/applications/0/routes/0", "value": {"route": "b.example.com"}},
                {"op": "replace", "path": "/applications/0/processes/0/instances", "was": 0, "value": 3},
                {"op": "add", "path": "/applications/1/name", "value": "new"},
                {"op": "add", "path": "/applications/1/memory", "value": "1G"},
            ])
        );
    }
}
