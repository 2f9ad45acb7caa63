//! Stories.

use super::{View, at, choose, comment, label, object, part, person};
use crate::ApiError;
use crate::model::fields::{Chosen, Fields, Shape};
use crate::model::story::StoryType;
use crate::model::{cycle, points};
use crate::repo::blocker::Blocker;
use crate::repo::comment::Comment;
use crate::repo::label::Label;
use crate::repo::person::Somebody;
use crate::repo::record;
use crate::repo::review::Review;
use crate::repo::story::link::{self, Of};
use crate::repo::story::{Story, place};
use crate::repo::task::Task;
use crate::repo::{release, transition};
use sea_query::{Expr, ExprTrait};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use store::Tx;

/// What a story has.
pub const STORY: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "created_at",
        "updated_at",
        "accepted_at",
        "estimate",
        "story_type",
        "story_priority",
        "name",
        "description",
        "current_state",
        "deadline",
        "requested_by_id",
        "url",
        "project_id",
        "owner_ids",
        "labels",
        "owned_by_id",
        "integration_id",
        "external_id",
    ],
    extra: &[
        "requested_by",
        "owners",
        "owned_by",
        "label_ids",
        "follower_ids",
        "followers",
        "task_ids",
        "tasks",
        "comment_ids",
        "comments",
        "blocker_ids",
        "blockers",
        "review_ids",
        "reviews",
        "before_id",
        "after_id",
        "transitions",
        "blocked_story_ids",
        "cycle_time_details",
        "projected_completion",
        "points_accepted",
        "points_total",
        "counts_accepted",
        "counts_total",
        // Of source code hosts, which tell this installation nothing: always empty.
        "pull_request_ids",
        "pull_requests",
        "branch_ids",
        "branches",
        "cicd_event_ids",
        "cicd_events",
    ],
};

/// Fields of parts, with the name of their list of ids.
const PARTS: [(&str, &str); 4] =
    [("tasks", "task_ids"), ("comments", "comment_ids"), ("blockers", "blocker_ids"), ("reviews", "review_ids")];

/// What hangs on stories, as far as it was asked for.
#[derive(Default)]
struct Related {
    owners: HashMap<i64, Vec<i64>>,
    followers: HashMap<i64, Vec<i64>>,
    labels: HashMap<i64, Vec<i64>>,
    label_json: HashMap<i64, Value>,
    people: BTreeMap<i64, Somebody>,
    /// By field, by story.
    lists: HashMap<&'static str, HashMap<i64, Vec<Value>>>,
    /// Above, below.
    neighbours: HashMap<i64, (Option<i64>, Option<i64>)>,
    blocked: HashMap<i64, Vec<i64>>,
    cycles: HashMap<i64, Value>,
    releases: HashMap<i64, release::Progress>,
}

/// One story.
pub fn story(tx: &mut Tx<'_>, view: View<'_>, story: &Story, fields: &Fields) -> Result<Value, ApiError> {
    stories(tx, view, std::slice::from_ref(story), fields).map(|mut all| all.pop().unwrap_or_default())
}

/// Stories of one project, in their order.
pub fn stories(tx: &mut Tx<'_>, view: View<'_>, stories: &[Story], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    each(tx, view, stories, fields, |_, json| Ok(json))
}

/// The same, each given to `finish` as soon as it is made: of long lists not all need be there at the same time.
pub fn each<T>(
    tx: &mut Tx<'_>,
    view: View<'_>,
    stories: &[Story],
    fields: &Fields,
    mut finish: impl FnMut(&Story, Value) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let ids: Vec<i64> = stories.iter().map(|story| story.id).collect();
    // Long lists are nearly the whole project: then one statement a kind is less work.
    let of = if ids.len() > 500 { Of::Project(view.scope.project.id) } else { Of::Stories(&ids) };
    let chosen = choose(fields, &STORY)?;
    let related = related(tx, view, stories, &chosen, of)?;
    stories.iter().map(|story| finish(story, render(view, story, &chosen, &related)?)).collect()
}

fn related(
    tx: &mut Tx<'_>,
    view: View<'_>,
    stories: &[Story],
    chosen: &[Chosen<'_>],
    of: Of<'_>,
) -> Result<Related, ApiError> {
    let wanted = |name: &str| chosen.iter().find(|field| field.name == name);
    let wants = |names: &[&str]| names.iter().any(|name| wanted(name).is_some());
    let ids: Vec<i64> = stories.iter().map(|story| story.id).collect();
    let mut related = Related::default();
    if wants(&["owner_ids", "owners", "owned_by_id", "owned_by"]) {
        related.owners = link::many(tx, "story_owner", of)?;
    }
    if wants(&["follower_ids", "followers"]) {
        related.followers = link::many(tx, "story_follower", of)?;
    }
    if wants(&["labels", "label_ids"]) {
        related.labels = link::many(tx, "story_label", of)?;
    }
    if let Some(field) = wanted("labels") {
        let mut used: Vec<i64> = related.labels.values().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        let labels = record::all_of::<Label>(tx, "id", &used)?;
        let json = label::labels(tx, &labels, &field.selection())?;
        related.label_json = labels.iter().map(|label| label.id).zip(json).collect();
    }
    if wants(&["owners", "owned_by", "followers", "requested_by"]) {
        let mut numbers: Vec<i64> =
            related.owners.values().chain(related.followers.values()).flatten().copied().collect();
        numbers.extend(stories.iter().map(|story| story.requested_by_id));
        related.people = crate::repo::person::people(tx, &numbers)?;
    }
    for (name, id_name) in PARTS {
        if let Some(field) = wanted(name).or(wanted(id_name)) {
            let fields = if field.name == name { field.selection() } else { Fields::default() };
            related.lists.insert(name, parts(tx, view, name, &ids, &fields)?);
        }
    }
    if let Some(field) = wanted("transitions") {
        let all = transition::of_stories(tx, &ids)?;
        let json = part::transitions(&all, &field.selection())?;
        related.lists.insert("transitions", grouped(all.iter().map(|one| one.story_id), json));
    }
    if wants(&["before_id", "after_id"]) {
        for story in stories {
            related.neighbours.insert(story.id, place::neighbours(tx, story)?);
        }
    }
    if wants(&["blocked_story_ids"]) {
        let open = Expr::col("blocking_story_id").is_not_null().and(Expr::col("resolved").eq(0));
        let here = Expr::col("project_id").eq(view.scope.project.id);
        for blocker in record::all::<Blocker>(tx, here.and(open))? {
            related.blocked.entry(blocker.blocking_story_id.unwrap_or_default()).or_default().push(blocker.story_id);
        }
    }
    if wants(&["cycle_time_details"]) {
        let mut all: HashMap<i64, Vec<_>> = HashMap::new();
        for one in transition::of_stories(tx, &ids)? {
            all.entry(one.story_id).or_default().push((one.state, one.occurred_at));
        }
        related.cycles = all
            .into_iter()
            .map(|(story, states)| (story, cycle::details(&states, view.call.now()).json(story)))
            .collect();
    }
    if wants(&["projected_completion", "points_accepted", "points_total", "counts_accepted", "counts_total"])
        && stories.iter().any(|story| story.story_type == StoryType::Release)
    {
        related.releases = release::progress(tx, &view.scope.project, view.call.now())?;
    }
    Ok(related)
}

fn parts(
    tx: &mut Tx<'_>,
    view: View<'_>,
    name: &str,
    ids: &[i64],
    fields: &Fields,
) -> Result<HashMap<i64, Vec<Value>>, ApiError> {
    Ok(match name {
        "tasks" => {
            let mut all: Vec<Task> = record::all_of(tx, "story_id", ids)?;
            all.sort_by_key(|task| (task.story_id, task.position, task.id));
            let json = part::tasks(&all, fields)?;
            grouped(all.iter().map(|one| one.story_id), json)
        }
        "comments" => {
            let all: Vec<Comment> = record::all_of(tx, "story_id", ids)?;
            let json = comment::comments(tx, view, &all, fields)?;
            grouped(all.iter().map(|one| one.story_id.unwrap_or_default()), json)
        }
        "blockers" => {
            let all: Vec<Blocker> = record::all_of(tx, "story_id", ids)?;
            let json = part::blockers(tx, view, &all, fields)?;
            grouped(all.iter().map(|one| one.story_id), json)
        }
        _ => {
            let all: Vec<Review> = record::all_of(tx, "story_id", ids)?;
            let json = part::reviews(tx, view, &all, fields)?;
            grouped(all.iter().map(|one| one.story_id), json)
        }
    })
}

fn grouped(stories: impl Iterator<Item = i64>, values: Vec<Value>) -> HashMap<i64, Vec<Value>> {
    let mut found: HashMap<i64, Vec<Value>> = HashMap::new();
    for (story, value) in stories.zip(values) {
        found.entry(story).or_default().push(value);
    }
    found
}

fn render(view: View<'_>, story: &Story, chosen: &[Chosen<'_>], related: &Related) -> Result<Value, ApiError> {
    let none: Vec<i64> = Vec::new();
    let of = |all: &'_ HashMap<i64, Vec<i64>>| all.get(&story.id).unwrap_or(&none).clone();
    let addresses = view.scope.sees_addresses();
    let progress = related.releases.get(&story.id);
    object(chosen, |field| {
        Ok(match field.name {
            "id" => Some(json!(story.id)),
            "kind" => Some(json!("story")),
            "project_id" => Some(json!(story.project_id)),
            "name" => Some(json!(story.name)),
            "description" => story.description.as_ref().map(|text| json!(text)),
            "story_type" => Some(json!(story.story_type)),
            "current_state" => Some(json!(story.current_state)),
            "story_priority" => Some(json!(story.story_priority)),
            "estimate" => story.estimate.map(points::number),
            "accepted_at" => story.accepted_at.and_then(at),
            "deadline" => story.deadline.and_then(at),
            "requested_by_id" => Some(json!(story.requested_by_id)),
            "requested_by" => match related.people.get(&story.requested_by_id) {
                Some(who) => Some(person::person(who, addresses, &field.selection())?),
                None => None,
            },
            "owner_ids" => Some(json!(of(&related.owners))),
            "owners" => Some(person::people(&related.people, &of(&related.owners), addresses, &field.selection())?),
            "owned_by_id" => of(&related.owners).first().map(|id| json!(id)),
            "owned_by" => match of(&related.owners).first().and_then(|id| related.people.get(id)) {
                Some(who) => Some(person::person(who, addresses, &field.selection())?),
                None => None,
            },
            "label_ids" => Some(json!(of(&related.labels))),
            "labels" => Some(of(&related.labels).iter().filter_map(|id| related.label_json.get(id).cloned()).collect()),
            "follower_ids" => Some(json!(of(&related.followers))),
            "followers" => {
                Some(person::people(&related.people, &of(&related.followers), addresses, &field.selection())?)
            }
            "url" => Some(json!(format!("{}/story/show/{}", view.call.base(), story.id))),
            "created_at" => at(story.created_at),
            "updated_at" => at(story.updated_at),
            "integration_id" => story.integration_id.map(|id| json!(id)),
            "external_id" => story.external_id.as_ref().map(|id| json!(id)),
            // At the ends there is none, and that is said.
            "after_id" => related.neighbours.get(&story.id).map(|both| json!(both.0)),
            "before_id" => related.neighbours.get(&story.id).map(|both| json!(both.1)),
            "blocked_story_ids" => Some(json!(of(&related.blocked))),
            "cycle_time_details" => {
                let none = || cycle::details(&[], view.call.now()).json(story.id);
                Some(field.of(related.cycles.get(&story.id).cloned().unwrap_or_else(none)))
            }
            "projected_completion" => progress.and_then(|progress| progress.projected_completion).and_then(at),
            "points_accepted" => progress.map(|progress| points::number(progress.points_accepted)),
            "points_total" => progress.map(|progress| points::number(progress.points_total)),
            "counts_accepted" => progress.map(|progress| json!(progress.counts_accepted)),
            "counts_total" => progress.map(|progress| json!(progress.counts_total)),
            name => {
                let list = PARTS.iter().find(|part| part.1 == name);
                let values = related.lists.get(list.map_or(name, |part| part.0));
                let values = values.and_then(|all| all.get(&story.id)).cloned().unwrap_or_default();
                match list {
                    None => Some(Value::Array(values)),
                    Some(_) => Some(values.iter().map(|value| value["id"].clone()).collect()),
                }
            }
        })
    })
}
