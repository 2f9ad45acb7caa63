//! Labels. Names are kept in lower case and are unique in their project.

use crate::ApiError;
use crate::model::points;
use crate::model::story::State;
use crate::repo::activity::{self, change};
use crate::repo::record::{self, record};
use sea_query::{CaseStatement, Expr, ExprTrait, Func, Order, Query};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use store::{Row, StoreError, Tx};

record! {
    /// A label.
    Label in "label" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// In lower case.
        name: String,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// How a story names a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// One that there is.
    Id(i64),
    /// One that there may be.
    Name(String),
}

/// As labels are written.
pub fn normal(name: &str) -> String {
    name.trim().to_lowercase()
}

/// All of a project, by name.
pub fn list(tx: &mut Tx<'_>, project_id: i64) -> Result<Vec<Label>, StoreError> {
    tx.rows(
        record::select::<Label>()
            .and_where(Expr::col("project_id").eq(project_id))
            .order_by("name", Order::Asc)
            .order_by("id", Order::Asc),
    )
}

/// By name.
pub fn by_name(tx: &mut Tx<'_>, project_id: i64, name: &str) -> Result<Option<Label>, StoreError> {
    tx.row(
        record::select::<Label>()
            .and_where(Expr::col("project_id").eq(project_id))
            .and_where(Expr::col("name").eq(normal(name))),
    )
}

/// One of this project.
pub fn find(tx: &mut Tx<'_>, project_id: i64, id: i64) -> Result<Option<Label>, StoreError> {
    Ok(record::find::<Label>(tx, id)?.filter(|label| label.project_id == project_id))
}

/// Makes one; its name is normal and free.
pub fn insert(tx: &mut Tx<'_>, project_id: i64, name: &str, now: i64) -> Result<Label, StoreError> {
    let id = tx.next_number("label")?;
    let label = Label { id, project_id, name: name.into(), created_at: now, updated_at: now };
    record::insert(tx, &label)?;
    Ok(label)
}

/// The labels that are named, each once, and those of them that are new.
pub fn resolve(
    tx: &mut Tx<'_>,
    project_id: i64,
    named: &[Named],
    now: i64,
) -> Result<(Vec<Label>, Vec<Label>), ApiError> {
    let (mut all, mut new): (Vec<Label>, Vec<Label>) = (Vec::new(), Vec::new());
    for one in named {
        let label = match one {
            Named::Id(id) => find(tx, project_id, *id)?.ok_or_else(|| {
                ApiError::invalid_field("label_ids", format!("Label {id} is no label of this project."))
            })?,
            Named::Name(name) => {
                let name = normal(name);
                if name.is_empty() {
                    return Err(ApiError::invalid_field("name", "Please enter a name for the label."));
                }
                match by_name(tx, project_id, &name)? {
                    Some(label) => label,
                    None => {
                        let label = insert(tx, project_id, &name, now)?;
                        new.push(label.clone());
                        label
                    }
                }
            }
        };
        if !all.iter().any(|known| known.id == label.id) {
            all.push(label);
        }
    }
    Ok((all, new))
}

/// As activities tell of a new one.
pub fn created(label: &Label) -> Value {
    let values = json!({
        "id": label.id,
        "project_id": label.project_id,
        "name": label.name,
        "created_at": crate::model::time::show(label.created_at),
        "updated_at": crate::model::time::show(label.updated_at),
    });
    change("label", label.id, None, values.as_object().cloned(), &[("name", json!(label.name))])
}

/// Stories and points of a label, by state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    by_state: BTreeMap<&'static str, (i64, f64, i64)>,
}

impl Counts {
    /// The whole object, zeros too.
    pub fn json(&self) -> Value {
        let of = |pick: &dyn Fn(&(i64, f64, i64)) -> Value| {
            let mut all = Map::new();
            for state in State::ALL {
                let counted = self.by_state.get(state.as_str()).copied().unwrap_or_default();
                all.insert(state.as_str().into(), pick(&counted));
            }
            all.insert("kind".into(), json!("counts_by_story_state"));
            Value::Object(all)
        };
        json!({
            "kind": "story_counts",
            "number_of_stories_by_state": of(&|counted| json!(counted.0)),
            "sum_of_story_estimates_by_state": of(&|counted| points::number(counted.1)),
            "number_of_zero_point_stories_by_state": of(&|counted| json!(counted.2)),
        })
    }

    /// All stories.
    pub fn stories(&self) -> i64 {
        self.by_state.values().map(|counted| counted.0).sum()
    }

    /// Stories that are not accepted.
    pub fn open(&self) -> i64 {
        self.stories() - self.by_state.get("accepted").map_or(0, |counted| counted.0)
    }
}

/// Counts of these labels; those without stories have none.
pub fn counts(tx: &mut Tx<'_>, labels: &[i64]) -> Result<BTreeMap<i64, Counts>, StoreError> {
    let mut found: BTreeMap<i64, Counts> = labels.iter().map(|id| (*id, Counts::default())).collect();
    for some in labels.chunks(500) {
        let estimate = Expr::col(("story", "estimate"));
        let none = estimate.clone().is_null().or(estimate.clone().eq(0.0));
        let zero: CaseStatement = CaseStatement::new().case(none, Expr::val(1)).finally(Expr::val(0));
        let rows: Vec<Row> = tx.rows(
            Query::select()
                .column(("story_label", "label_id"))
                .column(("story", "current_state"))
                .expr(Func::count(Expr::col(("story", "id"))))
                .expr(Func::sum(estimate))
                .expr(Func::sum(zero))
                .from("story_label")
                .inner_join("story", Expr::col(("story", "id")).equals(("story_label", "story_id")))
                .and_where(Expr::col(("story_label", "label_id")).is_in(some.iter().copied()))
                .group_by_columns([("story_label", "label_id"), ("story", "current_state")]),
        )?;
        for row in rows {
            let (label, state): (i64, State) = (row.at(0)?, row.at(1)?);
            let counted =
                (row.at(2)?, row.at::<Option<f64>>(3)?.unwrap_or(0.0), row.at::<Option<i64>>(4)?.unwrap_or(0));
            found.entry(label).or_default().by_state.insert(state.as_str(), counted);
        }
    }
    Ok(found)
}

/// Changes of the labels whose counts are not what they were.
pub fn count_changes(tx: &mut Tx<'_>, before: &BTreeMap<i64, Counts>) -> Result<Vec<Value>, StoreError> {
    let ids: Vec<i64> = before.keys().copied().collect();
    let after = counts(tx, &ids)?;
    let names: BTreeMap<i64, String> =
        record::all_of::<Label>(tx, "id", &ids)?.into_iter().map(|label| (label.id, label.name)).collect();
    let mut changes = Vec::new();
    for (id, old) in before {
        let (Some(new), Some(name)) = (after.get(id), names.get(id)) else { continue };
        if old != new {
            let counts = |counts: &Counts| Map::from_iter([("counts".to_owned(), counts.json())]);
            changes.push(activity::change(
                "label",
                *id,
                Some(counts(old)),
                Some(counts(new)),
                &[("name", json!(name))],
            ));
        }
    }
    Ok(changes)
}
