//! Blockers: what keeps a story from going on, another story perhaps.

use crate::model::time;
use crate::repo::activity::{self, change};
use crate::repo::record::{self, record};
use crate::repo::story::{Story, touch};
use sea_query::{Expr, ExprTrait};
use serde_json::{Map, Value, json};
use store::{StoreError, Tx};

record! {
    /// A blocker.
    Blocker in "blocker" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// The story that is blocked.
        story_id: i64,
        /// Who said so.
        person_id: i64,
        /// What blocks it.
        description: String,
        /// Does it not any more?
        resolved: bool,
        /// The story that blocks it, if the description names one.
        blocking_story_id: Option<i64>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// All of a story.
pub fn list(tx: &mut Tx<'_>, story_id: i64) -> Result<Vec<Blocker>, StoreError> {
    record::all(tx, Expr::col("story_id").eq(story_id))
}

/// Makes one. If it names another story (`#12`, or its address), the two are linked.
pub fn insert(
    tx: &mut Tx<'_>,
    story: &Story,
    person_id: i64,
    description: &str,
    resolved: bool,
    now: i64,
) -> Result<Blocker, StoreError> {
    let blocker = Blocker {
        id: tx.next_number("blocker")?,
        project_id: story.project_id,
        story_id: story.id,
        person_id,
        description: description.into(),
        resolved,
        blocking_story_id: named(tx, story, description)?,
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &blocker)?;
    Ok(blocker)
}

/// The other story that a text names: of the same project, so that nothing is told of projects one may not see.
pub fn named(tx: &mut Tx<'_>, story: &Story, text: &str) -> Result<Option<i64>, StoreError> {
    for id in ids(text) {
        let other: Option<Story> = record::find(tx, id)?;
        if other.is_some_and(|other| other.project_id == story.project_id && other.id != story.id) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Numbers after `#` or `/story/show/`.
fn ids(text: &str) -> Vec<i64> {
    let mut found = Vec::new();
    for marker in ["#", "/story/show/", "/stories/"] {
        for (at, _) in text.match_indices(marker) {
            let rest = &text[at + marker.len()..];
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            found.extend(digits.parse::<i64>().ok());
        }
    }
    found
}

/// Resolves the blockers that name a story which is accepted or goes; answers what changed.
pub fn resolve_for(tx: &mut Tx<'_>, story_id: i64, now: i64) -> Result<Vec<Value>, StoreError> {
    let open: Vec<Blocker> =
        record::all(tx, Expr::col("blocking_story_id").eq(story_id).and(Expr::col("resolved").eq(0)))?;
    let (mut changes, mut blocked) = (Vec::new(), Vec::new());
    for mut blocker in open {
        let before = blocker.clone();
        blocker.resolved = true;
        blocker.updated_at = now;
        record::save(tx, &blocker)?;
        changes.extend(changed(&before, &blocker));
        blocked.push(blocker.story_id);
    }
    // Each once, however often it named the other.
    blocked.sort_unstable();
    blocked.dedup();
    for story in record::all_of::<Story>(tx, "id", &blocked)? {
        changes.push(touch(tx, &story, &[], now)?);
    }
    Ok(changes)
}

/// As activities tell of a changed one; none: nothing changed.
pub fn changed(before: &Blocker, after: &Blocker) -> Option<Value> {
    let (original, new) = activity::updated(&values(before), &values(after), (before.updated_at, after.updated_at))?;
    Some(change("blocker", after.id, Some(original), Some(new), &[]))
}

/// The blocked story in the eyes of the one that its blocker names.
pub fn secondary(tx: &mut Tx<'_>, story: &Story, blocker: &Blocker) -> Result<Option<Value>, StoreError> {
    let Some(id) = blocker.blocking_story_id else { return Ok(None) };
    let other: Option<Story> = record::find(tx, id)?;
    Ok(other.map(|other| {
        json!({
            "kind": "secondary_resource",
            "message": format!("This story is blocking #{}: {}", story.id, story.name),
            "highlight": "is blocking",
            "resource": other.resource(),
        })
    }))
}

/// What of it may change.
fn values(blocker: &Blocker) -> Map<String, Value> {
    let values = json!({
        "description": blocker.description,
        "resolved": blocker.resolved,
    });
    values.as_object().cloned().unwrap_or_default()
}

/// As activities tell of a new one.
pub fn created(blocker: &Blocker) -> Value {
    let mut values = values(blocker);
    for (name, value) in [
        ("id", json!(blocker.id)),
        ("story_id", json!(blocker.story_id)),
        ("person_id", json!(blocker.person_id)),
        ("created_at", json!(time::show(blocker.created_at))),
        ("updated_at", json!(time::show(blocker.updated_at))),
    ] {
        values.insert(name.into(), value);
    }
    change("blocker", blocker.id, None, Some(values), &[])
}
