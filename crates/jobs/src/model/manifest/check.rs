//! Judging a manifest: one pass over all fields, which collects what is wrong.

use super::{DEPRECATED, FIELDS, Git, MOST_REPLICAS, Manifest, Resources, Rules};
use crate::model::name::{GitRef, GitRemote, InnerPath, JobName};
use crate::model::quantity::Quantity;
use router::endpoint_of;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Names that the platform itself gives to jobs.
const RESERVED: [&str; 9] = [
    "PUB_URL",
    "JOB_NAME",
    "JOB_VERSION",
    "JOB_MANIFEST_YAML",
    "AUTH_TOKEN",
    "JOB_DEPLOYMENT_TIMESTAMP",
    "REQUEST_TRACING_HEADER",
    "CALLER_NAME_HEADER",
    "JOB_USER_MODULE_HOSTNAME",
];

struct Check<'m> {
    given: &'m Map<String, Value>,
    faults: Vec<String>,
}

pub(super) fn read(given: &Value, rules: Rules) -> Result<Manifest, Vec<String>> {
    let Some(given) = given.as_object() else {
        return Err(vec![
            "the manifest is no map of fields: write it as \"name: …\", \"owner_email: …\" and so on".into(),
        ]);
    };
    let mut check = Check { given, faults: Vec::new() };
    check.unknown("", given, &FIELDS);

    let name = check.required("name").and_then(|text| check.keep("name", JobName::parse(&text)));
    let owner_email = check.required("owner_email").and_then(|text| {
        let good = text.split_once('@').is_some_and(|(who, host)| !who.is_empty() && !host.is_empty());
        let fault = format!("'{text}' does not match '.+@.+': give an e-mail address");
        check.keep("owner_email", if good { Ok(text) } else { Err(fault) })
    });
    let git = check.git(rules);
    let version = check.text("version").unwrap_or_else(|| "0.0.1".into());
    if !is_semantic(&version) {
        check.fault("version", format!("'{version}' is no semantic version: write it like 1.2.3 or 1.2.3-rc1"));
    }
    let jobtype = check.jobtype();
    let extra = check.extra();
    if let Some(extends) = check.text("extends") {
        check.fault("extends", format!("the base manifest {extends:?} has not been merged: deploy with the racetrack command, which does that, or write one manifest"));
    }
    if let Some(kind) = check.text("image_type")
        && kind != "docker"
    {
        check.fault("image_type", format!("'{kind}' is not 'docker': remove the field"));
    }
    let system_dependencies = check.texts("system_dependencies");
    for package in &system_dependencies {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        if package.len() < 2 || !package.bytes().all(plain) || package.starts_with(['-', '.', '+']) {
            check.fault("system_dependencies", format!("{package:?} cannot name a Debian package"));
        }
    }
    let build_env = check.variables("build_env");
    let runtime_env = check.variables("runtime_env");
    let reserved: Vec<&str> = RESERVED.into_iter().filter(|name| runtime_env.contains_key(*name)).collect();
    if !reserved.is_empty() {
        let fault =
            format!("found illegal runtime env vars, which conflict with reserved names: {reserved:?}; rename them");
        check.fault("runtime_env", fault);
    }
    check.text("secret_build_env_file");
    let has_runtime_secrets = check.text("secret_runtime_env_file").is_some();
    if let Some(labels) = check.value("labels")
        && !labels.is_object()
    {
        check.fault("labels", "Input should be a valid dictionary: write names with values".into());
    }
    let public_endpoints = check.public_endpoints();
    let replicas = check.replicas();
    let resources = check.resources();
    let infrastructure_target = check.text("infrastructure_target");
    let deprecated = DEPRECATED.into_iter().filter(|(field, _)| check.value(field).is_some()).collect();

    let (Some(name), Some(owner_email), Some(git), Some(jobtype), true) =
        (name, owner_email, git, jobtype, check.faults.is_empty())
    else {
        return Err(check.faults);
    };
    let set = given.iter().filter(|(_, value)| !value.is_null());
    Ok(Manifest {
        name,
        version,
        owner_email,
        git,
        jobtype,
        extra,
        system_dependencies,
        build_env,
        runtime_env,
        has_runtime_secrets,
        public_endpoints,
        replicas,
        resources,
        infrastructure_target,
        deprecated,
        given: set.map(|(field, value)| (field.clone(), value.clone())).collect(),
    })
}

impl<'m> Check<'m> {
    fn fault(&mut self, field: &str, problem: String) {
        self.faults.push(format!("{field}: {problem}"));
    }

    fn keep<T>(&mut self, field: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.fault(field, problem)).ok()
    }

    /// A field's value; null is none.
    fn value(&self, field: &str) -> Option<&'m Value> {
        self.given.get(field).filter(|value| !value.is_null())
    }

    fn unknown(&mut self, inside: &str, map: &Map<String, Value>, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let near = known.iter().find(|name| is_near(key, name));
            let hint = near.map_or_else(|| "remove it".to_owned(), |name| format!("did you mean {name}?"));
            self.faults.push(format!("{inside}{key}: Extra inputs are not permitted; {hint}"));
        }
    }

    fn text_of(&mut self, field: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            other => {
                self.fault(field, format!("Input should be a valid string, not {other}; put it in quotes"));
                None
            }
        }
    }

    fn text(&mut self, field: &str) -> Option<String> {
        let value = self.value(field)?;
        self.text_of(field, value)
    }

    fn required(&mut self, field: &str) -> Option<String> {
        if self.value(field).is_none() {
            self.fault(field, "Field required".into());
            return None;
        }
        self.text(field)
    }

    fn texts(&mut self, field: &str) -> Vec<String> {
        match self.value(field) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().filter_map(|item| self.text_of(field, item)).collect(),
            Some(_) => {
                self.fault(field, "Input should be a valid list: write one entry a line, each with a dash".into());
                Vec::new()
            }
        }
    }

    fn map(&mut self, field: &str) -> Option<&'m Map<String, Value>> {
        match self.value(field)? {
            Value::Object(map) => Some(map),
            _ => {
                self.fault(field, "Input should be a valid dictionary: write names with values".into());
                None
            }
        }
    }

    fn git(&mut self, rules: Rules) -> Option<Git> {
        if self.value("git").is_none() {
            self.fault("git", "Field required: give git.remote".into());
        }
        let map = self.map("git")?;
        self.unknown("git.", map, &["remote", "branch", "directory"]);
        let inner = |name: &str| map.get(name).filter(|value| !value.is_null());
        let remote = match inner("remote") {
            None => {
                self.fault("git.remote", "Field required".into());
                None
            }
            Some(value) => self.text_of("git.remote", value),
        };
        let remote = remote.and_then(|text| self.keep("git.remote", GitRemote::parse(&text, rules.insecure_git)));
        let branch = inner("branch").and_then(|value| self.text_of("git.branch", value));
        let branch = branch.map(|text| self.keep("git.branch", GitRef::parse(&text)));
        let directory = inner("directory").and_then(|value| self.text_of("git.directory", value));
        let directory = directory.unwrap_or_else(|| ".".into());
        let directory = self.keep("git.directory", InnerPath::parse(&directory));
        Some(Git { remote: remote?, branch: branch.flatten(), directory: directory? })
    }

    fn jobtype(&mut self) -> Option<String> {
        let (jobtype, lang) = (self.text("jobtype"), self.text("lang"));
        let (field, text) = match (jobtype, lang) {
            (Some(_), Some(_)) => {
                self.fault("jobtype", "it is given beside lang, its old name: remove lang".into());
                return None;
            }
            (Some(text), None) => ("jobtype", text),
            (None, Some(text)) => ("lang", text),
            (None, None) => {
                if self.value("jobtype").or(self.value("lang")).is_none() {
                    self.fault("jobtype", "Field required: write it like python3:latest".into());
                }
                return None;
            }
        };
        let good = text.split_once(':').is_some_and(|(name, version)| !name.is_empty() && !version.is_empty());
        let fault = format!("job type should be specified as \"name:version\", got \"{text}\"");
        self.keep(field, if good { Ok(text) } else { Err(fault) })
    }

    fn extra(&mut self) -> Map<String, Value> {
        let names = ["jobtype_extra", "golang", "python", "wrapper_properties"];
        let given: Vec<&str> = names.into_iter().filter(|field| self.value(field).is_some()).collect();
        if given.len() > 1 {
            self.fault(given[0], format!("only one of {} may be given: use jobtype_extra", given.join(", ")));
        }
        if let Some(docker) = self.map("docker")
            && let Some(path) = docker.get("dockerfile_path")
        {
            self.text_of("docker.dockerfile_path", path);
        }
        given.first().and_then(|field| self.map(field)).cloned().unwrap_or_default()
    }

    fn variables(&mut self, field: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for (name, value) in self.map(field).into_iter().flatten() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(plain) || name.starts_with(|first: char| first.is_ascii_digit()) {
                self.fault(field, format!("{name:?} cannot name a variable: use letters, digits and underscores"));
                continue;
            }
            if let Some(text) = self.text_of(&format!("{field}.{name}"), value) {
                if text.contains('\0') {
                    self.fault(&format!("{field}.{name}"), "it has a zero byte: remove it".into());
                }
                variables.insert(name.clone(), text);
            }
        }
        variables
    }

    fn public_endpoints(&mut self) -> Vec<String> {
        let mut endpoints: Vec<String> = Vec::new();
        for text in self.texts("public_endpoints") {
            let endpoint = endpoint_of(&text);
            let odd =
                text.is_empty() || text.contains(['?', '#', ' ', '%']) || endpoint.split('/').any(|part| part == "..");
            if odd || endpoint.len() > 190 {
                self.fault(
                    "public_endpoints",
                    format!("{text:?} is no path of an endpoint: write it like /api/v1/perform"),
                );
            } else if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        endpoints
    }

    fn replicas(&mut self) -> u32 {
        let Some(value) = self.value("replicas") else { return 1 };
        let Some(number) = value.as_i64() else {
            self.fault("replicas", format!("Input should be a valid integer, not {value}"));
            return 1;
        };
        if number > i64::from(MOST_REPLICAS) {
            self.fault("replicas", format!("{number} is greater than the maximum of {MOST_REPLICAS}"));
        } else if number < 1 {
            self.fault("replicas", format!("{number} is less than the minimum of 1"));
        }
        u32::try_from(number).unwrap_or(1)
    }

    fn resources(&mut self) -> Resources {
        let Some(map) = self.map("resources") else { return Resources::default() };
        self.unknown("resources.", map, &["memory_min", "memory_max", "cpu_min", "cpu_max"]);
        let mut quantity = |name: &str| {
            let field = format!("resources.{name}");
            let text = match map.get(name)? {
                Value::Null => return None,
                Value::Number(number) => number.to_string(),
                Value::String(text) => text.clone(),
                other => {
                    self.fault(&field, format!("{other} is no quantity: write it like 256Mi or 0.5"));
                    return None;
                }
            };
            let quantity = self.keep(&field, Quantity::parse(&text))?;
            if quantity.value() <= 0.0 {
                self.fault(&field, format!("{text} is not greater than 0"));
            }
            Some(quantity)
        };
        let resources = Resources {
            memory_min: quantity("memory_min"),
            memory_max: quantity("memory_max"),
            cpu_min: quantity("cpu_min"),
            cpu_max: quantity("cpu_max"),
        };
        for (what, min, max) in
            [("memory", &resources.memory_min, &resources.memory_max), ("cpu", &resources.cpu_min, &resources.cpu_max)]
        {
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                let fault = format!("{} is greater than {what}_max {}: swap or change them", min.text(), max.text());
                self.fault(&format!("resources.{what}_min"), fault);
            }
        }
        resources
    }
}

/// Is one a slip of the other: the same but for one letter more, less or other?
fn is_near(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase().replace('-', "_"), other.to_owned());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let tail = short.bytes().rev().zip(long.bytes().rev()).take_while(|(a, b)| a == b).count();
    same + tail + 1 >= long.len() || (same + tail + 2 >= long.len() && short.len() == long.len())
}

/// The grammar of semver.org, 2.0.0.
fn is_semantic(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, label) = rest.split_once('-').map_or((rest, None), |(core, label)| (core, Some(label)));
    let number = |part: &str| {
        !part.is_empty()
            && part.len() < 19
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = core.split('.').collect();
    parts.len() == 3
        && text.len() <= 190
        && parts.iter().all(|part| number(part))
        && label.is_none_or(|label| label.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

#[cfg(test)]
mod tests {
    use super::{is_near, is_semantic};

    #[test]
    fn semantic_versions_are_those_of_the_standard() {
        for good in [
            "0.0.1",
            "1.2.3",
            "10.20.30",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-0A.is.legal",
            "1.0.0--",
            "1.0.0+build.1",
            "1.0.0-rc.1+b-1",
        ] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in [
            "",
            "abc",
            "1",
            "1.2",
            "1.2.3.4",
            "01.1.1",
            "1.2.03",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2.3+",
            "1.2.3-é",
            "v1.2.3",
            " 1.2.3",
        ] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }

    #[test]
    fn slips_are_recognised() {
        assert!(
            is_near("replica", "replicas")
                && is_near("Name", "name")
                && is_near("job-type", "job_type")
                && is_near("vesrion", "version")
        );
        assert!(!is_near("colour", "name"));
    }
}
