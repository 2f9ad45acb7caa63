//! Resources as JSON: which fields each kind has, and how lists of them are rendered with what hangs on them, one statement a
//! kind whatever the length of the list. Fields without a value are left out.

pub mod comment;
pub mod epic;
pub mod iteration;
pub mod label;
pub mod membership;
pub mod part;
pub mod person;
pub mod project;
pub mod story;

use crate::ApiError;
use crate::api::call::{Call, unknown_field};
use crate::model::fields::{Chosen, Fields, Shape};
use crate::model::time;
use crate::repo::scope::Scope;
use serde_json::{Map, Value, json};

/// In whose eyes, and in which project.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The request.
    pub call: &'a Call,
    /// The project.
    pub scope: &'a Scope,
}

/// The fields of `shape` that `fields` selects.
pub fn choose<'f>(fields: &'f Fields, shape: &Shape) -> Result<Vec<Chosen<'f>>, ApiError> {
    fields.choose(shape).map_err(unknown_field)
}

/// An object of the chosen fields that have a value.
pub fn object(
    chosen: &[Chosen<'_>],
    mut value: impl FnMut(&Chosen<'_>) -> Result<Option<Value>, ApiError>,
) -> Result<Value, ApiError> {
    let mut map = Map::new();
    for field in chosen {
        if let Some(value) = value(field)? {
            map.insert(field.name.into(), value);
        }
    }
    Ok(Value::Object(map))
}

/// What is selected of a value that has all fields of `shape`.
pub fn pick(value: &Value, shape: &Shape, fields: &Fields) -> Result<Value, ApiError> {
    object(&choose(fields, shape)?, |field| Ok(value.get(field.name).map(|value| field.of(value.clone()))))
}

/// The same of each of a list.
pub fn pick_all(values: &[Value], shape: &Shape, fields: &Fields) -> Result<Value, ApiError> {
    values.iter().map(|value| pick(value, shape, fields)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// A moment.
pub fn at(micros: i64) -> Option<Value> {
    Some(json!(time::show(micros)))
}
