//! What was when, day by day.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{pick, pick_all};
use crate::model::calendar::Calendar;
use crate::model::fields::Shape;
use crate::model::role::Action;
use crate::model::time;
use crate::repo::history::{Past, days_of};
use crate::repo::scope;
use crate::repo::story::Story;
use crate::repo::{iteration, project, record, release};
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use sea_query::{Expr, ExprTrait};
use serde_json::Value;
use store::Tx;

/// The longest range of days of one answer.
const MOST_DAYS: i64 = 3660;

/// What daily rows come in.
const DAYS: Shape = Shape { keys: &[], default: &["kind", "header", "data"], extra: &[] };
/// What the end of a day has.
const SNAPSHOT: Shape = Shape { keys: &[], default: &["kind", "date", "current", "backlog", "icebox"], extra: &[] };

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/projects/{project_id}/history/days", list_days)
        .get("/projects/{project_id}/history/iterations/{number}/days", list_iteration_days)
        .get("/projects/{project_id}/history/releases/{release_id}/days", list_release_days)
        .get("/projects/{project_id}/history/snapshots", list_snapshots)
}

/// The days that were asked for, up to the last; the first is where they begin usually.
fn range(call: &Call, first: Date, last: Date) -> Result<(Date, Date), ApiError> {
    let params = call.params();
    params.only(&["start_date", "end_date"])?;
    let from = params.date_or_null("start_date")?.flatten().unwrap_or(first);
    let to = params.date_or_null("end_date")?.flatten().unwrap_or(last).min(last);
    // Days of a civilisation would be rows of one, too.
    let earliest = to.saturating_sub(Span::new().days(MOST_DAYS));
    Ok((from.max(earliest), to))
}

fn today(call: &Call, calendar: &Calendar) -> Date {
    time::date(call.now(), calendar.zone())
}

fn stories(tx: &mut Tx<'_>, project: i64) -> Result<Vec<Story>, ApiError> {
    Ok(record::all(tx, Expr::col("project_id").eq(project))?)
}

fn list_days(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let calendar = project::calendar(tx, &scope.project)?;
    let usual = time::date(scope.project.created_at, calendar.zone());
    let (from, to) = range(call, usual, today(call, &calendar))?;
    let stories = stories(tx, scope.project.id)?;
    let days = Past::load(tx, stories)?.days(&calendar, from, to);
    Ok(Reply::ok(pick(&days, &DAYS, call.fields())?).at(scope.project.version))
}

fn list_iteration_days(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let number = u32::try_from(call.id("number")?).map_err(|_| ApiError::unfound())?;
    let (calendar, planned, plan) = iteration::plan(tx, &scope.project, call.now())?;
    let one = plan.iteration(number).ok_or_else(ApiError::unfound)?;
    let ids: Vec<i64> = plan.stories_of(one).iter().map(|&index| planned[index].id).collect();
    let (first, last) = days_of(&calendar, number, call.now());
    let (from, to) = range(call, first, last)?;
    let stories = record::all_of(tx, "id", &ids)?;
    let days = Past::load(tx, stories)?.days(&calendar, from.max(first), to);
    Ok(Reply::ok(pick(&days, &DAYS, call.fields())?).at(scope.project.version))
}

fn list_release_days(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let id = call.id("release_id")?;
    let calendar = project::calendar(tx, &scope.project)?;
    let all = release::covered(tx, scope.project.id)?;
    let (_, covered) = all.into_iter().find(|(release, _)| release.id == id).ok_or_else(ApiError::unfound)?;
    let first = covered.iter().map(|story| story.created_at).min().unwrap_or(call.now());
    let (from, to) = range(call, time::date(first, calendar.zone()), today(call, &calendar))?;
    let days = Past::load(tx, covered)?.days(&calendar, from, to);
    Ok(Reply::ok(pick(&days, &DAYS, call.fields())?).at(scope.project.version))
}

fn list_snapshots(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let calendar = project::calendar(tx, &scope.project)?;
    let today = today(call, &calendar);
    let (from, to) = range(call, today.saturating_sub(Span::new().weeks(1)), today)?;
    let stories = stories(tx, scope.project.id)?;
    let past = Past::load(tx, stories)?;
    let mut days: Vec<Value> = Vec::new();
    let mut day = from;
    while day <= to {
        days.push(past.snapshot(&calendar, day));
        day = day.saturating_add(1.day());
    }
    Ok(Reply::ok(pick_all(&days, &SNAPSHOT, call.fields())?).at(scope.project.version))
}
