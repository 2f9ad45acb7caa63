//! Tasks of stories (`task` is a table of applications). Their positions are 1, 2, 3 … in every story.

use crate::model::time;
use crate::repo::activity::{change, updated};
use crate::repo::record::{self, record};
use crate::repo::story::Story;
use sea_query::{Expr, ExprTrait, Order};
use serde_json::{Value, json};
use store::{StoreError, Tx};

record! {
    /// A task.
    Task in "story_task" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// Its story.
        story_id: i64,
        /// What is to be done.
        description: String,
        /// Is it done?
        complete: bool,
        /// From 1.
        position: i64,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// All of a story, in order.
pub fn list(tx: &mut Tx<'_>, story_id: i64) -> Result<Vec<Task>, StoreError> {
    tx.rows(
        record::select::<Task>()
            .and_where(Expr::col("story_id").eq(story_id))
            .order_by("position", Order::Asc)
            .order_by("id", Order::Asc),
    )
}

/// Makes one at `position`, which is the next.
pub fn insert(
    tx: &mut Tx<'_>,
    story: &Story,
    description: &str,
    complete: bool,
    position: i64,
    now: i64,
) -> Result<Task, StoreError> {
    let task = Task {
        id: tx.next_number("story_task")?,
        project_id: story.project_id,
        story_id: story.id,
        description: description.into(),
        complete,
        position,
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &task)?;
    Ok(task)
}

/// Puts a task at `position` of its list, and numbers the others anew; answers where it came to stand, and what changed of the
/// others.
pub fn put(tx: &mut Tx<'_>, tasks: &[Task], id: i64, position: i64, now: i64) -> Result<(i64, Vec<Value>), StoreError> {
    let mut order: Vec<&Task> = tasks.iter().filter(|task| task.id != id).collect();
    let place = usize::try_from(position.saturating_sub(1)).unwrap_or(0);
    let place = std::cmp::min(place, order.len());
    if let Some(task) = tasks.iter().find(|task| task.id == id) {
        order.insert(place, task);
    }
    let mut changes = Vec::new();
    for (task, position) in order.into_iter().zip(1_i64..).filter(|(task, position)| task.position != *position) {
        let moved = Task { position, updated_at: now, ..task.clone() };
        record::save(tx, &moved)?;
        if task.id != id {
            changes.extend(changed(task, &moved));
        }
    }
    Ok((place as i64 + 1, changes))
}

/// As activities tell of a changed one; none: nothing changed.
pub fn changed(before: &Task, after: &Task) -> Option<Value> {
    let values = |task: &Task| {
        let values = json!({ "description": task.description, "complete": task.complete, "position": task.position });
        values.as_object().cloned().unwrap_or_default()
    };
    let (original, new) = updated(&values(before), &values(after), (before.updated_at, after.updated_at))?;
    Some(change("task", after.id, Some(original), Some(new), &[]))
}

/// As activities tell of a new one.
pub fn created(task: &Task) -> Value {
    let values = json!({
        "id": task.id,
        "story_id": task.story_id,
        "description": task.description,
        "complete": task.complete,
        "position": task.position,
        "created_at": time::show(task.created_at),
        "updated_at": time::show(task.updated_at),
    });
    change("task", task.id, None, values.as_object().cloned(), &[])
}
