//! Parameters of a request, from its JSON body, a form, the query and the path, read with the API's own complaints.
//!
//! What comes from a query or a form is text whatever it means, so numbers and booleans are read from text there; a JSON
//! body has to have the right types.

use crate::ApiError;
use crate::model::time;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Named values.
#[derive(Debug, Clone, Default)]
pub struct Params {
    values: Map<String, Value>,
    /// Names whose values came as text.
    loose: BTreeSet<String>,
}

/// Understood by every endpoint, beside its own.
const EVERYWHERE: [&str; 8] = ["fields", "envelope", "date_format", "token", "id", "kind", "url", "project_id"];

impl Params {
    /// From an object of a JSON body.
    pub fn of(values: Map<String, Value>) -> Self {
        Self { values, loose: BTreeSet::new() }
    }

    /// Adds pairs of a query or a form; `name[]` collects a list. A JSON body's own value stays.
    pub fn add_text(&mut self, pairs: impl Iterator<Item = (String, String)>) {
        for (name, value) in pairs {
            if let Some(list) = name.strip_suffix("[]") {
                let all = self.values.entry(list).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(all) = all {
                    all.push(value.into());
                    self.loose.insert(list.into());
                }
            } else if !self.values.contains_key(&name) {
                self.loose.insert(name.clone());
                self.values.insert(name, value.into());
            }
        }
    }

    /// Forgets one.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// 400 for a parameter that is neither in `known` nor understood everywhere.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let unknown = self.values.keys().find(|name| {
            let name = name.as_str();
            !known.contains(&name) && !EVERYWHERE.contains(&name)
        });
        match unknown {
            None => Ok(()),
            Some(name) => Err(ApiError::invalid(format!("this endpoint cannot accept the parameter: {name}"))),
        }
    }

    /// The same, but what is in `empty` is taken as well if it is null or an empty list.
    pub fn only_or_empty(&self, known: &[&str], empty: &[&str]) -> Result<(), ApiError> {
        let is_empty = |name: &&&str| match self.raw(name) {
            Some(Value::Array(all)) => all.is_empty(),
            Some(Value::Null) => true,
            _ => false,
        };
        let known: Vec<&str> = known.iter().chain(empty.iter().filter(is_empty)).copied().collect();
        self.only(&known)
    }

    /// 400 if none of `known` is there.
    pub fn any_of(&self, known: &[&str]) -> Result<(), ApiError> {
        if known.iter().any(|name| self.values.contains_key(*name)) {
            return Ok(());
        }
        let mut names = known.to_vec();
        names.sort_unstable();
        Err(ApiError::invalid(format!(
            "this endpoint requires at least one of the following parameters: {}",
            names.join(", ")
        )))
    }

    /// Is it there, null or not?
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// As it came.
    pub fn raw(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&Value, bool) -> Option<T>,
        problem: impl Fn() -> String,
    ) -> Result<Option<Option<T>>, ApiError> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => match read(value, self.loose.contains(name)) {
                Some(read) => Ok(Some(Some(read))),
                None => Err(ApiError::invalid(problem())),
            },
        }
    }

    /// Long text of at most `most` characters. `Some(None)`: null.
    pub fn text_or_null(&self, name: &str, most: usize) -> Result<Option<Option<String>>, ApiError> {
        self.string(name, most, "extended_string")
    }

    /// Short text.
    pub fn string_or_null(&self, name: &str, most: usize) -> Result<Option<Option<String>>, ApiError> {
        self.string(name, most, "string")
    }

    fn string(&self, name: &str, most: usize, kind: &str) -> Result<Option<Option<String>>, ApiError> {
        let article = if kind == "string" { "a" } else { "an" };
        let text = |value: &Value, _| value.as_str().map(str::to_owned);
        let read = self.read(name, text, || format!("'{name}' must be {article} {kind}"))?;
        if let Some(Some(value)) = &read {
            if value.chars().count() > most {
                return Err(ApiError::invalid(format!("This {kind} is too long:  '{value}'"))
                    .with_requirement(format!("'{name}' parameter must be {most} characters or less.")));
            }
            if value.contains('\0') {
                return Err(ApiError::invalid(format!("'{name}' must not contain the character 0")));
            }
        }
        Ok(read)
    }

    /// Long text; null is as good as nothing.
    pub fn text(&self, name: &str, most: usize) -> Result<Option<String>, ApiError> {
        Ok(self.text_or_null(name, most)?.flatten())
    }

    /// Short text; null is as good as nothing.
    pub fn short(&self, name: &str, most: usize) -> Result<Option<String>, ApiError> {
        Ok(self.string_or_null(name, most)?.flatten())
    }

    /// A name that has to be there and not be blank.
    pub fn name(&self, most: usize) -> Result<String, ApiError> {
        let name = self.text_or_null("name", most)?.ok_or_else(|| ApiError::missing("name"))?.unwrap_or_default();
        not_blank(name)
    }

    /// A name that, if it is there, is not blank.
    pub fn new_name(&self, most: usize) -> Result<Option<String>, ApiError> {
        match self.text_or_null("name", most)? {
            None => Ok(None),
            Some(name) => not_blank(name.unwrap_or_default()).map(Some),
        }
    }

    /// An integer.
    pub fn integer_or_null(&self, name: &str) -> Result<Option<Option<i64>>, ApiError> {
        self.read(name, integer, || format!("'{name}' must be an integer value"))
    }

    /// An integer; null is as good as nothing.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        Ok(self.integer_or_null(name)?.flatten())
    }

    /// An integer that has to lie in `range`.
    pub fn count(&self, name: &str) -> Result<Option<u32>, ApiError> {
        // The bounds of each are checked where they are known; what is no 32-bit number breaks all of them.
        Ok(self.integer(name)?.map(|value| u32::try_from(value).unwrap_or(if value < 0 { 0 } else { u32::MAX })))
    }

    /// A number.
    pub fn number_or_null(&self, name: &str) -> Result<Option<Option<f64>>, ApiError> {
        let number = |value: &Value, loose: bool| match value {
            Value::String(text) if loose => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            value => value.as_f64(),
        };
        self.read(name, number, || format!("'{name}' must be a float value"))
    }

    /// True or false.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let boolean = |value: &Value, loose: bool| match value {
            Value::String(text) if loose && text == "true" => Some(true),
            Value::String(text) if loose && text == "false" => Some(false),
            value => value.as_bool(),
        };
        Ok(self.read(name, boolean, || format!("'{name}' must be a non-string boolean true or false value"))?.flatten())
    }

    /// A moment, in microseconds.
    pub fn time_or_null(&self, name: &str) -> Result<Option<Option<i64>>, ApiError> {
        let moment = |value: &Value, _| match value {
            Value::Number(number) => number.as_i64().and_then(|millis| time::parse(&millis.to_string())),
            Value::String(text) => time::parse(text),
            _ => None,
        };
        self.read(name, moment, || format!("'{name}' must be a time value represented as milliseconds/iso 8601 date"))
    }

    /// A moment; null is as good as nothing.
    pub fn time(&self, name: &str) -> Result<Option<i64>, ApiError> {
        Ok(self.time_or_null(name)?.flatten())
    }

    /// A day.
    pub fn date_or_null(&self, name: &str) -> Result<Option<Option<jiff::civil::Date>>, ApiError> {
        let date = |value: &Value, _| {
            let text = value.as_str()?;
            text.parse().ok().or_else(|| text.parse::<jiff::civil::DateTime>().ok().map(|at| at.date()))
        };
        self.read(name, date, || format!("'{name}' must be a date value represented as iso 8601 date"))
    }

    /// One of `known`, which `parse` reads.
    pub fn one_of<T>(
        &self,
        name: &str,
        known: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let one = |value: &Value, _| value.as_str().and_then(&parse);
        Ok(self.read(name, one, || format!("'{name}' must be one of: {}", known.join(", ")))?.flatten())
    }

    /// A list of ids: an array, or a text with commas.
    pub fn ids(&self, name: &str) -> Result<Option<Vec<i64>>, ApiError> {
        let ids = |value: &Value, loose: bool| match value {
            Value::Array(all) => all.iter().map(|id| integer(id, loose)).collect(),
            Value::String(text) => {
                text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(|id| id.parse().ok()).collect()
            }
            Value::Number(_) => integer(value, loose).map(|id| vec![id]),
            _ => None,
        };
        let read = self.read(name, ids, || format!("'{name}' must be an array of integer values"))?;
        Ok(read.map(Option::unwrap_or_default))
    }

    /// A list of objects.
    pub fn objects(&self, name: &str) -> Result<Option<Vec<Params>>, ApiError> {
        let objects = |value: &Value, _| {
            let all = value.as_array()?;
            all.iter().map(|one| one.as_object().map(|object| Params::of(object.clone()))).collect()
        };
        let read = self.read(name, objects, || format!("'{name}' must be an array of objects"))?;
        Ok(read.map(Option::unwrap_or_default))
    }
}

fn integer(value: &Value, loose: bool) -> Option<i64> {
    match value {
        Value::String(text) if loose => text.trim().parse().ok(),
        // 5.0 is whole.
        value => {
            value.as_i64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64))
        }
    }
}

fn not_blank(name: String) -> Result<String, ApiError> {
    if name.trim().is_empty() {
        return Err(ApiError::invalid_field("name", "Name can't be blank"));
    }
    Ok(name)
}
