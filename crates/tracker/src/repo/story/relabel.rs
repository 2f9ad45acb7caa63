//! What becomes of stories whose label goes: they lose it, or carry another instead.

use crate::model::time;
use crate::repo::activity::change;
use crate::repo::label::{self, Label};
use crate::repo::record;
use crate::repo::story::Story;
use crate::repo::story::link::{self, Of};
use sea_query::{Expr, ExprTrait, Order, Query};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use store::{Row, StoreError, Tx};

/// Takes `label` off all stories that carry it, puts `other` in its place, if there is one, and answers what changed.
pub fn relabel(tx: &mut Tx<'_>, label: &Label, other: Option<&Label>, now: i64) -> Result<Vec<Value>, StoreError> {
    let carry = Expr::col("label_id").eq(label.id);
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .column("story_id")
            .from("story_label")
            .and_where(carry.clone())
            .order_by("story_id", Order::Asc),
    )?;
    let ids: Vec<i64> = rows.iter().map(|row| row.at(0)).collect::<Result<_, _>>()?;
    let carried = link::many(tx, "story_label", Of::Stories(&ids))?;
    let names: HashMap<i64, String> =
        label::list(tx, label.project_id)?.into_iter().map(|label| (label.id, label.name)).collect();
    let values = |labels: &[i64], at: i64| {
        let names: Vec<_> = labels.iter().filter_map(|id| names.get(id)).collect();
        let at = json!(time::show(at));
        Map::from_iter([
            ("label_ids".into(), json!(labels)),
            ("labels".into(), json!(names)),
            ("updated_at".into(), at),
        ])
    };
    let (mut changes, mut replaced) = (Vec::new(), Vec::new());
    for story in record::all_of::<Story>(tx, "id", &ids)? {
        let before = carried.get(&story.id).cloned().unwrap_or_default();
        let instead = other.map(|other| other.id).filter(|other| !before.contains(other));
        let next = |id: i64| if id == label.id { instead } else { Some(id) };
        let after: Vec<i64> = before.iter().filter_map(|id| next(*id)).collect();
        if instead.is_some() {
            replaced.push(story.id);
        }
        let (original, new) = (values(&before, story.updated_at), values(&after, now));
        changes.push(change("story", story.id, Some(original), Some(new), &story.names()));
    }
    if let Some(other) = other {
        for some in replaced.chunks(500) {
            tx.exec(
                Query::update()
                    .table("story_label")
                    .value("label_id", other.id)
                    .and_where(carry.clone())
                    .and_where(Expr::col("story_id").is_in(some.iter().copied())),
            )?;
        }
    }
    tx.exec(Query::delete().from_table("story_label").and_where(carry))?;
    for some in ids.chunks(500) {
        tx.exec(
            Query::update()
                .table("story")
                .value("updated_at", now)
                .and_where(Expr::col("id").is_in(some.iter().copied())),
        )?;
    }
    Ok(changes)
}
