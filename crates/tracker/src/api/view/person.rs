//! People.

use super::{choose, object};
use crate::ApiError;
use crate::model::fields::{Fields, Shape};
use crate::repo::person::Somebody;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a person has.
pub const PERSON: Shape =
    Shape { keys: &["id"], default: &["kind", "name", "email", "initials", "username"], extra: &[] };

/// A person; the address only for those who see it.
pub fn person(who: &Somebody, addresses: bool, fields: &Fields) -> Result<Value, ApiError> {
    let chosen = choose(fields, &PERSON)?;
    object(&chosen, |field| {
        Ok(match field.name {
            "id" => Some(json!(who.id())),
            "kind" => Some(json!("person")),
            "name" => Some(json!(who.name())),
            "email" if addresses => who.person.email.as_ref().map(|email| json!(email)),
            "initials" => Some(json!(who.initials())),
            "username" => Some(json!(who.person.user_name)),
            _ => None,
        })
    })
}

/// People in the order of `ids`; who has gone is left out.
pub fn people(
    known: &BTreeMap<i64, Somebody>,
    ids: &[i64],
    addresses: bool,
    fields: &Fields,
) -> Result<Value, ApiError> {
    let found = ids.iter().filter_map(|id| known.get(id)).map(|who| person(who, addresses, fields));
    found.collect::<Result<Vec<_>, _>>().map(Value::Array)
}
