//! What every resource's object begins with.

use crate::model::label::Metadata;
use crate::model::time;
use serde_json::{Map, Value, json};

/// `guid`, `created_at`, `updated_at` and `metadata`, then the members of `rest` (an object).
pub fn resource(guid: &str, created_at: i64, updated_at: i64, metadata: Option<&Metadata>, rest: Value) -> Value {
    let mut object = Map::new();
    object.insert("guid".into(), guid.into());
    object.insert("created_at".into(), time::format(created_at).into());
    object.insert("updated_at".into(), time::format(updated_at).into());
    if let Some(metadata) = metadata {
        object.insert("metadata".into(), json!({ "labels": metadata.labels, "annotations": metadata.annotations }));
    }
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    Value::Object(object)
}

/// Each once, in order of first appearance; for `included`.
pub fn distinct<'g>(guids: impl IntoIterator<Item = &'g String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    guids.into_iter().filter(|guid| seen.insert(*guid)).cloned().collect()
}
