//! What the client reads of the API's resources (cloud-foundry.md 4): only what it uses, missing parts tolerated.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) pagination: Pagination,
    pub(crate) resources: Vec<T>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Pagination {
    pub(crate) next: Option<Link>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct App {
    pub(crate) guid: String,
    pub(crate) name: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) lifecycle: Value,
}

impl App {
    pub(crate) fn is_started(&self) -> bool {
        self.state == "STARTED"
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Process {
    pub(crate) guid: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) command: Option<String>,
    pub(crate) instances: u32,
    pub(crate) memory_in_mb: u64,
    pub(crate) disk_in_mb: u64,
    #[serde(default)]
    pub(crate) health_check: Value,
    #[serde(default)]
    pub(crate) relationships: Value,
    #[serde(default)]
    pub(crate) process_instances: Vec<ProcessInstance>,
}

impl Process {
    pub(crate) fn app(&self) -> &str {
        self.relationships.pointer("/app/data/guid").and_then(Value::as_str).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ProcessInstance {
    pub(crate) state: String,
}

/// One entry of a process's `stats`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Stat {
    pub(crate) index: u32,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) uptime: Option<i64>,
    #[serde(default)]
    pub(crate) details: Option<String>,
    /// What one that starts slowly is waiting for.
    #[serde(default)]
    pub(crate) waits_for: Option<String>,
    #[serde(default)]
    pub(crate) mem_quota: Option<u64>,
    #[serde(default)]
    pub(crate) disk_quota: Option<u64>,
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
}

impl Stat {
    /// What there is to say of it.
    pub(crate) fn told(&self) -> Option<&str> {
        self.waits_for.as_deref().or(self.details.as_deref()).filter(|text| !text.is_empty())
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Usage {
    pub(crate) cpu: Option<f64>,
    pub(crate) mem: Option<u64>,
    pub(crate) disk: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Stats {
    pub(crate) resources: Vec<Stat>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Route {
    pub(crate) guid: String,
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) path: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) port: Option<u16>,
    #[serde(default)]
    pub(crate) destinations: Vec<Destination>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Destination {
    pub(crate) guid: Option<String>,
    pub(crate) app: DestinationApp,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DestinationApp {
    pub(crate) guid: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Domain {
    pub(crate) guid: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) internal: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) guid: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) data: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Build {
    pub(crate) guid: String,
    pub(crate) state: String,
    pub(crate) error: Option<String>,
    pub(crate) droplet: Option<Guid>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Guid {
    pub(crate) guid: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Droplet {
    pub(crate) guid: String,
    #[serde(default)]
    pub(crate) stack: Option<String>,
    #[serde(default)]
    pub(crate) buildpacks: Option<Vec<Buildpack>>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Buildpack {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Task {
    pub(crate) guid: String,
    pub(crate) sequence_id: u64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) command: Option<String>,
    pub(crate) state: String,
    pub(crate) created_at: String,
    #[serde(default)]
    pub(crate) result: TaskResult,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct TaskResult {
    pub(crate) failure_reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) created_at: String,
    pub(crate) actor: Actor,
    #[serde(default)]
    pub(crate) data: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Actor {
    pub(crate) name: Option<String>,
}

/// A job's end.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) errors: Vec<ApiError>,
    #[serde(default)]
    pub(crate) warnings: Vec<JobWarning>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct JobWarning {
    pub(crate) detail: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ApiErrors {
    #[serde(default)]
    pub(crate) errors: Vec<ApiError>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) detail: String,
}

/// An app's environment as its developers see it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Environment {
    #[serde(default)]
    pub(crate) environment_variables: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) staging_env_json: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) running_env_json: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) system_env_json: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) application_env_json: BTreeMap<String, Value>,
}

/// The root document's links that are used.
#[derive(Debug, Deserialize)]
pub(crate) struct Root {
    pub(crate) links: RootLinks,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RootLinks {
    pub(crate) cloud_controller_v3: Option<Link>,
    pub(crate) login: Option<Link>,
    pub(crate) uaa: Option<Link>,
    pub(crate) log_cache: Option<Link>,
}

/// The UAA's answer to a grant.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) access_token: String,
    #[serde(default)]
    pub(crate) refresh_token: Option<String>,
    #[serde(default)]
    pub(crate) expires_in: i64,
}

/// A page of log cache.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelopes {
    pub(crate) envelopes: Batch,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Batch {
    #[serde(default)]
    pub(crate) batch: Vec<Envelope>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) timestamp: String,
    #[serde(default)]
    pub(crate) instance_id: String,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) log: Option<LogBody>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LogBody {
    #[serde(default)]
    pub(crate) payload: String,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
}
