//! What new settings of a project do to what there is in it.

use crate::ApiError;
use crate::model::points::Scale;
use crate::model::story::State;
use crate::repo::activity::{change, updated};
use crate::repo::project::Project;
use crate::repo::story::{Story, Whole};
use crate::repo::transition::{self, Transition};
use crate::repo::{iteration, label, record};
use sea_query::{Expr, ExprTrait};
use serde_json::Value;
use store::{StoreError, Tx};

/// Carries them out, by `person`; answers what changed in stories and labels.
pub fn settle(
    tx: &mut Tx<'_>,
    before: &Project,
    after: &Project,
    person: i64,
    now: i64,
) -> Result<Vec<Value>, ApiError> {
    let (old, new) = (before.settings(), after.settings());
    let wrong = |field, text: String| Err(ApiError::invalid_field(field, text));
    if old.bugs_and_chores_are_estimatable && !new.bugs_and_chores_are_estimatable {
        let text = "Once bugs and chores may be given points, that cannot be taken back.";
        return wrong("bugs_and_chores_are_estimatable", text.into());
    }
    if (&old.week_start_day, &old.start_date) != (&new.week_start_day, &new.start_date) {
        iteration::reset_overrides(tx, after.id)?;
    }
    let scale = match old.scale().change_to(&new.scale()) {
        Err(text) if old.point_scale != new.point_scale => return wrong("point_scale", text),
        Ok(true) => Some(new.scale()),
        _ => None,
    };
    let unplans = !old.automatic_planning && new.automatic_planning;
    if scale.is_none() && !unplans {
        return Ok(Vec::new());
    }
    let labels: Vec<i64> = label::list(tx, after.id)?.iter().map(|label| label.id).collect();
    let counted = label::counts(tx, &labels)?;
    let mut changes = Vec::new();
    if let Some(scale) = scale {
        changes.extend(remap(tx, after.id, &scale, now)?);
    }
    if unplans {
        changes.extend(unplan(tx, after, person, now)?);
    }
    changes.extend(label::count_changes(tx, &counted)?);
    Ok(changes)
}

/// Estimates that the new scale does not have become the nearest that it has.
fn remap(tx: &mut Tx<'_>, project: i64, scale: &Scale, now: i64) -> Result<Vec<Value>, StoreError> {
    let estimated = Expr::col("project_id").eq(project).and(Expr::col("estimate").is_not_null());
    let mut changes = Vec::new();
    for story in record::all::<Story>(tx, estimated)? {
        let estimate = story.estimate.map(|points| if scale.contains(points) { points } else { scale.nearest(points) });
        changes.extend(write(tx, &story, Story { estimate, ..story.clone() }, now)?);
    }
    Ok(changes)
}

/// Stories that were planned by hand are only unstarted where planning is automatic.
fn unplan(tx: &mut Tx<'_>, project: &Project, person: i64, now: i64) -> Result<Vec<Value>, StoreError> {
    let planned = Expr::col("project_id").eq(project.id).and(Expr::col("current_state").eq(State::Planned.as_str()));
    let mut changes = Vec::new();
    for story in record::all::<Story>(tx, planned)? {
        let unplanned = Story { current_state: State::Unstarted, ..story.clone() };
        changes.extend(write(tx, &story, unplanned, now)?);
        transition::add(
            tx,
            &Transition {
                story_id: story.id,
                project_id: project.id,
                project_version: project.version + 1,
                state: State::Unstarted,
                occurred_at: now,
                performed_by_id: person,
            },
        )?;
    }
    Ok(changes)
}

fn write(tx: &mut Tx<'_>, before: &Story, after: Story, now: i64) -> Result<Option<Value>, StoreError> {
    let values = |story: &Story| {
        Whole { story: story.clone(), owners: Vec::new(), labels: Vec::new(), followers: Vec::new() }.values()
    };
    let Some((original, new)) = updated(&values(before), &values(&after), (before.updated_at, now)) else {
        return Ok(None);
    };
    record::save(tx, &Story { updated_at: now, ..after.clone() })?;
    Ok(Some(change("story", after.id, Some(original), Some(new), &after.names())))
}
