//! What an entry of the ledger says to people: "job F1 1.0.0 of user Alice has been deleted by Bob" (row R3).
//!
//! Sentences begin with the object, in lower case, and have no full stop. The table names actions; the first line that fits
//! and whose values the entry has is said. What the table does not know is said by its action's words, so that there is a
//! sentence for every entry, of faces and versions to come too.

mod table;
#[cfg(test)]
mod tests;

use ledger::{Object, Record};
use serde_json::Value;

/// The sentence of an entry. Plain text: names in it are whatever somebody typed.
pub fn sentence(record: &Record) -> String {
    let fits =
        table::SENTENCES.iter().filter_map(|(pattern, template)| Some((fit(pattern, &record.action)?, template)));
    for (rest, template) in fits {
        if let Some(said) = fill(template, record, rest) {
            return said;
        }
    }
    by_its_words(record)
}

/// What stands in `action` where `pattern` has its `*`; none if it does not fit.
fn fit<'a>(pattern: &str, action: &'a str) -> Option<&'a str> {
    match pattern.split_once('*') {
        None => (pattern == action).then_some(""),
        Some((before, after)) => action.strip_prefix(before)?.strip_suffix(after),
    }
}

/// Fills a template: `{object}`, `{name}`, `{actor}`, `{*}` and `{data.path.to.value}`; what stands between `[` and `]` is
/// left out if a value in it is missing. None if another value is missing.
fn fill(template: &str, record: &Record, rest: &str) -> Option<String> {
    let mut out = String::new();
    let mut left = template;
    while let Some(at) = left.find(['{', '[']) {
        out.push_str(&left[..at]);
        let optional = left.as_bytes()[at] == b'[';
        let end = at + left[at..].find(if optional { ']' } else { '}' })?;
        let inside = &left[at + 1..end];
        match if optional { fill(inside, record, rest) } else { value(inside, record, rest) } {
            Some(said) => out.push_str(&said),
            None if optional => {}
            None => return None,
        }
        left = &left[end + 1..];
    }
    out.push_str(left);
    Some(out)
}

fn value(name: &str, record: &Record, rest: &str) -> Option<String> {
    match name {
        "object" => Some(object(&record.object)),
        "name" => Some(record.object.name.clone()).filter(|name| !name.is_empty()),
        "actor" => Some(actor(&record.actor)),
        "*" => Some(words(rest)),
        _ => {
            let found = name.strip_prefix("data.")?.split('.').try_fold(&record.data, |value, key| value.get(key))?;
            match found {
                Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.into()),
                _ => None,
            }
        }
    }
}

/// `job F1 1.0.0`; by its id where it has no name.
fn object(object: &Object) -> String {
    let name = if object.name.is_empty() { &object.id } else { &object.name };
    match object.kind.as_str() {
        // People are known by their names.
        "person" | "user" => format!("user {name}"),
        kind => format!("{} {name}", words(kind)),
    }
}

fn actor(actor: &Object) -> String {
    match actor.kind.as_str() {
        "person" | "user" => actor.name.clone(),
        "system" => "Pitlane".into(),
        _ => object(actor),
    }
}

fn words(text: &str) -> String {
    text.replace(['_', '-', '.'], " ")
}

/// `audit.app.droplet.copy_bits` of app A by B: "droplet of app A has been …": the last word is what was done, those
/// between the object's kind and it are what it was done to.
fn by_its_words(record: &Record) -> String {
    let action = record.action.strip_prefix("audit.").unwrap_or(&record.action);
    let mut parts: Vec<&str> = action.split('.').collect();
    let verb = parts.pop().unwrap_or_default();
    if parts.first() == Some(&record.object.kind.as_str()) {
        parts.remove(0);
    }
    let part = if parts.is_empty() { String::new() } else { format!("{} of ", words(&parts.join(" "))) };
    format!("{part}{} has been {} by {}", object(&record.object), participle(verb), actor(&record.actor))
}

/// `delete`: deleted.
fn participle(verb: &str) -> String {
    let verb = verb.strip_suffix("-request").unwrap_or(verb);
    if let Some((_, said)) = table::PARTICIPLES.iter().find(|(known, _)| *known == verb) {
        return (*said).into();
    }
    // Of `upload-bits` the first word is what was done.
    let (first, rest) = verb.split_once(['-', '_']).unwrap_or((verb, ""));
    let done = match (table::PARTICIPLES.iter().find(|(known, _)| *known == first), first) {
        (Some((_, said)), _) => (*said).to_owned(),
        // It is one already.
        (None, first) if first.ends_with("ed") || first.is_empty() => first.to_owned(),
        (None, first) if first.ends_with('e') => format!("{first}d"),
        (None, first) => match first.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ied"),
            _ => format!("{first}ed"),
        },
    };
    if rest.is_empty() { done } else { format!("{done} ({})", words(rest)) }
}
