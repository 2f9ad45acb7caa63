//! What was when: daily sums by state, snapshots, and figures of iterations (reference, sections 2.6 and 16). All of it is
//! reckoned from transitions; estimates are those of today.

use crate::model::calendar::Calendar;
use crate::model::story::{Panel, State, StoryType};
use crate::model::{cycle, points, time};
use crate::repo::project::Project;
use crate::repo::record;
use crate::repo::story::Story;
use crate::repo::transition::{self, Transition};
use jiff::ToSpan;
use jiff::civil::Date;
use sea_query::{Expr, ExprTrait};
use serde_json::{Value, json};
use std::collections::HashMap;
use store::{StoreError, Tx};

/// The states of a daily row, in their order.
const COLUMNS: [State; 8] = [
    State::Accepted,
    State::Delivered,
    State::Finished,
    State::Started,
    State::Rejected,
    State::Planned,
    State::Unstarted,
    State::Unscheduled,
];

/// Stories with their transitions.
pub struct Past {
    stories: Vec<Story>,
    transitions: HashMap<i64, Vec<Transition>>,
}

impl Past {
    /// Of these stories.
    pub fn load(tx: &mut Tx<'_>, stories: Vec<Story>) -> Result<Self, StoreError> {
        let ids: Vec<i64> = stories.iter().map(|story| story.id).collect();
        let mut transitions: HashMap<i64, Vec<Transition>> = HashMap::new();
        for one in transition::of_stories(tx, &ids)? {
            transitions.entry(one.story_id).or_default().push(one);
        }
        Ok(Self { stories, transitions })
    }

    /// The state in which a story was before `moment`; none: it was not there.
    fn state(&self, story: &Story, moment: i64) -> Option<State> {
        let all = self.transitions.get(&story.id)?;
        all.iter().rev().find(|one| one.occurred_at < moment).map(|one| one.state)
    }

    /// One row a day from `from` to `to`, as it was when the day ended.
    pub fn days(&self, calendar: &Calendar, from: Date, to: Date) -> Value {
        let mut header = vec!["date".to_owned()];
        for prefix in ["points", "counts"] {
            header.extend(COLUMNS.iter().map(|state| format!("{prefix}_{}", state.as_str())));
        }
        let mut data = Vec::new();
        let mut day = from;
        while day <= to {
            let end = time::midnight(day.saturating_add(1.day()), calendar.zone());
            let (mut sums, mut counts) = ([0.0; 8], [0_i64; 8]);
            for story in &self.stories {
                let state = self.state(story, end);
                if let Some(slot) = COLUMNS.iter().position(|known| Some(*known) == state) {
                    sums[slot] += story.estimate.unwrap_or(0.0);
                    counts[slot] += 1;
                }
            }
            let mut row = vec![json!(day.to_string())];
            row.extend(sums.map(|sum| json!(sum)));
            row.extend(counts.map(|count| json!(count)));
            data.push(Value::Array(row));
            day = day.saturating_add(1.day());
        }
        json!({ "kind": "daily_history_container", "header": header, "data": data })
    }

    /// Which stories stood in which panel at the end of a day.
    pub fn snapshot(&self, calendar: &Calendar, day: Date) -> Value {
        let end = time::midnight(day.saturating_add(1.day()), calendar.zone());
        let (mut current, mut backlog, mut icebox) = (Vec::new(), Vec::new(), Vec::new());
        for story in &self.stories {
            let Some(state) = self.state(story, end) else { continue };
            let mut one = json!({
                "kind": "story_snapshot",
                "story_id": story.id,
                "state": state,
                "story_type": story.story_type,
            });
            if let Some(estimate) = story.estimate {
                one["estimate"] = points::number(estimate);
            }
            match state {
                State::Accepted => {
                    let number = calendar.number_at(end - 1);
                    if self.accepted_before(story, end).is_some_and(|at| at >= calendar.start(number)) {
                        current.push(one);
                    }
                }
                state if state.is_in_progress() || state == State::Planned => current.push(one),
                state if state.panel() == Panel::Icebox => icebox.push(one),
                _ => backlog.push(one),
            }
        }
        json!({
            "kind": "project_snapshot",
            "date": day.to_string(),
            "current": current,
            "backlog": backlog,
            "icebox": icebox,
        })
    }

    fn accepted_before(&self, story: &Story, moment: i64) -> Option<i64> {
        let all = self.transitions.get(&story.id)?;
        let accepted = |one: &&Transition| one.state == State::Accepted && one.occurred_at < moment;
        all.iter().rev().find(accepted).map(|one| one.occurred_at)
    }
}

/// The days of iteration `number` that have begun.
pub fn days_of(calendar: &Calendar, number: u32, now: i64) -> (Date, Date) {
    let last = calendar.first_day(number + 1).saturating_sub(1.day());
    (calendar.first_day(number), last.min(time::date(now, calendar.zone())))
}

/// Daily rows of the stories accepted or created in an iteration.
pub fn of_iteration(
    tx: &mut Tx<'_>,
    project: &Project,
    calendar: &Calendar,
    number: u32,
    created: bool,
    now: i64,
) -> Result<Value, StoreError> {
    let column = if created { "created_at" } else { "accepted_at" };
    let window = Expr::col(column).gte(calendar.start(number)).and(Expr::col(column).lt(calendar.start(number + 1)));
    let stories = record::all(tx, Expr::col("project_id").eq(project.id).and(window))?;
    let (from, to) = days_of(calendar, number, now);
    Ok(Past::load(tx, stories)?.days(calendar, from, to))
}

/// Figures of an iteration whose stories are `ids`.
pub fn analytics(
    tx: &mut Tx<'_>,
    project: &Project,
    calendar: &Calendar,
    number: u32,
    ids: &[i64],
    now: i64,
) -> Result<Value, StoreError> {
    let stories: Vec<Story> = record::all_of(tx, "id", ids)?;
    let accepted: Vec<Story> = stories.into_iter().filter(|story| story.current_state == State::Accepted).collect();
    let past = Past::load(tx, accepted)?;
    let states = |story: &Story| -> Vec<(State, i64)> {
        let all = past.transitions.get(&story.id).into_iter().flatten();
        all.map(|one| (one.state, one.occurred_at)).collect()
    };
    let mut cycles: Vec<i64> =
        past.stories.iter().filter_map(|story| cycle::details(&states(story), now).total).collect();
    cycles.sort_unstable();
    let judged = |story: &&Story| matches!(story.story_type, StoryType::Feature | StoryType::Bug);
    let all = past.stories.iter().filter(judged).count();
    let rejected = past
        .stories
        .iter()
        .filter(judged)
        .filter(|story| states(story).iter().any(|(state, _)| *state == State::Rejected))
        .count();
    let bug = Expr::col("story_type").eq(StoryType::Bug.as_str());
    let window =
        Expr::col("created_at").gte(calendar.start(number)).and(Expr::col("created_at").lt(calendar.start(number + 1)));
    let bugs: Vec<Story> = record::all(tx, Expr::col("project_id").eq(project.id).and(bug).and(window))?;
    Ok(json!({
        "kind": "analytics",
        "stories_accepted": past.stories.len(),
        "bugs_created": bugs.len(),
        "cycle_time": median(&cycles) / 1000,
        "rejection_rate": if all == 0 { 0.0 } else { 100.0 * rejected as f64 / all as f64 },
    }))
}

fn median(sorted: &[i64]) -> i64 {
    match sorted.len() {
        0 => 0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => (sorted[even / 2 - 1] + sorted[even / 2]) / 2,
    }
}
