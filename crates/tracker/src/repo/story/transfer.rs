//! Moving a story to another project: it keeps its number and what hangs on it, and takes its labels along by name.

use crate::ApiError;
use crate::model::story::{Panel, State};
use crate::model::time;
use crate::repo::activity::{self, Draft, change};
use crate::repo::label::{self, Named};
use crate::repo::record;
use crate::repo::scope::Scope;
use crate::repo::story::place::{self, Group};
use crate::repo::story::update::{Patch, apply, check, note};
use crate::repo::story::{Story, Whole, link};
use sea_query::{Expr, ExprTrait, Query};
use serde_json::{Value, json};
use store::{Row, Tx};

/// Moves it and changes it as `patch` says, in one activity each there and here; answers the project it is in now, and the story.
pub fn transfer(
    tx: &mut Tx<'_>,
    mut from: Scope,
    mut to: Scope,
    before: &Whole,
    mut patch: Patch,
    now: i64,
) -> Result<(Scope, Story), ApiError> {
    let target = to.project.id;
    forget_echoes(&mut patch, before);
    let stood = place::neighbours(tx, &before.story)?;
    let old_labels: Vec<i64> = before.labels.iter().map(|label| label.0).collect();
    let counted = label::counts(tx, &old_labels)?;
    let named = patch.labels.take().unwrap_or_else(|| old_labels.iter().copied().map(Named::Id).collect());
    let (labels, new_labels) = label::resolve(tx, target, &by_name(before, named), now)?;
    let label_ids: Vec<i64> = labels.iter().map(|label| label.id).collect();
    let counted_there = label::counts(tx, &label_ids)?;

    // As it is without the patch, at its usual place.
    let members = members(tx, target)?;
    let kept = |people: &[i64]| people.iter().copied().filter(|id| members.contains(id)).collect::<Vec<i64>>();
    let mut story = Story { project_id: target, updated_at: now, ..before.story.clone() };
    let settings = to.project.settings();
    story.estimate = story.estimate.map(|points| settings.scale().nearest(points));
    if !story.story_type.is_estimable(settings.bugs_and_chores_are_estimatable) {
        story.estimate = None;
    }
    let stays = patch.current_state.is_none_or(|state| state == State::Planned);
    if story.current_state == State::Planned && settings.automatic_planning && stays {
        patch.current_state = Some(match patch.wanted.group {
            Some(Group::Unscheduled) => State::Unscheduled,
            _ => State::Unstarted,
        });
    }
    story.position = place::usual(tx, &story)?;
    record::save(tx, &story)?;
    let moved = Whole {
        owners: kept(&before.owners),
        followers: kept(&before.followers),
        labels: labels.iter().map(|label| (label.id, label.name.clone())).collect(),
        story,
    };
    carry(tx, before, &moved)?;
    crate::repo::review::transfer(tx, moved.story.id, target, &members, now)?;

    let (after, more) = match apply(tx, &to, &moved, &patch, now)? {
        Some((after, draft)) => (after, draft.changes),
        None => {
            check(&to, &moved.story)?;
            (moved, Vec::new())
        }
    };
    let story = &after.story;
    let moved = change_of(tx, before, &after, stood)?;
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
    let mut came: Vec<Value> = new_labels.iter().map(label::created).collect();
    came.push(moved);
    // The story's own change and its labels' are told as a whole.
    let told = |change: &Value| change["kind"] == "label" || (change["kind"] == "story" && change["id"] == story.id);
    came.extend(more.into_iter().filter(|change| !told(change)));
    came.extend(label::count_changes(tx, &counted_there)?);
    let verb = match story.panel {
        Panel::Scheduled => "move_into_project_and_prioritize",
        _ => "move_into_project",
    };
    let message = format!("moved \"{}\" into this project from {}", story.name, from.project.name);
    activity::record(tx, &mut to, now, draft(verb, message, came))?;
    Ok((to, after.story.clone()))
}

/// What was sent back as it was got is not asked for: the other project may lack those people, and those points.
fn forget_echoes(patch: &mut Patch, before: &Whole) {
    let story = &before.story;
    patch.owners.take_if(|owners| *owners == before.owners);
    patch.followers.take_if(|followers| *followers == before.followers);
    patch.requested_by_id.take_if(|person| *person == story.requested_by_id);
    patch.estimate.take_if(|estimate| *estimate == story.estimate);
}

/// Labels of the project it leaves are meant by their names.
fn by_name(before: &Whole, named: Vec<Named>) -> Vec<Named> {
    let name = |one: Named| match one {
        Named::Id(id) => match before.labels.iter().find(|label| label.0 == id) {
            Some((_, name)) => Named::Name(name.clone()),
            None => Named::Id(id),
        },
        name => name,
    };
    named.into_iter().map(name).collect()
}

/// What hangs on the story.
fn carry(tx: &mut Tx<'_>, before: &Whole, after: &Whole) -> Result<(), ApiError> {
    let (id, target) = (after.story.id, after.story.project_id);
    let label_ids = |whole: &Whole| whole.labels.iter().map(|label| label.0).collect::<Vec<i64>>();
    for (table, old, new) in [
        ("story_owner", &before.owners, &after.owners),
        ("story_follower", &before.followers, &after.followers),
        ("story_label", &label_ids(before), &label_ids(after)),
    ] {
        // Rows name the project too, so they are written anew even if they name the same people.
        link::set(tx, table, id, target, old, &[])?;
        link::set(tx, table, id, target, &[], new)?;
    }
    for table in ["story_task", "comment", "blocker"] {
        tx.exec(Query::update().table(table).value("project_id", target).and_where(Expr::col("story_id").eq(id)))?;
    }
    Ok(())
}

fn change_of(
    tx: &mut Tx<'_>,
    before: &Whole,
    after: &Whole,
    stood: (Option<i64>, Option<i64>),
) -> Result<Value, ApiError> {
    let (mut original, mut new) = before.difference(after).unwrap_or_default();
    let stands = place::neighbours(tx, &after.story)?;
    for (name, was, is) in [
        ("project_id", json!(before.story.project_id), json!(after.story.project_id)),
        ("after_id", json!(stood.0), json!(stands.0)),
        ("before_id", json!(stood.1), json!(stands.1)),
        ("updated_at", json!(time::show(before.story.updated_at)), json!(time::show(after.story.updated_at))),
    ] {
        note(&mut original, &mut new, name, was, is);
    }
    Ok(change("story", after.story.id, Some(original), Some(new), &after.story.names()))
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
