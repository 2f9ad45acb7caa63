//! What somebody said about single iterations. Iterations themselves are nowhere: they are reckoned.

use crate::model::calendar::Override;
use crate::model::plan::{self, Plan};
use crate::model::story::State;
use crate::repo::project::{self, Project};
use sea_query::{Expr, ExprTrait, Order, Query};
use std::collections::BTreeMap;
use store::{FromRow, Row, StoreError, Tx};

/// All overrides of a project.
pub fn overrides(tx: &mut Tx<'_>, project_id: i64) -> Result<BTreeMap<u32, Override>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .columns(["number", "length", "team_strength"])
            .from("iteration_override")
            .and_where(Expr::col("project_id").eq(project_id))
            .order_by("number", Order::Asc),
    )?;
    rows.iter().map(|row| Ok((row.at(0)?, Override { length: row.at(1)?, strength: row.at(2)? }))).collect()
}

/// Sets one; what says nothing is removed.
pub fn set_override(tx: &mut Tx<'_>, project_id: i64, number: u32, change: Override) -> Result<(), StoreError> {
    tx.exec(
        Query::delete()
            .from_table("iteration_override")
            .and_where(Expr::col("project_id").eq(project_id))
            .and_where(Expr::col("number").eq(number)),
    )?;
    if change == Override::default() {
        return Ok(());
    }
    tx.exec(
        Query::insert()
            .into_table("iteration_override")
            .columns(["project_id", "number", "length", "team_strength"])
            .values_panic([project_id.into(), number.into(), change.length.into(), change.strength.into()]),
    )
    .map(|_| ())
}

/// Removes all of a project; when its weeks begin on another day.
pub fn reset_overrides(tx: &mut Tx<'_>, project_id: i64) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("iteration_override").and_where(Expr::col("project_id").eq(project_id)))
        .map(|_| ())
}

/// A story as planning sees it.
struct Lean(plan::Story);

impl FromRow for Lean {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(plan::Story {
            id: row.at(0)?,
            state: row.at(1)?,
            points: row.at::<Option<f64>>(2)?.unwrap_or(0.0),
            accepted_at: row.at(3)?,
        }))
    }
}

/// All stories of a project in its order, as planning sees them; accepted ones only from `since` on, if it is given.
pub fn lean(tx: &mut Tx<'_>, project_id: i64, since: Option<i64>) -> Result<Vec<plan::Story>, StoreError> {
    let mut select = Query::select();
    select
        .columns(["id", "current_state", "estimate", "accepted_at"])
        .from("story")
        .and_where(Expr::col("project_id").eq(project_id));
    if let Some(since) = since {
        select.and_where(Expr::col("current_state").ne(State::Accepted.as_str()).or(Expr::col("position").gte(since)));
    }
    select.order_by("panel", Order::Asc).order_by("position", Order::Asc).order_by("id", Order::Asc);
    let rows: Vec<Lean> = tx.rows(&select)?;
    Ok(rows.into_iter().map(|lean| lean.0).collect())
}

/// The plan of a whole project, and the stories it is made of.
pub fn plan(
    tx: &mut Tx<'_>,
    project: &Project,
    now: i64,
) -> Result<(crate::model::calendar::Calendar, Vec<plan::Story>, Plan), StoreError> {
    let calendar = project::calendar(tx, project)?;
    let stories = lean(tx, project.id, None)?;
    let settings = project.settings();
    let plan = plan::plan(&calendar, settings.strategy(), settings.automatic_planning, &stories, now);
    Ok((calendar, stories, plan))
}
