//! How strict clients decode: a missing member that they point to ends them, a number written as text is an error.

use super::client::Query;
use serde_json::{Map, Value};

/// Members that are whole numbers wherever they are, or null.
const WHOLE: &[&str] = &[
    "code",
    "disk",
    "disk_in_mb",
    "disk_quota",
    "external",
    "fds_quota",
    "index",
    "instances",
    "internal",
    "interval",
    "invocation_timeout",
    "log_rate",
    "log_rate_limit",
    "log_rate_limit_in_bytes_per_second",
    "max_in_flight",
    "mem",
    "mem_quota",
    "memory_in_mb",
    "port",
    "position",
    "sequence_id",
    "since",
    "staging_disk_in_mb",
    "staging_memory_in_mb",
    "timeout",
    "total_instances",
    "total_memory_in_mb",
    "total_pages",
    "total_results",
    "uptime",
    "web_instances",
];

/// What holds for every answer.
#[track_caller]
pub fn common(url: &str, what: &str, json: &Value) {
    walk(json, &mut |name, value| match (name, value) {
        (
            "created_at" | "updated_at" | "last_successful_healthcheck" | "last_status_change" | "time",
            Value::String(at),
        ) => {
            assert!(is_second(at), "{what}: {name} {at}");
        }
        ("href", Value::String(href)) => {
            assert!(href.starts_with(url) || href.is_empty(), "{what}: {href}");
        }
        ("resources" | "errors", value) => assert!(value.is_array(), "{what}: {name} {value}"),
        ("labels" | "annotations", value) => assert!(value.is_object(), "{what}: {name} {value}"),
        (name, value) if WHOLE.contains(&name) && !value.is_object() && !value.is_boolean() => {
            assert!(value.is_null() || value.is_i64() || value.is_u64(), "{what}: {name} {value}");
        }
        _ => {}
    });
}

fn walk(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        // What people named themselves says nothing of the protocol.
        Value::Object(map) => {
            for (name, value) in map {
                see(name, value);
                if !matches!(name.as_str(), "data" | "var" | "environment_variables" | "diff")
                    || value.get("guid").is_some()
                {
                    walk(value, see);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`
fn is_second(at: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00Z";
    at.len() == pattern.len()
        && at.bytes().zip(pattern).all(|(have, want)| if *want == b'0' { have.is_ascii_digit() } else { have == *want })
}

/// Envelope of a list: links repeat filters and order.
#[track_caller]
pub fn page(json: &Value, path: &str, query: Query<'_>) {
    let pagination = &json["pagination"];
    assert!(
        pagination["total_results"].is_u64() && pagination["total_pages"].as_u64() >= Some(1),
        "{path}: {pagination}"
    );
    for link in ["first", "last", "next", "previous"] {
        let link = &pagination[link];
        let Some(href) = link["href"].as_str() else {
            assert!(link.is_null(), "{path}: {pagination}");
            continue;
        };
        assert!(href.contains(path), "{path}: {href}");
        for (name, _) in query {
            let name = name.replace('[', "%5B").replace(']', "%5D");
            assert!(href.contains(&format!("{name}=")), "{path}: {href} lost {name}");
        }
    }
    for name in ["first", "last"] {
        assert!(pagination[name]["href"].is_string(), "{path}: {pagination}");
    }
}

/// Members by path (`/` between), each with its type: `s` text, `s?` text or null, `i`, `i?`, `b`, `o` object, `a` list.
#[track_caller]
fn has(value: &Value, members: &[(&str, &str)]) {
    for (path, kind) in members {
        let found = value.pointer(&format!("/{path}"));
        let well = match (*kind, found) {
            ("s", Some(Value::String(text))) => !text.is_empty(),
            ("t" | "s?", Some(Value::String(_))) | ("s?" | "i?" | "o?", Some(Value::Null)) => true,
            ("i" | "i?", Some(Value::Number(number))) => number.is_i64() || number.is_u64(),
            ("n", Some(Value::Number(_))) | ("b", Some(Value::Bool(_))) => true,
            ("o" | "o?", Some(Value::Object(_))) | ("a", Some(Value::Array(_))) => true,
            _ => false,
        };
        assert!(well, "{path} should be {kind}: {value}");
    }
}

const RESOURCE: &[(&str, &str)] = &[("guid", "s"), ("created_at", "s"), ("updated_at", "s"), ("links/self/href", "s")];
const LABELLED: &[(&str, &str)] = &[("metadata/labels", "o"), ("metadata/annotations", "o")];

macro_rules! shapes {
    ($($name:ident = $parts:expr, $members:expr;)*) => {$(
        #[track_caller]
        pub fn $name(value: &Value) {
            for part in $parts {
                has(value, part);
            }
            has(value, $members);
        }
    )*};
}

shapes! {
    app = [RESOURCE, LABELLED], &[
        ("name", "s"), ("state", "s"), ("lifecycle/type", "s"), ("lifecycle/data", "o"),
        ("relationships/space/data/guid", "s"), ("relationships/current_droplet", "o"),
        ("links/space/href", "s"), ("links/environment_variables/href", "s"), ("links/packages/href", "s"),
        ("links/current_droplet/href", "s"), ("links/droplets/href", "s"), ("links/tasks/href", "s"),
        ("links/processes/href", "s"), ("links/start/method", "s"), ("links/stop/method", "s"),
        ("links/revisions/href", "s"), ("links/deployed_revisions/href", "s"), ("links/features/href", "s"),
    ];
    process = [RESOURCE, LABELLED], &[
        ("type", "s"), ("command", "s?"), ("user", "s?"), ("instances", "i"), ("memory_in_mb", "i"), ("disk_in_mb", "i"),
        ("log_rate_limit_in_bytes_per_second", "i"), ("health_check/type", "s"), ("health_check/data", "o"),
        ("health_check/data/timeout", "i?"), ("health_check/data/invocation_timeout", "i?"),
        ("readiness_health_check/type", "s"), ("readiness_health_check/data", "o"), ("relationships/app/data/guid", "s"),
        ("links/scale/method", "s"), ("links/app/href", "s"), ("links/space/href", "s"), ("links/stats/href", "s"),
    ];
    package = [RESOURCE, LABELLED], &[
        ("type", "s"), ("state", "s"), ("data", "o"), ("data/checksum/type", "s"), ("relationships/app/data/guid", "s"),
        ("links/upload/method", "s"), ("links/download/href", "s"), ("links/app/href", "s"),
    ];
    build = [RESOURCE, LABELLED], &[
        ("state", "s"), ("error", "s?"), ("staging_memory_in_mb", "i"), ("staging_disk_in_mb", "i"),
        ("lifecycle/type", "s"), ("package/guid", "s"), ("droplet", "o?"), ("created_by/guid", "s"),
        ("created_by/name", "s"), ("relationships/app/data/guid", "s"),
    ];
    droplet = [RESOURCE, LABELLED], &[
        ("state", "s"), ("error", "s?"), ("lifecycle/type", "s"), ("execution_metadata", "t"), ("process_types", "o"),
        ("checksum/type", "s"), ("checksum/value", "s"), ("buildpacks", "a"), ("stack", "s?"), ("image", "s?"),
        ("relationships/app/data/guid", "s"), ("links/assign_current_droplet/method", "s"), ("links/download/href", "s"),
    ];
    deployment = [RESOURCE, LABELLED], &[
        ("status/value", "s"), ("status/reason", "s"), ("status/details/last_status_change", "s"), ("strategy", "s"),
        ("options/max_in_flight", "i"), ("droplet/guid", "s"), ("new_processes", "a"), ("relationships/app/data/guid", "s"),
        ("links/app/href", "s"),
    ];
    task = [RESOURCE, LABELLED], &[
        ("sequence_id", "i"), ("name", "s"), ("command", "s"), ("state", "s"), ("memory_in_mb", "i"), ("disk_in_mb", "i"),
        ("log_rate_limit_in_bytes_per_second", "i"), ("result", "o"), ("result/failure_reason", "s?"),
        ("droplet_guid", "s"), ("relationships/app/data/guid", "s"), ("links/cancel/method", "s"),
    ];
    route = [RESOURCE, LABELLED], &[
        ("protocol", "s"), ("host", "t"), ("path", "t"), ("port", "i?"), ("url", "s"), ("destinations", "a"),
        ("options", "o"), ("relationships/space/data/guid", "s"), ("relationships/domain/data/guid", "s"),
        ("links/destinations/href", "s"), ("links/domain/href", "s"), ("links/space/href", "s"),
    ];
    destination = [], &[
        ("guid", "s"), ("app/guid", "s"), ("app/process/type", "s"), ("weight", "i?"), ("port", "i"), ("protocol", "s"),
    ];
    domain = [RESOURCE, LABELLED], &[
        ("name", "s"), ("internal", "b"), ("router_group", "o?"), ("supported_protocols", "a"),
        ("relationships/organization", "o"), ("relationships/shared_organizations/data", "a"),
        ("links/route_reservations/href", "s"),
    ];
    organization = [RESOURCE, LABELLED], &[
        ("name", "s"), ("suspended", "b"), ("relationships/quota/data/guid", "s"), ("links/domains/href", "s"),
        ("links/default_domain/href", "s"),
    ];
    space = [RESOURCE, LABELLED], &[
        ("name", "s"), ("relationships/organization/data/guid", "s"), ("relationships/quota", "o"),
        ("relationships/quota/data", "o?"), ("links/organization/href", "s"), ("links/features/href", "s"),
        ("links/apply_manifest/method", "s"),
    ];
    role = [RESOURCE], &[
        ("type", "s"), ("relationships/user/data/guid", "s"), ("relationships/organization/data", "o?"),
        ("relationships/space/data", "o?"), ("links/user/href", "s"),
    ];
    user = [RESOURCE, LABELLED], &[("username", "s?"), ("presentation_name", "s"), ("origin", "s?")];
    buildpack = [RESOURCE, LABELLED], &[
        ("name", "s"), ("stack", "s?"), ("state", "s"), ("filename", "s?"), ("position", "i"), ("enabled", "b"),
        ("locked", "b"), ("lifecycle", "s"), ("links/upload/method", "s"),
    ];
    revision = [RESOURCE, LABELLED], &[
        ("version", "i"), ("droplet/guid", "s"), ("processes", "o"), ("sidecars", "a"), ("description", "s"),
        ("deployable", "b"), ("relationships/app/data/guid", "s"), ("links/app/href", "s"),
        ("links/environment_variables/href", "s"),
    ];
    sidecar = [], &[
        ("guid", "s"), ("created_at", "s"), ("updated_at", "s"), ("name", "s"), ("command", "s"), ("process_types", "a"),
        ("memory_in_mb", "i?"), ("origin", "s"), ("relationships/app/data/guid", "s"),
    ];
    usage_event = [RESOURCE], &[
        ("state/current", "s"), ("state/previous", "s"), ("app/guid", "s"), ("app/name", "s"), ("process", "o"),
        ("space/guid", "s"), ("space/name", "s"), ("organization/guid", "s"), ("buildpack", "o"), ("task", "o"),
        ("memory_in_mb_per_instance/current", "i?"), ("memory_in_mb_per_instance/previous", "i?"),
        ("instance_count/current", "i?"), ("instance_count/previous", "i?"),
    ];
    stack = [RESOURCE, LABELLED], &[("name", "s"), ("description", "t"), ("state", "s"), ("default", "b")];
    event = [RESOURCE], &[
        ("type", "s"), ("actor/guid", "s"), ("actor/type", "s"), ("actor/name", "s"), ("target/guid", "s"),
        ("target/type", "s"), ("target/name", "s"), ("data", "o"), ("space/guid", "s"), ("organization/guid", "s"),
    ];
}

/// A job that has ended.
#[track_caller]
pub fn job(value: &Value) {
    has(value, RESOURCE);
    has(value, &[("operation", "s"), ("state", "s"), ("errors", "a"), ("warnings", "a")]);
    let errors = value["errors"].as_array().expect("seen above");
    assert_eq!(value["state"] == "FAILED", !errors.is_empty(), "{value}");
}

/// One entry of stats.
#[track_caller]
pub fn stats(value: &Value) {
    has(value, &[("type", "s"), ("index", "i"), ("state", "s"), ("uptime", "i"), ("isolation_segment", "s?")]);
    if value["state"] == "RUNNING" {
        has(
            value,
            &[
                ("routable", "b"),
                ("host", "t"),
                ("instance_internal_ip", "t"),
                ("mem_quota", "i"),
                ("disk_quota", "i"),
                ("fds_quota", "i"),
                ("log_rate_limit", "i"),
                ("instance_ports", "a"),
                ("usage/time", "s"),
                ("usage/cpu", "n"),
                ("usage/mem", "i"),
                ("usage/disk", "i"),
                ("usage/log_rate", "i"),
                ("instance_guid", "s"),
            ],
        );
    }
}

/// An answer of log cache, which is decoded strictly: no member but the protocol's.
#[track_caller]
pub fn envelopes(value: &Value) -> Vec<Value> {
    only(value.as_object().expect("an object"), &["envelopes"]);
    let batch = &value["envelopes"];
    only(batch.as_object().expect("an object"), &["batch"]);
    let batch = batch["batch"].as_array().expect("a list").clone();
    for envelope in &batch {
        only(
            envelope.as_object().expect("an object"),
            &["timestamp", "source_id", "instance_id", "deprecated_tags", "tags", "log"],
        );
        only(envelope["log"].as_object().expect("a log"), &["payload", "type"]);
        assert!(envelope["timestamp"].as_str().is_some_and(|at| at.parse::<i64>().is_ok()), "{envelope}");
        assert!(envelope["tags"].as_object().expect("tags").values().all(Value::is_string), "{envelope}");
        has(envelope, &[("tags/source_type", "s"), ("source_id", "s"), ("log/payload", "t"), ("log/type", "s")]);
    }
    batch
}

fn only(map: &Map<String, Value>, known: &[&str]) {
    let unknown: Vec<_> = map.keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "unknown members {unknown:?}");
}
