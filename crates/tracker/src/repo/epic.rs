//! Epics: a label, and every story that carries it.

use crate::ApiError;
use crate::model::rank;
use crate::model::time;
use crate::repo::activity::{Draft, change, difference};
use crate::repo::label::Label;
use crate::repo::record::{self, record};
use sea_query::{Expr, ExprTrait, Order, Query};
use serde_json::{Map, Value, json};
use store::{Row, StoreError, Tx};

record! {
    /// An epic.
    Epic in "epic" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// Title.
        name: String,
        /// Markdown.
        description: Option<String>,
        /// Its label, which no other epic has.
        label_id: i64,
        /// The order in the project.
        position: i64,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

impl Epic {
    /// As activities name it.
    pub fn resource(&self) -> Value {
        json!({ "kind": "epic", "id": self.id, "name": self.name })
    }

    /// As lists of activities are filtered.
    pub fn object(&self) -> (&'static str, i64, String) {
        ("epic", self.id, self.name.clone())
    }

    /// What happened to it.
    pub fn draft(&self, verb: &'static str, message: String, highlight: &str, changes: Vec<Value>) -> Draft {
        Draft {
            subject: "epic",
            verb,
            object: self.object(),
            message,
            highlight: highlight.into(),
            changes,
            primary: vec![self.resource()],
            secondary: Vec::new(),
        }
    }

    /// Notes that something that hangs on it has changed, and who follows it from now on; answers the change.
    pub fn touch(&self, tx: &mut Tx<'_>, joining: &[i64], now: i64) -> Result<Value, StoreError> {
        let before = followers(tx, self.id)?;
        let mut after = before.clone();
        for person in joining {
            if !after.contains(person) {
                after.push(*person);
            }
        }
        set_followers(tx, self.id, &after)?;
        record::save(tx, &Self { updated_at: now, ..self.clone() })?;
        let values = |people: &[i64]| Map::from_iter([("follower_ids".to_owned(), json!(people))]);
        let (mut original, mut new) = difference(&values(&before), &values(&after)).unwrap_or_default();
        original.insert("updated_at".into(), json!(time::show(self.updated_at)));
        new.insert("updated_at".into(), json!(time::show(now)));
        Ok(change("epic", self.id, Some(original), Some(new), &[("name", json!(self.name))]))
    }

    /// What of it may change.
    pub fn values(&self, label: &Label, followers: &[i64]) -> Map<String, Value> {
        let values = json!({
            "name": self.name,
            "description": self.description,
            "label_id": self.label_id,
            "label": label.name,
            "follower_ids": followers,
        });
        values.as_object().cloned().unwrap_or_default()
    }

    /// As activities tell of a new one.
    pub fn created(&self, label: &Label, followers: &[i64]) -> Value {
        let mut values = self.values(label, followers);
        values.insert("id".into(), json!(self.id));
        values.insert("project_id".into(), json!(self.project_id));
        values.insert("created_at".into(), json!(time::show(self.created_at)));
        values.insert("updated_at".into(), json!(time::show(self.updated_at)));
        change("epic", self.id, None, Some(values), &[("name", json!(self.name))])
    }
}

/// All of a project, in their order.
pub fn list(tx: &mut Tx<'_>, project_id: i64) -> Result<Vec<Epic>, StoreError> {
    tx.rows(
        record::select::<Epic>()
            .and_where(Expr::col("project_id").eq(project_id))
            .order_by("position", Order::Asc)
            .order_by("id", Order::Asc),
    )
}

/// The epic of a label.
pub fn of_label(tx: &mut Tx<'_>, label_id: i64) -> Result<Option<Epic>, StoreError> {
    tx.row(record::select::<Epic>().and_where(Expr::col("label_id").eq(label_id)))
}

/// Ids of the epics directly above and below one at its position.
pub fn neighbours(tx: &mut Tx<'_>, epic: &Epic) -> Result<(Option<i64>, Option<i64>), StoreError> {
    let others: Vec<Epic> = list(tx, epic.project_id)?.into_iter().filter(|other| other.id != epic.id).collect();
    let above = others.partition_point(|other| other.position < epic.position);
    let id = |index: Option<usize>| index.and_then(|index| others.get(index)).map(|other| other.id);
    Ok((id(above.checked_sub(1)), id(Some(above))))
}

/// Who follows an epic expressly.
pub fn followers(tx: &mut Tx<'_>, epic_id: i64) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .column("person_id")
            .from("epic_follower")
            .and_where(Expr::col("epic_id").eq(epic_id))
            .order_by("place", Order::Asc)
            .order_by("person_id", Order::Asc),
    )?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// Replaces who follows an epic.
pub fn set_followers(tx: &mut Tx<'_>, epic_id: i64, people: &[i64]) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("epic_follower").and_where(Expr::col("epic_id").eq(epic_id)))?;
    for (place, person) in people.iter().enumerate() {
        tx.exec(
            Query::insert().into_table("epic_follower").columns(["epic_id", "person_id", "place"]).values_panic([
                epic_id.into(),
                (*person).into(),
                (place as i64).into(),
            ]),
        )?;
    }
    Ok(())
}

/// A position directly above `before`, below `after`, or at the end; none: it stands there already. Lists of epics are short, so
/// they are read whole.
pub fn place(
    tx: &mut Tx<'_>,
    project_id: i64,
    moving: i64,
    before: Option<i64>,
    after: Option<i64>,
) -> Result<i64, ApiError> {
    let all: Vec<Epic> = list(tx, project_id)?.into_iter().filter(|epic| epic.id != moving).collect();
    let index = |id: i64, name: &str| {
        all.iter()
            .position(|epic| epic.id == id)
            .ok_or_else(|| ApiError::invalid_field(name, format!("Epic {id} is no other epic of this project.")))
    };
    let place = match (before, after) {
        (Some(id), _) => index(id, "before_id")?,
        (None, Some(id)) => index(id, "after_id")? + 1,
        (None, None) => all.len(),
    };
    let ranks: Vec<i64> = all.iter().map(|epic| epic.position).collect();
    let above = place.checked_sub(1).map(|index| ranks[index]);
    if let Some(position) = rank::between(above, ranks.get(place).copied()) {
        return Ok(position);
    }
    let (position, changed) = rank::spread(&ranks, place);
    for (index, rank) in changed {
        tx.exec(Query::update().table("epic").value("position", rank).and_where(Expr::col("id").eq(all[index].id)))?;
    }
    Ok(position)
}
