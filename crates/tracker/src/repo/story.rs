//! Stories.

pub mod create;
pub mod link;
pub mod place;
pub mod relabel;
pub mod remove;
mod said;
pub mod transfer;
pub mod update;

use crate::ApiError;
use crate::model::points;
use crate::model::story::{Panel, State, StoryType};
use crate::model::time;
use crate::repo::activity;
use crate::repo::record::{self, record};
use sea_query::{Expr, ExprTrait, Order};
use serde_json::{Map, Value, json};
use store::{StoreError, Tx};

record! {
    /// A story, without what hangs on it.
    Story in "story" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// Title.
        name: String,
        /// Markdown.
        description: Option<String>,
        /// Feature, bug, chore or release.
        story_type: StoryType,
        /// How far it is.
        current_state: State,
        /// Follows from the state.
        panel: Panel,
        /// The order in the panel.
        position: i64,
        /// Points.
        estimate: Option<f64>,
        /// `p0` to `p3`, `none`.
        story_priority: String,
        /// Microseconds; of accepted ones.
        accepted_at: Option<i64>,
        /// Microseconds; of releases.
        deadline: Option<i64>,
        /// Who wants it.
        requested_by_id: i64,
        /// Of an external item.
        integration_id: Option<i64>,
        /// Of an external item.
        external_id: Option<String>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// A story with what hangs on it and is always answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The story.
    pub story: Story,
    /// Who works on it, first one first.
    pub owners: Vec<i64>,
    /// Labels: number and name.
    pub labels: Vec<(i64, String)>,
    /// Who follows it expressly.
    pub followers: Vec<i64>,
}

impl Story {
    /// `feature "Title"` for links in activities.
    pub fn names(&self) -> [(&'static str, Value); 2] {
        [("name", json!(self.name)), ("story_type", json!(self.story_type))]
    }

    /// As activities name it.
    pub fn resource(&self) -> Value {
        json!({ "kind": "story", "id": self.id, "name": self.name, "story_type": self.story_type })
    }

    /// As lists of activities are filtered.
    pub fn object(&self) -> (&'static str, i64, String) {
        ("story", self.id, self.name.clone())
    }
}

impl Whole {
    /// What of it may change, as activities write it.
    pub fn values(&self) -> Map<String, Value> {
        let story = &self.story;
        let mut values = Map::new();
        let mut set = |name: &str, value: Value| {
            values.insert(name.into(), value);
        };
        set("name", json!(story.name));
        set("story_type", json!(story.story_type));
        set("current_state", json!(story.current_state));
        set("story_priority", json!(story.story_priority));
        set("requested_by_id", json!(story.requested_by_id));
        set("owner_ids", json!(self.owners));
        set("label_ids", json!(self.labels.iter().map(|label| label.0).collect::<Vec<_>>()));
        set("labels", json!(self.labels.iter().map(|label| label.1.as_str()).collect::<Vec<_>>()));
        set("follower_ids", json!(self.followers));
        for (name, value) in [
            ("description", story.description.as_ref().map(|text| json!(text))),
            ("estimate", story.estimate.map(points::number)),
            ("accepted_at", story.accepted_at.map(|at| json!(time::show(at)))),
            ("deadline", story.deadline.map(|at| json!(time::show(at)))),
            ("owned_by_id", self.owners.first().map(|id| json!(id))),
            ("integration_id", story.integration_id.map(|id| json!(id))),
            ("external_id", story.external_id.as_ref().map(|id| json!(id))),
        ] {
            if let Some(value) = value {
                set(name, value);
            }
        }
        values
    }

    /// What differs from `after`, as activities write it: labels both by number and by name. None: nothing.
    pub fn difference(&self, after: &Self) -> Option<(Map<String, Value>, Map<String, Value>)> {
        let (before, after) = (self.values(), after.values());
        let (mut original, mut new) = activity::difference(&before, &after)?;
        if new.contains_key("label_ids") {
            original.insert("labels".into(), before["labels"].clone());
            new.insert("labels".into(), after["labels"].clone());
        }
        Some((original, new))
    }

    /// Makes these people follow it. Who wants or does a story follows it without saying so.
    pub fn join(&mut self, people: &[i64]) {
        for person in people {
            let follows = self.story.requested_by_id == *person || self.owners.contains(person);
            if !follows && !self.followers.contains(person) {
                self.followers.push(*person);
            }
        }
    }
}

/// Loads what hangs on a story.
pub fn whole(tx: &mut Tx<'_>, story: Story) -> Result<Whole, StoreError> {
    Ok(Whole {
        owners: link::owners(tx, story.id)?,
        labels: link::labels(tx, story.id)?,
        followers: link::followers(tx, story.id)?,
        story,
    })
}

/// The second change of every write to a part of a story: when it was, and who follows the story from now on.
pub fn touch(tx: &mut Tx<'_>, story: &Story, joining: &[i64], now: i64) -> Result<Value, StoreError> {
    let before = whole(tx, story.clone())?;
    let mut after = before.clone();
    after.join(joining);
    after.story.updated_at = now;
    record::save(tx, &after.story)?;
    link::set(tx, "story_follower", story.id, story.project_id, &before.followers, &after.followers)?;
    let (mut original, mut new) = before.difference(&after).unwrap_or_default();
    original.insert("updated_at".into(), json!(time::show(story.updated_at)));
    new.insert("updated_at".into(), json!(time::show(now)));
    Ok(activity::change("story", story.id, Some(original), Some(new), &story.names()))
}

/// Stories that meet `condition`, in project order.
pub fn list(tx: &mut Tx<'_>, condition: impl sea_query::IntoCondition) -> Result<Vec<Story>, StoreError> {
    tx.rows(&ordered(condition))
}

/// The statement behind [`list`].
pub fn ordered(condition: impl sea_query::IntoCondition) -> sea_query::SelectStatement {
    record::select::<Story>()
        .cond_where(condition)
        .order_by("panel", Order::Asc)
        .order_by("position", Order::Asc)
        .order_by("id", Order::Asc)
        .to_owned()
}

/// 400 unless every person is a member of the project.
pub fn check_members(tx: &mut Tx<'_>, project_id: i64, field: &str, people: &[i64]) -> Result<(), ApiError> {
    if people.is_empty() {
        return Ok(());
    }
    let found: Vec<store::Row> = tx.rows(
        sea_query::Query::select()
            .column("person_id")
            .from("membership")
            .and_where(Expr::col("project_id").eq(project_id))
            .and_where(Expr::col("person_id").is_in(people.iter().copied())),
    )?;
    let found: Vec<i64> = found.iter().map(|row| row.at(0)).collect::<Result<_, _>>()?;
    match people.iter().find(|person| !found.contains(person)) {
        None => Ok(()),
        Some(person) => {
            Err(ApiError::invalid_field(field, format!("Person {person} is not a member of this project.")))
        }
    }
}
