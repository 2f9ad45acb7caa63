//! Manifests: reading, `((variables))`, and what the command line changes in them (cloud-foundry.md 7.1).

use crate::client::failure::{Failure, Result, Told};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A manifest's applications, and what else it says at its top.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// Where it was found; paths inside are relative to its folder.
    pub(crate) file: Option<PathBuf>,
    pub(crate) top: Map<String, Value>,
    pub(crate) applications: Vec<Map<String, Value>>,
}

/// The manifest that is meant: `-f`, or the one of this folder, or the one of the folder that is pushed.
pub(crate) fn find(named: Option<&Path>, pushed: Option<&Path>) -> Result<Option<PathBuf>> {
    let inside = |folder: &Path| {
        let names = ["manifest.yml", "manifest.yaml"];
        names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
    };
    match named {
        Some(path) if path.is_dir() => inside(path)
            .map(Some)
            .ok_or_else(|| Failure::usage(format!("there is no manifest.yml in {}", path.display()))),
        Some(path) if path.is_file() => Ok(Some(path.to_owned())),
        Some(path) => Err(Failure::usage(format!("there is no manifest {}", path.display()))),
        None => Ok(inside(Path::new("")).or_else(|| pushed.filter(|path| path.is_dir()).and_then(inside))),
    }
}

/// Reads a manifest and puts the variables in.
pub(crate) fn load(file: &Path, variables: &BTreeMap<String, Value>) -> Result<Manifest> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).told(|| format!("cannot read {shown}"))?;
    let mut document: Value = yaml(&text, file)?;
    let mut missing = BTreeSet::new();
    substitute(&mut document, variables, &mut missing);
    if !missing.is_empty() {
        let names = missing.iter().map(|name| format!("(({name}))")).collect::<Vec<_>>().join(", ");
        let first = missing.first().map_or("NAME", String::as_str);
        return Err(Failure::usage(format!("{shown} wants variables that are not given: {names}"))
            .hint(format!("add --var {first}=VALUE, or --vars-file FILE")));
    }
    let Value::Object(mut top) = document else {
        return Err(Failure::new(format!("{shown} is no manifest: it has no `applications:`")));
    };
    let applications = match top.remove("applications") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => {
            let typo = top.keys().find(|key| strsim::osa_distance(key, "applications") <= 3);
            let line = typo.and_then(|key| text.lines().position(|line| line.starts_with(key.as_str())));
            return Err(Failure::new(match (typo, line) {
                (Some(key), Some(line)) => {
                    format!("{shown} line {}: nothing is called `{key}` here; did you mean `applications`?", line + 1)
                }
                _ => format!("{shown} is no manifest: `applications:` is missing or empty"),
            }));
        }
    };
    let applications = applications.into_iter().enumerate().map(|(place, value)| match value {
        Value::Object(app) => Ok(app),
        _ => Err(Failure::new(format!("{shown}: application {} is not a map of keys and values", place + 1))),
    });
    Ok(Manifest { file: Some(file.to_owned()), top, applications: applications.collect::<Result<_>>()? })
}

/// The server was sent one line, so its `(line 1)` means nothing here: the places in the manifest are put there instead.
pub(crate) fn with_places(faults: &str, file: Option<&Path>) -> String {
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let mut told = String::new();
    for part in faults.split(" (line 1)") {
        told.push_str(part);
        if let (Some(file), Some(line)) = (file, line_of(part, &text)) {
            told.push_str(&format!(" ({} line {line})", file.display()));
        }
    }
    told
}

/// Where the key stands that a fault (`For application 'NAME': KEY …`) begins with.
fn line_of(fault: &str, text: &str) -> Option<usize> {
    let (head, words) = fault.rsplit_once("': ")?;
    let (app, key) = (head.rsplit('\'').next()?, words.split(' ').next()?.trim_matches(['\'', '`']).to_lowercase());
    let is = |line: &str, key: &str| {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let begin = text.lines().position(|line| is(line, "name") && line.contains(app)).unwrap_or(0);
    let found = text.lines().enumerate().skip(begin).find(|(_, line)| is(line, &key));
    found.map(|(number, _)| number + 1)
}

/// `--var` and `--vars-file`; the former wins.
pub(crate) fn variables(pairs: &[String], files: &[PathBuf]) -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).told(|| format!("cannot read {}", file.display()))?;
        match yaml(&text, file)? {
            Value::Object(map) => all.extend(map),
            _ => {
                return Err(Failure::usage(format!(
                    "{} does not hold variables, one `name: value` a line",
                    file.display()
                )));
            }
        }
    }
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`--var {pair}` has no value")).hint("write --var NAME=VALUE"))?;
        all.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    Ok(all)
}

fn yaml(text: &str, file: &Path) -> Result<Value> {
    serde_saphyr::from_str(text).map_err(|error| {
        // The library's message names line and column and shows the place.
        let error = error.to_string().replace("<input>", &file.display().to_string());
        let error = error.strip_prefix("error: ").unwrap_or(&error).trim_end();
        Failure::new(format!("{} cannot be read: {error}", file.display()))
    })
}

fn substitute(value: &mut Value, variables: &BTreeMap<String, Value>, missing: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| substitute(value, variables, missing)),
        Value::Object(map) => {
            let entries = std::mem::take(map);
            for (key, mut value) in entries {
                substitute(&mut value, variables, missing);
                map.insert(inline(&key, variables, missing), value);
            }
        }
        Value::String(text) => {
            let whole =
                text.strip_prefix("((").and_then(|rest| rest.strip_suffix("))")).filter(|name| !name.contains("(("));
            match whole.and_then(|name| variables.get(name)) {
                // A variable that is the whole value keeps its type.
                Some(found) => *value = found.clone(),
                None => *text = inline(text, variables, missing),
            }
        }
        _ => {}
    }
}

fn inline(text: &str, variables: &BTreeMap<String, Value>, missing: &mut BTreeSet<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("((") {
        let Some(end) = rest[begin..].find("))") else { break };
        let name = &rest[begin + 2..begin + end];
        out.push_str(&rest[..begin]);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
        match variables.get(name) {
            Some(Value::String(value)) => out.push_str(value),
            Some(value) => out.push_str(&value.to_string()),
            None if !name.is_empty() && name.bytes().all(plain) => drop(missing.insert(name.to_owned())),
            // Not a variable's name: arithmetic of a shell, for example.
            None => out.push_str(&rest[begin..begin + end + 2]),
        }
        rest = &rest[begin + end + 2..];
    }
    out + rest
}
