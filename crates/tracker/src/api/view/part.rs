//! Tasks, blockers, reviews and their types, transitions.

use super::{View, at, choose, object, person};
use crate::ApiError;
use crate::model::fields::{Fields, Shape};
use crate::repo::blocker::Blocker;
use crate::repo::review::{self, Review, ReviewType};
use crate::repo::task::Task;
use crate::repo::transition::Transition;
use serde_json::{Value, json};
use store::Tx;

/// What a task has.
pub const TASK: Shape = Shape {
    keys: &["id"],
    default: &["kind", "story_id", "description", "complete", "position", "created_at", "updated_at"],
    extra: &[],
};

/// Tasks, in their order.
pub fn tasks(tasks: &[Task], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &TASK)?;
    let render = |task: &Task| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(task.id)),
                "kind" => Some(json!("task")),
                "story_id" => Some(json!(task.story_id)),
                "description" => Some(json!(task.description)),
                "complete" => Some(json!(task.complete)),
                "position" => Some(json!(task.position)),
                "created_at" => at(task.created_at),
                "updated_at" => at(task.updated_at),
                _ => None,
            })
        })
    };
    tasks.iter().map(render).collect()
}

/// What a blocker has.
pub const BLOCKER: Shape = Shape {
    keys: &["id"],
    default: &["kind", "story_id", "person_id", "description", "resolved", "created_at", "updated_at"],
    extra: &["person", "blocking_story_id"],
};

/// Blockers, in their order.
pub fn blockers(
    tx: &mut Tx<'_>,
    view: View<'_>,
    blockers: &[Blocker],
    fields: &Fields,
) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &BLOCKER)?;
    let mut people = Default::default();
    if chosen.iter().any(|field| field.name == "person") {
        people = crate::repo::person::people(tx, &blockers.iter().map(|one| one.person_id).collect::<Vec<_>>())?;
    }
    let render = |blocker: &Blocker| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(blocker.id)),
                "kind" => Some(json!("blocker")),
                "story_id" => Some(json!(blocker.story_id)),
                "person_id" => Some(json!(blocker.person_id)),
                "person" => match people.get(&blocker.person_id) {
                    Some(who) => Some(person::person(who, view.scope.sees_addresses(), &field.selection())?),
                    None => None,
                },
                "description" => Some(json!(blocker.description)),
                "resolved" => Some(json!(blocker.resolved)),
                "blocking_story_id" => blocker.blocking_story_id.map(|id| json!(id)),
                "created_at" => at(blocker.created_at),
                "updated_at" => at(blocker.updated_at),
                _ => None,
            })
        })
    };
    blockers.iter().map(render).collect()
}

/// What a review type has.
pub const REVIEW_TYPE: Shape =
    Shape { keys: &["id"], default: &["kind", "project_id", "name", "hidden", "created_at", "updated_at"], extra: &[] };

/// Review types, in their order.
pub fn review_types(types: &[ReviewType], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &REVIEW_TYPE)?;
    let render = |one: &ReviewType| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(one.id)),
                "kind" => Some(json!("review_type")),
                "project_id" => Some(json!(one.project_id)),
                "name" => Some(json!(one.name)),
                "hidden" => Some(json!(one.hidden)),
                "created_at" => at(one.created_at),
                "updated_at" => at(one.updated_at),
                _ => None,
            })
        })
    };
    types.iter().map(render).collect()
}

/// What a review has.
pub const REVIEW: Shape = Shape {
    keys: &["id"],
    default: &["kind", "story_id", "review_type_id", "reviewer_id", "status", "created_at", "updated_at"],
    extra: &["review_type", "reviewer"],
};

/// Reviews, in their order.
pub fn reviews(tx: &mut Tx<'_>, view: View<'_>, reviews: &[Review], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &REVIEW)?;
    let wants = |name: &str| chosen.iter().any(|field| field.name == name);
    let types = if wants("review_type") { review::types(tx, view.scope.project.id)? } else { Vec::new() };
    let mut people = Default::default();
    if wants("reviewer") {
        people =
            crate::repo::person::people(tx, &reviews.iter().filter_map(|one| one.reviewer_id).collect::<Vec<_>>())?;
    }
    let render = |review: &Review| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(review.id)),
                "kind" => Some(json!("review")),
                "story_id" => Some(json!(review.story_id)),
                "review_type_id" => Some(json!(review.review_type_id)),
                "review_type" => match types.iter().find(|one| one.id == review.review_type_id) {
                    Some(one) => review_types(std::slice::from_ref(one), &field.selection())?.pop(),
                    None => None,
                },
                "reviewer_id" => review.reviewer_id.map(|id| json!(id)),
                "reviewer" => match review.reviewer_id.and_then(|id| people.get(&id)) {
                    Some(who) => Some(person::person(who, view.scope.sees_addresses(), &field.selection())?),
                    None => None,
                },
                "status" => Some(json!(review.status)),
                "created_at" => at(review.created_at),
                "updated_at" => at(review.updated_at),
                _ => None,
            })
        })
    };
    reviews.iter().map(render).collect()
}

/// What a transition has.
pub const TRANSITION: Shape = Shape {
    keys: &["state"],
    default: &["kind", "story_id", "project_id", "project_version", "occurred_at", "performed_by_id"],
    extra: &[],
};

/// Transitions, in their order.
pub fn transitions(transitions: &[Transition], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &TRANSITION)?;
    let render = |one: &Transition| {
        object(&chosen, |field| {
            Ok(match field.name {
                "kind" => Some(json!("story_transition")),
                "state" => Some(json!(one.state)),
                "story_id" => Some(json!(one.story_id)),
                "project_id" => Some(json!(one.project_id)),
                "project_version" => Some(json!(one.project_version)),
                "occurred_at" => at(one.occurred_at),
                "performed_by_id" => Some(json!(one.performed_by_id)),
                _ => None,
            })
        })
    };
    transitions.iter().map(render).collect()
}
