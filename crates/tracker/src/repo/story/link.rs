//! Owners, labels and followers of stories.

use crate::repo::record;
use sea_query::{Expr, ExprTrait, Order, Query};
use std::collections::HashMap;
use store::{Row, StoreError, Tx};

/// Who works on a story, first one first.
pub fn owners(tx: &mut Tx<'_>, story: i64) -> Result<Vec<i64>, StoreError> {
    of_story(tx, "story_owner", story)
}

/// Who follows a story expressly.
pub fn followers(tx: &mut Tx<'_>, story: i64) -> Result<Vec<i64>, StoreError> {
    of_story(tx, "story_follower", story)
}

/// Numbers and names of a story's labels.
pub fn labels(tx: &mut Tx<'_>, story: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .columns([("label", "id"), ("label", "name")])
            .from("story_label")
            .inner_join("label", Expr::col(("label", "id")).equals(("story_label", "label_id")))
            .and_where(Expr::col(("story_label", "story_id")).eq(story))
            .order_by(("story_label", "place"), Order::Asc)
            .order_by(("label", "id"), Order::Asc),
    )?;
    rows.iter().map(|row| Ok((row.at(0)?, row.at(1)?))).collect()
}

fn of_story(tx: &mut Tx<'_>, table: &'static str, story: i64) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<Row> = tx.rows(
        Query::select()
            .column("person_id")
            .from(table)
            .and_where(Expr::col("story_id").eq(story))
            .order_by("place", Order::Asc)
            .order_by("person_id", Order::Asc),
    )?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// Which stories: a whole project, or some.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// All of a project, in one statement.
    Project(i64),
    /// These.
    Stories(&'a [i64]),
}

/// `story_owner`, `story_follower` or `story_label` of many stories at once.
pub fn many(tx: &mut Tx<'_>, table: &'static str, of: Of<'_>) -> Result<HashMap<i64, Vec<i64>>, StoreError> {
    let column = if table == "story_label" { "label_id" } else { "person_id" };
    let mut found: HashMap<i64, Vec<i64>> = HashMap::new();
    let mut take = |tx: &mut Tx<'_>, condition: Expr| -> Result<(), StoreError> {
        let rows: Vec<Row> = tx.rows(
            Query::select()
                .columns(["story_id", column])
                .from(table)
                .and_where(condition)
                .order_by("story_id", Order::Asc)
                .order_by("place", Order::Asc)
                .order_by(column, Order::Asc),
        )?;
        for row in rows {
            found.entry(row.at(0)?).or_default().push(row.at(1)?);
        }
        Ok(())
    };
    match of {
        Of::Project(id) => take(tx, Expr::col("project_id").eq(id))?,
        Of::Stories(ids) => {
            for some in ids.chunks(500) {
                take(tx, Expr::col("story_id").is_in(some.iter().copied()))?;
            }
        }
    }
    Ok(found)
}

/// How many tasks, comments, … each story has.
pub fn counts(
    tx: &mut Tx<'_>,
    table: &'static str,
    project_id: i64,
    condition: Option<Expr>,
) -> Result<HashMap<i64, i64>, StoreError> {
    let mut select = Query::select();
    select
        .column("story_id")
        .expr(sea_query::Func::count(Expr::col("id")))
        .from(table)
        .and_where(Expr::col("project_id").eq(project_id))
        .and_where(Expr::col("story_id").is_not_null())
        .group_by_col("story_id");
    if let Some(condition) = condition {
        select.and_where(condition);
    }
    let rows: Vec<Row> = tx.rows(&select)?;
    rows.iter().map(|row| Ok((row.at(0)?, row.at(1)?))).collect()
}

/// Replaces a story's owners, labels or followers.
pub fn set(
    tx: &mut Tx<'_>,
    table: &'static str,
    story: i64,
    project_id: i64,
    before: &[i64],
    after: &[i64],
) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    let column = if table == "story_label" { "label_id" } else { "person_id" };
    if !before.is_empty() {
        tx.exec(Query::delete().from_table(table).and_where(Expr::col("story_id").eq(story)))?;
    }
    if after.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(table).columns(["story_id", column, "project_id", "place"]);
    for (place, id) in after.iter().enumerate() {
        insert.values_panic([story.into(), (*id).into(), project_id.into(), (place as i64).into()]);
    }
    tx.exec(&insert).map(|_| ())
}

/// Rows of `table` of many stories at once, by story.
pub fn parts<R: record::Record>(
    tx: &mut Tx<'_>,
    stories: &[i64],
    story_of: impl Fn(&R) -> Option<i64>,
) -> Result<HashMap<i64, Vec<R>>, StoreError> {
    let mut found: HashMap<i64, Vec<R>> = HashMap::new();
    for part in record::all_of::<R>(tx, "story_id", stories)? {
        if let Some(story) = story_of(&part) {
            found.entry(story).or_default().push(part);
        }
    }
    Ok(found)
}
