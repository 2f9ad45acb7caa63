//! Moving a story to another project: it keeps its number and what hangs on it, and takes its labels along by name.

use crate::ApiError;
use crate::model::story::{Panel, State};
use crate::repo::activity::{self, Draft, change, difference};
use crate::repo::label::{self, Named};
use crate::repo::record;
use crate::repo::scope::Scope;
use crate::repo::story::place::{self, Group, Wanted};
use crate::repo::story::{Story, Whole, link};
use crate::repo::transition::{self, Transition};
use sea_query::{Expr, ExprTrait, Query};
use serde_json::json;
use store::{Row, Tx};

/// Moves it; answers the project it is in now, and the story.
pub fn transfer(
    tx: &mut Tx<'_>,
    mut from: Scope,
    mut to: Scope,
    before: &Whole,
    wanted: Wanted,
    now: i64,
) -> Result<(Scope, Story), ApiError> {
    let (source, target) = (from.project.id, to.project.id);
    let old_labels: Vec<i64> = before.labels.iter().map(|label| label.0).collect();
    let names: Vec<Named> = before.labels.iter().map(|label| Named::Name(label.1.clone())).collect();
    let counted = label::counts(tx, &old_labels)?;
    let (labels, new_labels) = label::resolve(tx, target, &names, now)?;
    let label_ids: Vec<i64> = labels.iter().map(|label| label.id).collect();
    let counted_there = label::counts(tx, &label_ids)?;

    let members = members(tx, target)?;
    let kept = |people: &[i64]| people.iter().copied().filter(|id| members.contains(id)).collect::<Vec<i64>>();
    let mut story = Story { project_id: target, updated_at: now, ..before.story.clone() };
    let settings = to.project.settings();
    story.estimate = story.estimate.map(|points| settings.scale().nearest(points));
    if !story.story_type.is_estimable(settings.bugs_and_chores_are_estimatable) {
        story.estimate = None;
    }
    story.current_state = match (wanted.group, story.current_state) {
        (Some(Group::Unscheduled), _) => State::Unscheduled,
        (Some(_), State::Unscheduled) => State::Unstarted,
        (_, State::Planned) if settings.automatic_planning => State::Unstarted,
        (_, state) => state,
    };
    story.accepted_at = story.accepted_at.filter(|_| story.current_state == State::Accepted);
    if let Some(problem) = crate::model::story::problem(
        story.story_type,
        story.current_state,
        story.estimate,
        settings.automatic_planning,
        settings.bugs_and_chores_are_estimatable,
    ) {
        return Err(ApiError::invalid_field(problem.field, problem.text));
    }
    story.panel = Panel::Accepted;
    let placed = if wanted.is_given() { place::wanted(tx, &story, wanted)? } else { None };
    story.panel = story.current_state.panel();
    story.position = match placed {
        Some((panel, position)) if panel == story.panel => position,
        _ => place::usual(tx, &story)?,
    };
    record::save(tx, &story)?;
    let after = Whole {
        owners: kept(&before.owners),
        followers: kept(&before.followers),
        labels: labels.iter().map(|label| (label.id, label.name.clone())).collect(),
        story,
    };
    let story = &after.story;
    for (table, old, new) in [
        ("story_owner", &before.owners, &after.owners),
        ("story_follower", &before.followers, &after.followers),
        ("story_label", &old_labels, &label_ids),
    ] {
        // Rows name the project too, so they are written anew even if they name the same people.
        link::set(tx, table, story.id, target, old, &[])?;
        link::set(tx, table, story.id, target, &[], new)?;
    }
    for table in ["story_task", "comment", "blocker"] {
        tx.exec(
            Query::update().table(table).value("project_id", target).and_where(Expr::col("story_id").eq(story.id)),
        )?;
    }
    crate::repo::review::transfer(tx, story.id, target, &members, now)?;
    if story.current_state != before.story.current_state {
        transition::add(
            tx,
            &Transition {
                story_id: story.id,
                project_id: target,
                project_version: to.project.version + 1,
                state: story.current_state,
                occurred_at: now,
                performed_by_id: to.me()?.id(),
            },
        )?;
    }

    let (mut original, mut new) = difference(&before.values(), &after.values()).unwrap_or_default();
    original.insert("project_id".into(), json!(source));
    new.insert("project_id".into(), json!(target));
    let moved = change("story", story.id, Some(original), Some(new), &story.names());
    let draft = |verb, message: String, changes| Draft {
        subject: "story",
        verb,
        object: story.object(),
        message,
        highlight: "moved".into(),
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    };
    let mut left = vec![moved.clone()];
    left.extend(label::count_changes(tx, &counted)?);
    let message = format!("moved \"{}\" from this project to {}", story.name, to.project.name);
    activity::record(tx, &mut from, now, draft("move_from_project", message, left))?;
    let mut came: Vec<_> = new_labels.iter().map(label::created).collect();
    came.push(moved);
    came.extend(label::count_changes(tx, &counted_there)?);
    let verb = match story.panel {
        Panel::Scheduled => "move_into_project_and_prioritize",
        _ => "move_into_project",
    };
    let message = format!("moved \"{}\" into this project from {}", story.name, from.project.name);
    activity::record(tx, &mut to, now, draft(verb, message, came))?;
    Ok((to, after.story.clone()))
}

fn members(tx: &mut Tx<'_>, project: i64) -> Result<Vec<i64>, ApiError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .column("person_id")
            .from("membership")
            .and_where(Expr::col("project_id").eq(project))
            .order_by("person_id", sea_query::Order::Asc),
    )?;
    Ok(rows.iter().map(|row| row.at(0)).collect::<Result<_, _>>()?)
}
