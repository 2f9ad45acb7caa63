//! Job types: how source becomes a running job. One is built in, `python3`.

use super::manifest::Manifest;
use super::name::InnerPath;
use router::Version;
use serde_json::{Map, Value};

/// Versions of the job type `python3`: those of the runner that it installs (`racetrack-job-runner` on PyPI).
pub const PYTHON3: [&str; 2] = ["1.16.8", "1.18.0"];

/// All job types, `name:version`, sorted.
pub fn all() -> Vec<String> {
    PYTHON3.iter().map(|version| format!("python3:{version}")).collect()
}

/// The job type that `spec` (`name:version`, `latest`, or with `*`) means.
pub fn choose(spec: &str) -> Result<String, String> {
    let supported = || format!("{:?}", all()).replace('"', "'");
    let (name, wanted) = spec
        .split_once(':')
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())
        .ok_or_else(|| format!("job type should be specified as \"name:version\", got \"{spec}\""))?;
    if name != "python3" {
        return Err(format!("language {name} is not supported, supported are: {}", supported()));
    }
    let best = |fits: &dyn Fn(&str) -> bool| {
        let fitting = PYTHON3.iter().filter(|version| fits(version));
        fitting.max_by_key(|version| Version::parse(version)).map(|version| format!("{name}:{version}"))
    };
    if wanted == "latest" {
        return best(&|_| true)
            .ok_or_else(|| format!("there is no version matching \"{spec}\", supported are: {}", supported()));
    }
    if wanted.contains('*') {
        return best(&|version| matches(wanted, version)).ok_or_else(|| {
            format!("language pattern \"{spec}\" doesn't match any of the supported versions: {}", supported())
        });
    }
    best(&|version| version == wanted)
        .ok_or_else(|| format!("language {spec} is not supported, supported are: {}", supported()))
}

/// `1.*` or `1.18.*` against a version: each `*` stands for something, not for nothing.
fn matches(pattern: &str, version: &str) -> bool {
    let mut rest = version;
    let mut parts = pattern.split('*');
    let Some(after) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = after;
    let parts: Vec<&str> = parts.collect();
    for (place, part) in parts.iter().enumerate() {
        let at = match place + 1 == parts.len() {
            true => rest.len().checked_sub(part.len()).filter(|_| rest.ends_with(part)),
            false => rest.get(1..).and_then(|later| later.find(part)).map(|at| at + 1),
        };
        match at {
            Some(at) if at > 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
}

/// What `python3` is told by `jobtype_extra`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The file with the class.
    pub entrypoint_path: InnerPath,
    /// The class, where the file has several.
    pub entrypoint_class: Option<String>,
    /// What to install.
    pub requirements_path: Option<InnerPath>,
    /// `3.11`; any if none is named.
    pub python_version: Option<String>,
    /// Is it to be checked that what is installed fits together?
    pub check_requirements: bool,
    /// What has no effect here, a sentence each.
    pub warnings: Vec<String>,
}

impl Python {
    /// Reads it. On the other side are all faults.
    pub fn read(manifest: &Manifest) -> Result<Self, Vec<String>> {
        let extra = &manifest.extra;
        let mut faults = Vec::new();
        let mut text = |name: &str| match extra.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) if name == "python_version" => Some(number.to_string()),
            Some(other) => {
                faults.push(format!(
                    "jobtype_extra.{name}: Input should be a valid string, not {other}; put it in quotes"
                ));
                None
            }
        };
        let entry = text("entrypoint_path");
        let (class, requirements, version) =
            (text("entrypoint_class"), text("requirements_path"), text("python_version"));
        let (entry_given, mut path) = (entry.is_some(), |name: &str, text: Option<String>| {
            text.and_then(|text| {
                InnerPath::parse(&text).map_err(|fault| faults.push(format!("jobtype_extra.{name}: {fault}"))).ok()
            })
        });
        let entrypoint_path = path("entrypoint_path", entry);
        let requirements_path = path("requirements_path", requirements);
        if !entry_given && !extra.contains_key("entrypoint_path") {
            faults.push("jobtype_extra.entrypoint_path: Field required: the Python file with the job's class".into());
        }
        let name = |text: &str| {
            !text.is_empty()
                && text.chars().all(|letter| letter == '_' || letter.is_alphanumeric())
                && !text.starts_with(|first: char| first.is_numeric())
        };
        if let Some(class) = class.as_deref().filter(|class| !name(class)) {
            faults.push(format!("jobtype_extra.entrypoint_class: {class:?} is no name of a class"));
        }
        let number = |text: &str| {
            text.strip_prefix("3.").is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()))
        };
        if let Some(version) = version.as_deref().filter(|version| !number(version)) {
            faults.push(format!("jobtype_extra.python_version: {version:?} is not understood: write it like \"3.11\""));
        }
        let check_requirements = match extra.get("check_requirements") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(check)) => *check,
            Some(other) => {
                faults.push(format!("jobtype_extra.check_requirements: Input should be true or false, not {other}"));
                true
            }
        };
        for name in ["max_concurrency", "max_concurrency_queue"] {
            if let Some(value) = extra.get(name)
                && !value.is_null()
                && value.as_u64().is_none()
            {
                faults.push(format!("jobtype_extra.{name}: Input should be a whole number, not {value}"));
            }
        }
        let warnings = without_effect(extra);
        match (entrypoint_path, faults.is_empty()) {
            (Some(entrypoint_path), true) => Ok(Self {
                entrypoint_path,
                entrypoint_class: class,
                requirements_path,
                python_version: version,
                check_requirements,
                warnings,
            }),
            _ => Err(faults),
        }
    }
}

/// What job images could be told elsewhere and nothing here acts on.
fn without_effect(extra: &Map<String, Value>) -> Vec<String> {
    // The last four are read by the runner itself.
    const ACTING: [&str; 8] = [
        "entrypoint_path",
        "entrypoint_class",
        "requirements_path",
        "python_version",
        "check_requirements",
        "home_page",
        "max_concurrency",
        "max_concurrency_queue",
    ];
    let idle = extra.iter().filter(|(name, value)| !ACTING.contains(&name.as_str()) && !value.is_null());
    idle.map(|(name, _)| match name.as_str() {
        "debian_version" | "debian_backports" => format!(
            "jobtype_extra.{name} has no effect here: jobs run on this machine's own programs, not on a Debian image"
        ),
        _ => format!("jobtype_extra.{name} is unknown to python3 and has no effect"),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Python, choose};
    use crate::model::manifest::{Manifest, Rules};
    use serde_json::json;

    #[test]
    fn job_types_are_chosen_by_version_or_pattern() {
        let newest = Ok("python3:1.18.0".to_owned());
        for spec in ["python3:latest", "python3:1.*", "python3:*", "python3:1.18.*", "python3:1.18.0"] {
            assert_eq!(choose(spec), newest, "{spec}");
        }
        assert_eq!(choose("python3:1.16.*"), Ok("python3:1.16.8".to_owned()));
        let fails = [
            ("python3", "job type should be specified as \"name:version\", got \"python3\""),
            ("python3:2.*", "language pattern \"python3:2.*\" doesn't match any of the supported versions: ['python3:"),
            ("python3:9.9.9", "language python3:9.9.9 is not supported, supported are: ['python3:"),
            ("golang:latest", "language golang is not supported, supported are: ['python3:"),
        ];
        for (spec, wanted) in fails {
            assert!(choose(spec).unwrap_err().starts_with(wanted), "{spec}");
        }
    }

    #[test]
    fn python_is_told_what_to_run() {
        let read = |extra: serde_json::Value| {
            let manifest = json!({"name": "a", "owner_email": "a@b", "jobtype": "python3:latest", "git": {"remote": "https://h/x"}, "jobtype_extra": extra});
            Python::read(&Manifest::read(&manifest, Rules::default()).unwrap())
        };
        let python = read(json!({"entrypoint_path": "./main.py", "python_version": 3.11, "debian_version": "slim", "max_concurrency": 2})).unwrap();
        assert_eq!((python.entrypoint_path.as_str(), python.python_version.as_deref()), ("main.py", Some("3.11")));
        assert_eq!(python.warnings.len(), 1);
        let faults = read(json!({"entrypoint_class": "a b", "python_version": "two", "requirements_path": "../x", "max_concurrency": "many"})).unwrap_err();
        assert_eq!(faults.len(), 5, "{faults:?}");
    }
}
