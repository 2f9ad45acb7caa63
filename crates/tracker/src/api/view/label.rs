//! Labels.

use super::{at, choose, object};
use crate::ApiError;
use crate::model::fields::{Fields, Shape};
use crate::repo::label::{self, Label};
use serde_json::{Value, json};
use store::Tx;

/// What a label has.
pub const LABEL: Shape =
    Shape { keys: &["id"], default: &["kind", "project_id", "name", "created_at", "updated_at"], extra: &["counts"] };

/// Labels, in their order.
pub fn labels(tx: &mut Tx<'_>, labels: &[Label], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &LABEL)?;
    let mut counts = Default::default();
    if chosen.iter().any(|field| field.name == "counts") {
        counts = label::counts(tx, &labels.iter().map(|label| label.id).collect::<Vec<_>>())?;
    }
    let render = |label: &Label| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(label.id)),
                "kind" => Some(json!("label")),
                "project_id" => Some(json!(label.project_id)),
                "name" => Some(json!(label.name)),
                "created_at" => at(label.created_at),
                "updated_at" => at(label.updated_at),
                "counts" => counts.get(&label.id).map(|counts| field.of(counts.json())),
                _ => None,
            })
        })
    };
    labels.iter().map(render).collect()
}
