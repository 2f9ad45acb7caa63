//! Iterations, and what is said about single ones.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::{Page, Reply};
use crate::api::routes::{Answer, Routes};
use crate::api::view::iteration::{self as overrides, Planned, iterations as view};
use crate::api::view::{View, pick, pick_all};
use crate::model::cycle;
use crate::model::fields::Shape;
use crate::model::plan::Iteration;
use crate::model::role::Action;
use crate::model::time;
use crate::repo::activity::{self, Draft, change};
use crate::repo::scope::{self, Scope};
use crate::repo::story::link;
use crate::repo::{history, iteration as repo, label, project, transition};
use serde_json::{Map, Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    const ANALYTICS: &str = "/projects/{project_id}/iterations/{number}/analytics";
    const CYCLES: &str = "/projects/{project_id}/iterations/{number}/analytics/cycle_time_details";
    Routes::new()
        .get("/projects/{project_id}/iterations", list_iterations)
        .get("/projects/{project_id}/iterations/{number}", get_iteration)
        .get(ANALYTICS, get_analytics)
        .get(CYCLES, list_cycle_times)
        .put("/projects/{project_id}/iteration_overrides/{number}", set_override)
}

/// What is reckoned of an iteration.
const ANALYTICS: Shape = Shape {
    keys: &[],
    default: &["kind", "stories_accepted", "bugs_created", "cycle_time", "rejection_rate"],
    extra: &[],
};
/// What is reckoned of a story.
const CYCLE: Shape = Shape {
    keys: &["story_id"],
    default: &[
        "kind",
        "total_cycle_time",
        "started_time",
        "started_count",
        "finished_time",
        "finished_count",
        "delivered_time",
        "delivered_count",
        "rejected_time",
        "rejected_count",
    ],
    extra: &[],
};

fn planned(tx: &mut Tx<'_>, call: &Call, scope: &Scope) -> Result<Planned, ApiError> {
    let (calendar, stories, plan) = repo::plan(tx, &scope.project, call.now())?;
    Ok(Planned { calendar, stories, plan })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Done,
    Current,
    Backlog,
    CurrentBacklog,
    DoneCurrent,
    All,
}

const SCOPES: [&str; 5] = ["done", "current", "backlog", "current_backlog", "done_current"];

impl Which {
    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Done, Self::Current, Self::Backlog, Self::CurrentBacklog, Self::DoneCurrent];
        SCOPES.iter().position(|known| *known == text).map(|index| all[index])
    }

    fn has(self, number: u32, current: u32) -> bool {
        match self {
            Self::Done => number < current,
            Self::Current => number == current,
            Self::Backlog => number > current,
            Self::CurrentBacklog => number >= current,
            Self::DoneCurrent => number <= current,
            Self::All => true,
        }
    }
}

fn list_iterations(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let params = call.params();
    params.only(&["scope", "label", "limit", "offset"])?;
    let which = params.one_of("scope", &SCOPES, Which::parse)?.unwrap_or(Which::All);
    let (limit, offset) = call.page(10)?;
    if offset < 0 && which != Which::Done {
        return Err(ApiError::invalid("'offset' can only be negative with the scope 'done'"));
    }
    let mut planned = planned(tx, call, &scope)?;
    if let Some(name) = params.text("label", 255)? {
        only_labelled(tx, &scope, &mut planned, &name)?;
    }
    let current = planned.plan.current;
    let all: Vec<&Iteration> = planned.plan.iterations.iter().filter(|one| which.has(one.number, current)).collect();
    let total = all.len() as i64;
    // A negative offset counts back from the current iteration.
    let first = if offset < 0 { total + offset } else { offset };
    let last = (first + limit).clamp(0, total);
    let first = first.clamp(0, last);
    let part: Vec<Iteration> = all[first as usize..last as usize].iter().map(|one| (*one).clone()).collect();
    let body = view(tx, View { call, scope: &scope }, &planned, &part, call.fields())?;
    let page = Page { total: Some(total), offset, limit, returned: body.len() as i64 };
    Ok(Reply::ok(Value::Array(body)).paged(page).at(scope.project.version))
}

/// Iterations with only those of their stories that carry a label; where they fall is reckoned with all.
fn only_labelled(tx: &mut Tx<'_>, scope: &Scope, planned: &mut Planned, name: &str) -> Result<(), ApiError> {
    let label = label::by_name(tx, scope.project.id, name)?.map(|label| label.id);
    let carried = link::many(tx, "story_label", link::Of::Project(scope.project.id))?;
    let has = |index: usize| {
        let labels = carried.get(&planned.stories[index].id);
        label.is_some_and(|label| labels.is_some_and(|labels| labels.contains(&label)))
    };
    let mut order = Vec::new();
    for iteration in &mut planned.plan.iterations {
        let from = order.len();
        let kept: Vec<usize> =
            planned.plan.order[iteration.stories.clone()].iter().copied().filter(|index| has(*index)).collect();
        iteration.points = kept.iter().map(|&index| planned.stories[index].points).sum();
        order.extend(kept);
        iteration.stories = from..order.len();
    }
    planned.plan.order = order;
    Ok(())
}

fn number(call: &Call) -> Result<u32, ApiError> {
    u32::try_from(call.id("number")?).ok().filter(|number| *number > 0).ok_or_else(ApiError::unfound)
}

fn get_iteration(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&[])?;
    let planned = planned(tx, call, &scope)?;
    let one = planned.plan.iteration(number(call)?).cloned().ok_or_else(ApiError::unfound)?;
    let body = view(tx, View { call, scope: &scope }, &planned, std::slice::from_ref(&one), call.fields())?.pop();
    Ok(Reply::ok(body.unwrap_or_default()).at(scope.project.version))
}

fn ids(planned: &Planned, number: u32) -> Result<Vec<i64>, ApiError> {
    let one = planned.plan.iteration(number).ok_or_else(ApiError::unfound)?;
    Ok(planned.plan.stories_of(one).iter().map(|&index| planned.stories[index].id).collect())
}

fn get_analytics(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let (planned, number) = (planned(tx, call, &scope)?, number(call)?);
    let ids = ids(&planned, number)?;
    let body = history::analytics(tx, &scope.project, &planned.calendar, number, &ids, call.now())?;
    Ok(Reply::ok(pick(&body, &ANALYTICS, call.fields())?).at(scope.project.version))
}

fn list_cycle_times(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let planned = planned(tx, call, &scope)?;
    let ids = ids(&planned, number(call)?)?;
    let all = transition::of_stories(tx, &ids)?;
    let of = |id: i64| {
        let states: Vec<_> =
            all.iter().filter(|one| one.story_id == id).map(|one| (one.state, one.occurred_at)).collect();
        cycle::details(&states, call.now()).json(id)
    };
    let all: Vec<Value> = ids.into_iter().map(of).collect();
    Ok(Reply::ok(pick_all(&all, &CYCLE, call.fields())?).at(scope.project.version))
}

fn set_override(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Work)?;
    let params = call.params();
    params.only(&["length", "team_strength"])?;
    params.any_of(&["length", "team_strength"])?;
    let number = number(call)?;
    let calendar = project::calendar(tx, &scope.project)?;
    if number > calendar.number_at(call.now()) {
        let text = "Only done iterations and the current one can be overridden.";
        return Err(ApiError::invalid_field("number", text));
    }
    let before = repo::overrides(tx, scope.project.id)?.get(&number).copied().unwrap_or_default();
    let mut after = before;
    if let Some(length) = params.integer_or_null("length")? {
        after.length = match length {
            None => None,
            Some(weeks) if (1..=99).contains(&weeks) => Some(weeks as u32),
            Some(_) => return Err(ApiError::invalid_field("length", "length can only be between 1 and 99.")),
        };
    }
    if let Some(strength) = params.number_or_null("team_strength")? {
        if strength.is_some_and(|strength| strength < 0.0) {
            return Err(ApiError::invalid_field("team_strength", "team_strength must be 0 or greater."));
        }
        after.strength = strength;
    }
    // What is as usual is not said.
    let usual = scope.project.settings().iteration_length;
    after.length = after.length.filter(|length| *length != usual);
    after.strength = after.strength.filter(|strength| *strength != 1.0);
    if after != before {
        repo::set_override(tx, scope.project.id, number, after)?;
        let values = |change: crate::model::calendar::Override| {
            let strength = crate::model::points::number(change.strength.unwrap_or(1.0));
            let length = json!(change.length.unwrap_or(usual));
            Map::from_iter([("length".to_owned(), length), ("team_strength".to_owned(), strength)])
        };
        let (mut original, mut new) = activity::difference(&values(before), &values(after)).unwrap_or_default();
        let changed_before = activity::last(tx, scope.project.id, ("iteration", i64::from(number)))?;
        original.insert("updated_at".into(), changed_before.map_or(Value::Null, |at| json!(time::show(at))));
        new.insert("updated_at".into(), json!(time::show(call.now())));
        let mut changed = change("iteration_override", i64::from(number), Some(original), Some(new), &[]);
        changed["number"] = json!(number);
        let draft = Draft {
            subject: "iteration",
            verb: "update",
            object: ("iteration", i64::from(number), format!("Iteration {number}")),
            message: format!("changed iteration {number}"),
            highlight: "changed".into(),
            changes: vec![changed],
            primary: vec![json!({ "kind": "iteration", "number": number })],
            secondary: Vec::new(),
        };
        activity::record(tx, &mut scope, call.now(), draft)?;
    }
    let body = overrides::shown(&scope.project, number, after);
    Ok(Reply::ok(pick(&body, &overrides::OVERRIDE, call.fields())?).at(scope.project.version))
}
