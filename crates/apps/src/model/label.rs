//! Labels and annotations: limits, and the selector grammar (`k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`,
//! `k notin (a,b)`, comma = AND).

use serde::Deserialize;
use std::collections::BTreeMap;

/// At most so many labels on a resource.
pub const MAX_LABELS: usize = 50;
/// At most so many annotations on a resource.
pub const MAX_ANNOTATIONS: usize = 200;
const MAX_PART: usize = 63;
/// So that a whole key fits a key column of 191 characters.
const MAX_PREFIX: usize = 127;
const MAX_ANNOTATION: usize = 5000;

/// Labels and annotations of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Metadata {
    /// Selectable.
    pub labels: BTreeMap<String, String>,
    /// Free text.
    pub annotations: BTreeMap<String, String>,
}

/// A change of metadata: a key with `null` is removed, others are merged; a null map changes nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataPatch {
    /// Changes of labels.
    pub labels: Option<BTreeMap<String, Option<String>>>,
    /// Changes of annotations.
    pub annotations: Option<BTreeMap<String, Option<String>>>,
}

impl Metadata {
    /// Applies `patch`, or says what is wrong with it (one sentence each).
    pub fn merge(&mut self, patch: &MetadataPatch) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        apply(&mut self.labels, patch.labels.as_ref(), "label", check_label_value, &mut problems);
        apply(&mut self.annotations, patch.annotations.as_ref(), "annotation", check_annotation_value, &mut problems);
        if self.labels.len() > MAX_LABELS {
            problems.push(format!(
                "Failed to add {} labels because it would exceed maximum of {MAX_LABELS}",
                self.labels.len()
            ));
        }
        if self.annotations.len() > MAX_ANNOTATIONS {
            let count = self.annotations.len();
            problems.push(format!(
                "Failed to add {count} annotations because it would exceed maximum of {MAX_ANNOTATIONS}"
            ));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

fn apply(
    map: &mut BTreeMap<String, String>,
    patch: Option<&BTreeMap<String, Option<String>>>,
    what: &str,
    check: fn(&str) -> Result<(), String>,
    problems: &mut Vec<String>,
) {
    for (key, value) in patch.into_iter().flatten() {
        match value {
            None => {
                map.remove(key);
            }
            Some(value) => match check_key(key).and_then(|()| check(value)) {
                Ok(()) => {
                    map.insert(key.clone(), value.clone());
                }
                Err(problem) => problems.push(format!("Metadata {what} {key:?}: {problem}")),
            },
        }
    }
}

fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix {
        let parts_good = prefix.split('.').all(|part| {
            !part.is_empty()
                && part.len() <= MAX_PART
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !parts_good {
            return Err(format!("key prefix must be a DNS name of at most {MAX_PREFIX} characters"));
        }
        if matches!(prefix.to_ascii_lowercase().as_str(), "cloudfoundry.org") {
            return Err("key prefix \"cloudfoundry.org\" is reserved".into());
        }
    }
    if name.is_empty() {
        return Err("key cannot be empty string".into());
    }
    if name.contains('/') {
        return Err("key has more than one \"/\"".into());
    }
    check_part(name, "key")
}

fn check_label_value(value: &str) -> Result<(), String> {
    if value.is_empty() { Ok(()) } else { check_part(value, "value") }
}

fn check_annotation_value(value: &str) -> Result<(), String> {
    if value.chars().count() > MAX_ANNOTATION {
        return Err(format!("value is greater than {MAX_ANNOTATION} characters"));
    }
    Ok(())
}

fn check_part(text: &str, what: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_PART {
        return Err(format!("{what} is greater than {MAX_PART} characters"));
    }
    if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)) {
        return Err(format!(
            "{what} contains invalid characters (letters, digits, \"-\", \"_\" and \".\" are allowed)"
        ));
    }
    let ends = [bytes[0], bytes[bytes.len() - 1]];
    if !ends.iter().all(u8::is_ascii_alphanumeric) {
        return Err(format!("{what} must start and end with a letter or digit"));
    }
    Ok(())
}

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// `k`
    Exists(String),
    /// `!k`
    Missing(String),
    /// `k=v`, `k in (…)`
    In(String, Vec<String>),
    /// `k!=v`, `k notin (…)`; also met by resources without the key.
    NotIn(String, Vec<String>),
}

impl Requirement {
    /// Do these labels meet it?
    pub fn met_by(&self, labels: &BTreeMap<String, String>) -> bool {
        let one_of = |key: &String, values: &[String]| labels.get(key).is_some_and(|value| values.contains(value));
        match self {
            Self::Exists(key) => labels.contains_key(key),
            Self::Missing(key) => !labels.contains_key(key),
            Self::In(key, values) => one_of(key, values),
            Self::NotIn(key, values) => !one_of(key, values),
        }
    }
}

/// Reads a selector; `None` if it is malformed.
pub fn parse_selector(text: &str) -> Option<Vec<Requirement>> {
    split(text).into_iter().map(|part| requirement(part.trim())).collect()
}

/// At commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(text: &str) -> Option<Requirement> {
    let key = |text: &str| check_key(text.trim()).ok().map(|()| text.trim().to_owned());
    let value = |text: &str| check_label_value(text.trim()).ok().map(|()| text.trim().to_owned());
    if let Some(inner) = text.strip_suffix(')') {
        let (head, values) = inner.split_once('(')?;
        let values = values.split(',').map(value).collect::<Option<Vec<_>>>()?;
        let mut words = head.split_whitespace();
        let (name, operator, rest) = (words.next()?, words.next()?, words.next());
        return match (operator, rest) {
            ("in", None) => Some(Requirement::In(key(name)?, values)),
            ("notin", None) => Some(Requirement::NotIn(key(name)?, values)),
            _ => None,
        };
    }
    if let Some((name, wanted)) = text.split_once("!=") {
        return Some(Requirement::NotIn(key(name)?, vec![value(wanted)?]));
    }
    if let Some((name, wanted)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Requirement::In(key(name)?, vec![value(wanted)?]));
    }
    match text.strip_prefix('!') {
        Some(name) => Some(Requirement::Missing(key(name)?)),
        None => Some(Requirement::Exists(key(text)?)),
    }
}
