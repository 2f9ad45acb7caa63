//! Job manifests (reference, section 4): what they say, and every fault of one at once.
//!
//! The command line merges `extends` and extra variables before it sends a manifest; the server judges the result as if
//! nobody had judged it before.

mod check;

use super::name::{GitRef, GitRemote, InnerPath, JobName};
use super::quantity::Quantity;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most replicas of a job.
pub const MOST_REPLICAS: u32 = 50;

/// All fields, in the order in which they are shown.
pub const FIELDS: [&str; 23] = [
    "name",
    "owner_email",
    "git",
    "version",
    "jobtype",
    "lang",
    "extends",
    "image_type",
    "system_dependencies",
    "build_env",
    "runtime_env",
    "secret_build_env_file",
    "secret_runtime_env_file",
    "labels",
    "public_endpoints",
    "replicas",
    "resources",
    "jobtype_extra",
    "golang",
    "python",
    "docker",
    "wrapper_properties",
    "infrastructure_target",
];

/// Fields that have a better name now, and that name.
pub const DEPRECATED: [(&str, &str); 5] = [
    ("lang", "jobtype"),
    ("golang", "jobtype_extra"),
    ("python", "jobtype_extra"),
    ("docker", "jobtype_extra"),
    ("wrapper_properties", "jobtype_extra"),
];

/// A good manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The family's name.
    pub name: JobName,
    /// Semantic version.
    pub version: String,
    /// Who answers for it.
    pub owner_email: String,
    /// Where its files are.
    pub git: Git,
    /// `name:version`, as asked for.
    pub jobtype: String,
    /// What the job type is told: the first of `jobtype_extra`, `golang`, `python`, `wrapper_properties`.
    pub extra: Map<String, Value>,
    /// Debian packages that must be there.
    pub system_dependencies: Vec<String>,
    /// Variables of the build.
    pub build_env: BTreeMap<String, String>,
    /// Variables of the running job.
    pub runtime_env: BTreeMap<String, String>,
    /// Does it name a file of secret variables for the running job?
    pub has_runtime_secrets: bool,
    /// Paths that it wants to open to everybody.
    pub public_endpoints: Vec<String>,
    /// Instances.
    pub replicas: u32,
    /// What it may use.
    pub resources: Resources,
    /// Where it is to run, if it says so.
    pub infrastructure_target: Option<String>,
    /// Fields that have a better name now.
    pub deprecated: Vec<(&'static str, &'static str)>,
    /// As given: only known fields, those that are null left out.
    given: Map<String, Value>,
}

/// Where a job's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// The repository.
    pub remote: GitRemote,
    /// Branch or tag; none: the repository's default branch.
    pub branch: Option<GitRef>,
    /// The job's folder in it.
    pub directory: InnerPath,
}

/// What a job may use; none where the manifest says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// Bytes.
    pub memory_min: Option<Quantity>,
    /// Bytes.
    pub memory_max: Option<Quantity>,
    /// Cores.
    pub cpu_min: Option<Quantity>,
    /// Cores.
    pub cpu_max: Option<Quantity>,
}

/// How manifests are judged here.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// May repositories be on this machine or come without TLS?
    pub insecure_git: bool,
}

impl Manifest {
    /// Judges a manifest as an object. On the other side are all faults, each of which names the field and the remedy.
    pub fn read(given: &Value, rules: Rules) -> Result<Self, Vec<String>> {
        check::read(given, rules)
    }

    /// Judges a manifest as text.
    pub fn read_yaml(text: &str, rules: Rules) -> Result<Self, Vec<String>> {
        let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: 32 } };
        let given: Value = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| vec![format!("the manifest is no YAML: {error}")])?;
        Self::read(&given, rules)
    }

    /// As an object with every field, unset ones null (the API's `manifest`).
    pub fn full(&self) -> Value {
        full(&self.given)
    }

    /// As given, as an object.
    pub fn given(&self) -> Value {
        Value::Object(self.given.clone())
    }

    /// As text: the fields that are set, in the usual order.
    pub fn yaml(&self) -> String {
        serde_saphyr::to_string(&Ordered(&self.given)).expect("texts, numbers and maps with text keys are YAML")
    }
}

/// `given` with every field, unset ones null and those with a usual value having it.
pub fn full(given: &Map<String, Value>) -> Value {
    let mut full = Map::new();
    for field in FIELDS {
        let usual = match field {
            "version" => json!("0.0.1"),
            "image_type" => json!("docker"),
            "replicas" => json!(1),
            _ => Value::Null,
        };
        full.insert(field.to_owned(), given.get(field).cloned().unwrap_or(usual));
    }
    let git = given.get("git").unwrap_or(&Value::Null);
    full["git"] = json!({
        "remote": git["remote"],
        "branch": git["branch"],
        "directory": git["directory"].as_str().unwrap_or("."),
    });
    if let Some(resources) = given.get("resources") {
        let get = |name: &str| &resources[name];
        full["resources"] = json!({
            "memory_min": get("memory_min"),
            "memory_max": get("memory_max"),
            "cpu_min": get("cpu_min"),
            "cpu_max": get("cpu_max"),
        });
    }
    Value::Object(full)
}

/// Writes the fields in the order of [`FIELDS`], whatever the order of the map.
struct Ordered<'a>(&'a Map<String, Value>);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in FIELDS {
            match self.0.get(field) {
                None | Some(Value::Null) => {}
                Some(Value::Object(git)) if field == "git" => {
                    let inner = ["remote", "branch", "directory"].map(|name| (name, git.get(name)));
                    map.serialize_entry(field, &Pairs(&inner))?;
                }
                Some(value) => map.serialize_entry(field, value)?,
            }
        }
        map.end()
    }
}

struct Pairs<'a>(&'a [(&'static str, Option<&'a Value>)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0 {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// Several faults as one text.
pub fn faults_in_words(faults: &[String]) -> String {
    match faults {
        [one] => format!("invalid manifest: {one}"),
        many => format!("invalid manifest, {} problems:\n- {}", many.len(), many.join("\n- ")),
    }
}

#[cfg(test)]
mod tests;
