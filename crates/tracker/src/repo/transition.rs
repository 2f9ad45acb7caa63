//! What states a story has been in, and since when.

use crate::model::story::State;
use crate::repo::record::ToCell;
use sea_query::{Cond, Expr, ExprTrait, Order, Query};
use store::{FromRow, Row, StoreError, Tx};

/// A story came into a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Which story.
    pub story_id: i64,
    /// Of which project.
    pub project_id: i64,
    /// With which version of the project.
    pub project_version: i64,
    /// Into which state.
    pub state: State,
    /// Microseconds.
    pub occurred_at: i64,
    /// The number of who did it.
    pub performed_by_id: i64,
}

const COLUMNS: [&str; 6] = ["story_id", "project_id", "project_version", "state", "occurred_at", "performed_by_id"];

impl FromRow for Transition {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            story_id: row.at(0)?,
            project_id: row.at(1)?,
            project_version: row.at(2)?,
            state: row.at(3)?,
            occurred_at: row.at(4)?,
            performed_by_id: row.at(5)?,
        })
    }
}

/// Notes one.
pub fn add(tx: &mut Tx<'_>, transition: &Transition) -> Result<(), StoreError> {
    tx.exec(Query::insert().into_table("story_transition").columns(COLUMNS).values_panic([
        transition.story_id.into(),
        transition.project_id.into(),
        transition.project_version.into(),
        transition.state.to_cell().into(),
        transition.occurred_at.into(),
        transition.performed_by_id.into(),
    ]))
    .map(|_| ())
}

/// Those that meet `condition`, in the order in which they happened.
pub fn list(tx: &mut Tx<'_>, condition: Cond) -> Result<Vec<Transition>, StoreError> {
    tx.rows(
        Query::select()
            .columns(COLUMNS)
            .from("story_transition")
            .cond_where(condition)
            .order_by("occurred_at", Order::Asc)
            .order_by("project_version", Order::Asc)
            .order_by("story_id", Order::Asc),
    )
}

/// Those of these stories.
pub fn of_stories(tx: &mut Tx<'_>, stories: &[i64]) -> Result<Vec<Transition>, StoreError> {
    let mut found = Vec::new();
    for some in stories.chunks(500) {
        found.extend(list(tx, Cond::all().add(Expr::col("story_id").is_in(some.iter().copied())))?);
    }
    Ok(found)
}
