//! Iterations.

use super::{View, at, choose, object, story};
use crate::ApiError;
use crate::model::calendar::{Calendar, Override};
use crate::model::fields::{Fields, Shape};
use crate::model::plan::{self, Iteration, Plan};
use crate::model::points;
use crate::model::story::State;
use crate::model::velocity::Done;
use crate::repo::history;
use crate::repo::project::Project;
use crate::repo::record;
use crate::repo::story::Story;
use serde_json::{Value, json};
use std::collections::HashMap;
use store::Tx;

/// What an iteration has.
pub const ITERATION: Shape = Shape {
    keys: &["number"],
    default: &["kind", "project_id", "length", "team_strength", "stories", "start", "finish"],
    extra: &[
        "story_ids",
        "velocity",
        "points",
        "accepted_points",
        "effective_points",
        "accepted",
        "created",
        "analytics",
    ],
};

/// What an override has.
pub const OVERRIDE: Shape =
    Shape { keys: &["number"], default: &["kind", "project_id", "length", "team_strength"], extra: &[] };

/// How an iteration is meant to be, as answered.
pub fn shown(project: &Project, number: u32, change: Override) -> Value {
    json!({
        "kind": "iteration_override",
        "number": number,
        "project_id": project.id,
        "length": change.length.unwrap_or(project.settings().iteration_length),
        "team_strength": points::number(change.strength.unwrap_or(1.0)),
    })
}

/// A whole plan, to be shown in parts.
pub struct Planned {
    /// Where iterations begin.
    pub calendar: Calendar,
    /// What was planned.
    pub stories: Vec<plan::Story>,
    /// How.
    pub plan: Plan,
}

/// Iterations, in their order.
pub fn iterations(
    tx: &mut Tx<'_>,
    view: View<'_>,
    planned: &Planned,
    wanted: &[Iteration],
    fields: &Fields,
) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &ITERATION)?;
    let Planned { calendar, stories, plan } = planned;
    let mut shown: HashMap<i64, Value> = HashMap::new();
    if let Some(field) = chosen.iter().find(|field| field.name == "stories") {
        let ids: Vec<i64> =
            wanted.iter().flat_map(|one| plan.stories_of(one)).map(|&index| stories[index].id).collect();
        let rows: Vec<Story> = record::all_of(tx, "id", &ids)?;
        let json = story::stories(tx, view, &rows, &field.selection())?;
        shown = rows.iter().map(|story| story.id).zip(json).collect();
    }
    let project = &view.scope.project;
    let done = plan.done(calendar);
    wanted
        .iter()
        .map(|one| {
            let indices = plan.stories_of(one);
            let accepted: f64 = indices
                .iter()
                .map(|&index| &stories[index])
                .filter(|story| story.state == State::Accepted)
                .map(|story| story.points)
                .sum();
            let (weeks, strength) = (calendar.weeks(one.number), calendar.strength(one.number));
            object(&chosen, |field| {
                Ok(match field.name {
                    "number" => Some(json!(one.number)),
                    "kind" => Some(json!("iteration")),
                    "project_id" => Some(json!(project.id)),
                    "length" => Some(json!(weeks)),
                    "team_strength" => Some(points::number(strength)),
                    "stories" => {
                        let ids = indices.iter().map(|&index| stories[index].id);
                        Some(ids.filter_map(|id| shown.get(&id).cloned()).collect())
                    }
                    "story_ids" => Some(indices.iter().map(|&index| json!(stories[index].id)).collect()),
                    "start" => at(calendar.start(one.number)),
                    "finish" => at(calendar.start(one.number + 1)),
                    "velocity" => {
                        let before = (one.number.min(plan.current) as usize).saturating_sub(1).min(done.len());
                        Some(json!(project.settings().strategy().velocity(&done[..before])))
                    }
                    "points" => Some(points::number(one.points)),
                    "accepted_points" => Some(points::number(accepted)),
                    "effective_points" => {
                        let done = Done { points: one.points, weeks, strength };
                        Some(json!(done.effective_points(project.settings().iteration_length)))
                    }
                    "accepted" => {
                        let days = history::of_iteration(tx, project, calendar, one.number, false, view.call.now())?;
                        Some(field.of(days))
                    }
                    "created" => {
                        let days = history::of_iteration(tx, project, calendar, one.number, true, view.call.now())?;
                        Some(field.of(days))
                    }
                    "analytics" => {
                        let ids: Vec<i64> = indices.iter().map(|&index| stories[index].id).collect();
                        let now = view.call.now();
                        Some(field.of(history::analytics(tx, project, calendar, one.number, &ids, now)?))
                    }
                    _ => None,
                })
            })
        })
        .collect()
}
