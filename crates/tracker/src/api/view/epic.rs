//! Epics.

use super::{View, at, choose, comment, label, object, person};
use crate::ApiError;
use crate::model::calendar::Calendar;
use crate::model::fields::{Fields, Shape};
use crate::model::story::{Panel, State};
use crate::repo::comment::Comment;
use crate::repo::epic::{self as repo, Epic};
use crate::repo::label::Label;
use crate::repo::story::Story;
use crate::repo::story::link::{self, Of};
use crate::repo::{iteration, record};
use sea_query::{Expr, ExprTrait};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use store::Tx;

/// What an epic has.
pub const EPIC: Shape = Shape {
    keys: &["id"],
    default: &["kind", "project_id", "name", "description", "label", "url", "created_at", "updated_at"],
    extra: &[
        "label_id",
        "comment_ids",
        "comments",
        "follower_ids",
        "followers",
        "before_id",
        "after_id",
        "past_done_story_estimates",
        "past_done_stories_count",
        "past_done_stories_no_point_count",
        "completed_at",
        "projected_completion",
        // Of source code hosts, which tell this installation nothing: always empty.
        "pull_request_ids",
        "pull_requests",
        "branch_ids",
        "branches",
    ],
};

/// What is reckoned of an epic's stories.
#[derive(Default)]
struct Progress {
    done_estimates: f64,
    done_count: i64,
    done_without_points: i64,
    completed_at: Option<i64>,
    projected_completion: Option<i64>,
}

/// Epics of one project, in their order.
pub fn epics(tx: &mut Tx<'_>, view: View<'_>, epics: &[Epic], fields: &Fields) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &EPIC)?;
    let wanted = |name: &str| chosen.iter().find(|field| field.name == name);
    let label_ids: Vec<i64> = epics.iter().map(|epic| epic.label_id).collect();
    let mut labels: HashMap<i64, Value> = HashMap::new();
    if let Some(field) = wanted("label") {
        let rows = record::all_of::<Label>(tx, "id", &label_ids)?;
        let json = label::labels(tx, &rows, &field.selection())?;
        labels = rows.iter().map(|label| label.id).zip(json).collect();
    }
    let mut comments: HashMap<i64, Vec<Value>> = HashMap::new();
    if let Some(field) = wanted("comments").or(wanted("comment_ids")) {
        let ids: Vec<i64> = epics.iter().map(|epic| epic.id).collect();
        let rows: Vec<Comment> = record::all_of(tx, "epic_id", &ids)?;
        let fields = if field.name == "comments" { field.selection() } else { Fields::default() };
        for (row, json) in rows.iter().zip(comment::comments(tx, view, &rows, &fields)?) {
            comments.entry(row.epic_id.unwrap_or_default()).or_default().push(json);
        }
    }
    let mut followers: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    if wanted("followers").or(wanted("follower_ids")).is_some() {
        for epic in epics {
            followers.insert(epic.id, repo::followers(tx, epic.id)?);
        }
    }
    let everybody: Vec<i64> = followers.values().flatten().copied().collect();
    let people = crate::repo::person::people(tx, &everybody)?;
    let reckoned = EPIC
        .extra
        .iter()
        .filter(|name| name.starts_with("past_") || name.ends_with("completion") || **name == "completed_at");
    let mut progress = HashMap::new();
    if reckoned.clone().any(|name| wanted(name).is_some()) {
        progress = reckon(tx, view, epics)?;
    }
    let order: Vec<i64> = match wanted("before_id").or(wanted("after_id")) {
        Some(_) => repo::list(tx, view.scope.project.id)?.iter().map(|epic| epic.id).collect(),
        None => Vec::new(),
    };
    let beside = |epic: &Epic, step: isize| {
        let index = order.iter().position(|id| *id == epic.id)?.checked_add_signed(step)?;
        order.get(index).map(|id| json!(id))
    };
    let nothing = Progress::default();
    let render = |epic: &Epic| {
        let reckoned = progress.get(&epic.id).unwrap_or(&nothing);
        let mine = followers.get(&epic.id).cloned().unwrap_or_default();
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(epic.id)),
                "kind" => Some(json!("epic")),
                "project_id" => Some(json!(epic.project_id)),
                "name" => Some(json!(epic.name)),
                "description" => epic.description.as_ref().map(|text| json!(text)),
                "label_id" => Some(json!(epic.label_id)),
                "label" => labels.get(&epic.label_id).cloned(),
                "url" => Some(json!(format!("{}/epic/show/{}", view.call.base(), epic.id))),
                "comments" => Some(json!(comments.get(&epic.id).cloned().unwrap_or_default())),
                "comment_ids" => {
                    let all = comments.get(&epic.id).into_iter().flatten();
                    Some(all.map(|comment| comment["id"].clone()).collect())
                }
                "follower_ids" => Some(json!(mine)),
                "followers" => Some(person::people(&people, &mine, view.scope.sees_addresses(), &field.selection())?),
                // At the ends there is none, and that is said.
                "after_id" => Some(beside(epic, -1).unwrap_or_default()),
                "before_id" => Some(beside(epic, 1).unwrap_or_default()),
                "past_done_story_estimates" => Some(json!(reckoned.done_estimates)),
                "past_done_stories_count" => Some(json!(reckoned.done_count)),
                "past_done_stories_no_point_count" => Some(json!(reckoned.done_without_points)),
                "completed_at" => reckoned.completed_at.and_then(at),
                "projected_completion" => reckoned.projected_completion.and_then(at),
                "created_at" => at(epic.created_at),
                "updated_at" => at(epic.updated_at),
                _ => Some(json!([])),
            })
        })
    };
    epics.iter().map(render).collect()
}

fn reckon(tx: &mut Tx<'_>, view: View<'_>, epics: &[Epic]) -> Result<HashMap<i64, Progress>, ApiError> {
    let project = &view.scope.project;
    let (calendar, planned, plan) = iteration::plan(tx, project, view.call.now())?;
    let numbers: HashMap<i64, Option<u32>> =
        planned.iter().map(|story| story.id).zip(plan.numbers(planned.len())).collect();
    let carried = link::many(tx, "story_label", Of::Project(project.id))?;
    let stories: Vec<Story> = record::all(tx, Expr::col("project_id").eq(project.id))?;
    // What clients load themselves begins here.
    let shown = Calendar::back(plan.current, project.settings().number_of_done_iterations_to_show);
    let mut found = HashMap::new();
    for epic in epics {
        let has = |story: &&Story| carried.get(&story.id).is_some_and(|labels| labels.contains(&epic.label_id));
        let mut progress = Progress::default();
        let (mut all_done, mut last_done, mut last) = (true, None, None);
        for story in stories.iter().filter(has) {
            let number = numbers.get(&story.id).copied().flatten();
            if story.current_state == State::Accepted {
                last_done = std::cmp::max(last_done, story.accepted_at);
                if number.is_some_and(|number| number < shown) {
                    progress.done_count += 1;
                    progress.done_estimates += story.estimate.unwrap_or(0.0);
                    progress.done_without_points += i64::from(story.estimate.is_none_or(|points| points == 0.0));
                }
                continue;
            }
            all_done = false;
            if story.panel == Panel::Scheduled {
                last = std::cmp::max(last, number);
            }
        }
        progress.completed_at = last_done.filter(|_| all_done);
        progress.projected_completion = last.map(|number| calendar.start(number + 1));
        found.insert(epic.id, progress);
    }
    Ok(found)
}
