//! What is sent of a story.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::model::story::{State, StoryType};
use crate::repo::label::Named;
use crate::repo::review::{NewReview, STATUSES};
use crate::repo::story::create::NewStory;
use crate::repo::story::place::{Group, Wanted};
use crate::repo::story::update::{Patch, Remark};
use serde_json::Value;

/// How urgent a story can be.
pub const PRIORITIES: [&str; 5] = ["p0", "p1", "p2", "p3", "none"];
const GROUPS: [&str; 3] = ["scheduled", "unscheduled", "current"];

/// Settable always.
const WRITABLE: [&str; 23] = [
    "name",
    "description",
    "story_type",
    "current_state",
    "estimate",
    "story_priority",
    "accepted_at",
    "deadline",
    "requested_by_id",
    "owner_ids",
    "owners",
    "owned_by_id",
    "label_ids",
    "labels",
    "follower_ids",
    "followers",
    "integration_id",
    "external_id",
    "before_id",
    "after_id",
    "group",
    "project_id",
    "comment",
];
/// Settable with the story.
const CREATE_ONLY: [&str; 6] = ["created_at", "tasks", "comments", "blockers", "reviews", "cl_numbers"];
/// Sent back by clients that send what they got: what a story has and nobody sets.
const TOLERATED: [&str; 14] = [
    "updated_at",
    "story_id",
    "requested_by",
    "owned_by",
    "transitions",
    "blocked_story_ids",
    "cycle_time_details",
    "cicd_event_ids",
    "cicd_events",
    "projected_completion",
    "points_accepted",
    "points_total",
    "counts_accepted",
    "counts_total",
];
/// Lists of what is not kept here, and of what is made with its story only: they may be sent as long as they are empty.
const EMPTY: [&str; 8] = [
    "pull_requests",
    "pull_request_ids",
    "branches",
    "branch_ids",
    "task_ids",
    "comment_ids",
    "blocker_ids",
    "review_ids",
];

fn all<'a>(params: &Params, more: &[&'a str]) -> Result<(), ApiError> {
    let known: Vec<&'a str> = WRITABLE.iter().chain(&TOLERATED).chain(more).copied().collect();
    params.only_or_empty(&known, &EMPTY)
}

/// A story to be.
pub fn new_story(call: &Call) -> Result<NewStory, ApiError> {
    let params = call.params();
    all(params, &CREATE_ONLY)?;
    if params.has("comment") {
        return Err(ApiError::invalid("this endpoint cannot accept the parameter: comment"));
    }
    let name = params.name(5000)?;
    let patch = read(params)?;
    let mut reviews = Vec::new();
    for review in params.objects("reviews")?.unwrap_or_default() {
        reviews.push(NewReview {
            review_type_id: review.integer("review_type_id")?.ok_or_else(|| ApiError::missing("review_type_id"))?,
            reviewer_id: review.integer("reviewer_id")?,
            status: status(&review)?.unwrap_or_else(|| "unstarted".into()),
        });
    }
    let mut comments = Vec::new();
    for comment in params.objects("comments")?.unwrap_or_default() {
        let text = comment.text("text", 20_000)?.ok_or_else(|| ApiError::missing("text"))?;
        comments.push(not_blank("text", "Text", text)?);
    }
    Ok(NewStory {
        name,
        description: patch.description.flatten(),
        story_type: patch.story_type.unwrap_or(StoryType::Feature),
        current_state: patch.current_state,
        estimate: patch.estimate.flatten(),
        story_priority: patch.story_priority.unwrap_or_else(|| "none".into()),
        accepted_at: patch.accepted_at.flatten(),
        deadline: patch.deadline.flatten(),
        requested_by_id: patch.requested_by_id,
        owners: patch.owners.unwrap_or_default(),
        labels: patch.labels.unwrap_or_default(),
        followers: patch.followers.unwrap_or_default(),
        integration_id: patch.integration_id.flatten(),
        external_id: patch.external_id.flatten(),
        created_at: params.time("created_at")?,
        wanted: patch.wanted,
        tasks: described(params, "tasks", "complete")?,
        comments,
        blockers: described(params, "blockers", "resolved")?,
        reviews,
    })
}

/// What is to be changed, and the project that the story is to be in.
pub fn patch(call: &Call) -> Result<(Patch, Option<i64>), ApiError> {
    let params = call.params();
    // Sent back unread, with the rest of what was got.
    all(params, &["created_at"])?;
    params.any_of(&WRITABLE)?;
    let mut patch = read(params)?;
    patch.name = params.new_name(5000)?;
    patch.comment = params.text("comment", 20_000)?.map(|text| Remark { text, commit: None });
    Ok((patch, params.integer("project_id")?))
}

/// The status of a review.
pub fn status(params: &Params) -> Result<Option<String>, ApiError> {
    params.one_of("status", &STATUSES, |text| STATUSES.contains(&text).then(|| text.to_owned()))
}

fn not_blank(field: &str, shown: &str, text: String) -> Result<String, ApiError> {
    match text.trim().is_empty() {
        false => Ok(text),
        true => Err(ApiError::invalid_field(field, format!("{shown} can't be blank"))),
    }
}

fn described(params: &Params, name: &str, flag: &str) -> Result<Vec<(String, bool)>, ApiError> {
    let mut found = Vec::new();
    for one in params.objects(name)?.unwrap_or_default() {
        let description = one.text("description", 1000)?.ok_or_else(|| ApiError::missing("description"))?;
        found.push((not_blank("description", "Description", description)?, one.boolean(flag)?.unwrap_or(false)));
    }
    Ok(found)
}

fn read(params: &Params) -> Result<Patch, ApiError> {
    let types = StoryType::ALL.map(StoryType::as_str);
    let states = State::ALL.map(State::as_str);
    Ok(Patch {
        name: None,
        description: params.text_or_null("description", 20_000)?,
        story_type: params.one_of("story_type", &types, StoryType::parse)?,
        current_state: params.one_of("current_state", &states, State::parse)?,
        estimate: params.number_or_null("estimate")?,
        story_priority: params
            .one_of("story_priority", &PRIORITIES, |text| PRIORITIES.contains(&text).then(|| text.to_owned()))?,
        accepted_at: params.time_or_null("accepted_at")?,
        deadline: params.time_or_null("deadline")?,
        requested_by_id: params.integer("requested_by_id")?,
        owners: people(params, "owner_ids", "owners", Some("owned_by_id"))?,
        labels: labels(params)?,
        followers: people(params, "follower_ids", "followers", None)?,
        integration_id: params.integer_or_null("integration_id")?,
        external_id: params.string_or_null("external_id", 255)?,
        wanted: Wanted {
            before: params.integer_or_null("before_id")?,
            after: params.integer_or_null("after_id")?,
            group: params.one_of("group", &GROUPS, Group::parse)?,
        },
        comment: None,
    })
}

/// People by number, or as objects with one; `single` is a list of one at most.
fn people(params: &Params, ids: &str, objects: &str, single: Option<&str>) -> Result<Option<Vec<i64>>, ApiError> {
    if let Some(ids) = params.ids(ids)? {
        return Ok(Some(ids));
    }
    if let Some(objects) = params.objects(objects)? {
        let id = |object: &Params| object.integer("id")?.ok_or_else(|| ApiError::missing("id"));
        return objects.iter().map(id).collect::<Result<_, _>>().map(Some);
    }
    match single {
        None => Ok(None),
        Some(name) => Ok(params.integer_or_null(name)?.map(|id| id.into_iter().collect())),
    }
}

/// Labels as texts, as objects with a name or a number, or by number.
fn labels(params: &Params) -> Result<Option<Vec<Named>>, ApiError> {
    let wrong = || ApiError::invalid("'labels' must be an array of names or of label objects");
    match params.raw("labels") {
        None => Ok(params.ids("label_ids")?.map(|ids| ids.into_iter().map(Named::Id).collect())),
        Some(Value::Null) => Ok(Some(Vec::new())),
        // A form has them in one text.
        Some(Value::String(text)) => {
            let names = text.split(',').filter(|name| !name.trim().is_empty());
            Ok(Some(names.map(|name| Named::Name(name.into())).collect()))
        }
        Some(Value::Array(all)) => all
            .iter()
            .map(|label| match label {
                Value::String(name) => named(name),
                Value::Object(object) => match (object.get("id").and_then(Value::as_i64), object.get("name")) {
                    (Some(id), _) => Ok(Named::Id(id)),
                    (None, Some(Value::String(name))) => named(name),
                    _ => Err(wrong()),
                },
                Value::Number(id) => id.as_i64().map(Named::Id).ok_or_else(wrong),
                _ => Err(wrong()),
            })
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(wrong()),
    }
}

fn named(name: &str) -> Result<Named, ApiError> {
    if name.chars().count() > 255 {
        return Err(ApiError::invalid(format!("This string is too long:  '{name}'"))
            .with_requirement("'name' parameter must be 255 characters or less."));
    }
    Ok(Named::Name(name.into()))
}
