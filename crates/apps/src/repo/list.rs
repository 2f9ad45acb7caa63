//! One page of a table: the filters all lists have, a total order, and the number of all matches.

use crate::ApiError;
use crate::api::page::Page;
use crate::model::label::Requirement;
use sea_query::{Cond, Expr, ExprTrait, IntoCondition, Order, Query, SelectStatement, SimpleExpr};
use store::{FromRow, Row, StoreError, Tx};

/// Rows of one page, and how many match in all.
#[derive(Debug)]
pub struct Listed<T> {
    /// This page's rows, in order.
    pub rows: Vec<T>,
    /// All matches.
    pub total: u64,
}

/// The page of `table` (which has columns `guid`, `created_at`, `updated_at`) that meets `narrowed` (who may see what),
/// the resource's own filters in it, and the filters every list has.
pub fn rows<T: FromRow>(
    tx: &mut Tx<'_>,
    page: &Page,
    table: &'static str,
    columns: &[&'static str],
    narrowed: Cond,
) -> Result<Listed<T>, ApiError> {
    let condition = Cond::all().add(narrowed).add(common(page));
    let count = Query::select().expr(Expr::col("guid").count()).from(table).cond_where(condition.clone()).take();
    let total: u64 = tx.value(&count)?.unwrap_or(0);
    let mut select = Query::select();
    select.columns(columns.iter().copied()).from(table).cond_where(condition);
    let (column, order) = page.order();
    select.order_by(column.to_owned(), order.clone());
    if column != "created_at" {
        select.order_by("created_at", Order::Asc);
    }
    // Rows of one moment keep one order in both directions.
    select.order_by("guid", order).limit(page.per_page).offset((page.page - 1) * page.per_page);
    let rows = if total == 0 { Vec::new() } else { tx.rows(&select)? };
    Ok(Listed { rows, total })
}

/// `column` is one of what filter `name` lists; no condition without the filter.
pub fn any_of(page: &Page, name: &str, column: &'static str) -> Cond {
    match page.filter(name) {
        Some(values) => Expr::col(column).is_in(values.iter().cloned()).into_condition(),
        None => Cond::all(),
    }
}

/// `column` is in the answer of `select`, if filter `name` is there; `select` gets the filter's values.
pub fn any_in(
    page: &Page,
    name: &str,
    column: &'static str,
    select: impl FnOnce(&[String]) -> SelectStatement,
) -> Cond {
    match page.filter(name) {
        Some(values) => Expr::col(column).in_subquery(select(values)).into_condition(),
        None => Cond::all(),
    }
}

fn common(page: &Page) -> Cond {
    let mut condition = Cond::all().add(any_of(page, "guids", "guid"));
    for limit in &page.times {
        let column = Expr::col(limit.column);
        // A moment on the wire is a whole second of the table.
        let end = limit.at + 1_000_000;
        condition = condition.add(match limit.operator.as_str() {
            "gt" => column.gte(end),
            "gte" => column.gte(limit.at),
            "lt" => column.lt(limit.at),
            _ => column.lt(end),
        });
    }
    for column in ["created_at", "updated_at"] {
        if let Some(moments) = page.moments(column) {
            let mut any = Cond::any().add(never());
            for at in moments {
                any = any.add(Expr::col(column).between(*at, at + 999_999));
            }
            condition = condition.add(any);
        }
    }
    for requirement in &page.labels {
        condition = condition.add(match requirement {
            Requirement::Exists(key) => Expr::col("guid").in_subquery(labelled(key, None)),
            Requirement::Missing(key) => Expr::col("guid").not_in_subquery(labelled(key, None)),
            Requirement::In(key, values) => Expr::col("guid").in_subquery(labelled(key, Some(values))),
            Requirement::NotIn(key, values) => Expr::col("guid").not_in_subquery(labelled(key, Some(values))),
        });
    }
    condition
}

fn labelled(key: &str, values: Option<&[String]>) -> SelectStatement {
    let mut select = Query::select();
    select
        .column("resource_guid")
        .from("metadata")
        .and_where(Expr::col("kind").eq("label"))
        .and_where(Expr::col("name").eq(key));
    if let Some(values) = values {
        select.and_where(Expr::col("value").is_in(values.iter().cloned()));
    }
    select
}

/// Rows of `table` with these guids, oldest first; for `included`.
pub fn by_guids<T: FromRow>(
    tx: &mut Tx<'_>,
    table: &'static str,
    columns: &[&'static str],
    guids: &[String],
) -> Result<Vec<T>, ApiError> {
    if guids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Query::select();
    select
        .columns(columns.iter().copied())
        .from(table)
        .and_where(Expr::col("guid").is_in(guids.iter().cloned()))
        .order_by("created_at", Order::Asc)
        .order_by("guid", Order::Asc);
    Ok(tx.rows(&select)?)
}

/// Changes columns of the row with `guid`.
pub fn update(
    tx: &mut Tx<'_>,
    table: &'static str,
    guid: &str,
    values: impl IntoIterator<Item = (&'static str, SimpleExpr)>,
) -> Result<(), StoreError> {
    tx.exec(Query::update().table(table).values(values).and_where(Expr::col("guid").eq(guid))).map(|_| ())
}

/// Removes the row with `guid`, and its metadata.
pub fn delete(tx: &mut Tx<'_>, table: &'static str, guid: &str) -> Result<(), StoreError> {
    super::metadata::remove(tx, guid)?;
    tx.exec(Query::delete().from_table(table).and_where(Expr::col("guid").eq(guid))).map(|_| ())
}

/// Is there a row in `table` for which `condition` holds?
pub fn exists(tx: &mut Tx<'_>, table: &'static str, condition: Cond) -> Result<bool, StoreError> {
    let one = tx.value::<i64>(Query::select().expr(Expr::val(1)).from(table).cond_where(condition).limit(1))?;
    Ok(one.is_some())
}

/// The `guid` column of all rows of `table` for which `condition` holds.
pub fn guids(tx: &mut Tx<'_>, table: &'static str, condition: Cond) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Row> =
        tx.rows(Query::select().column("guid").from(table).cond_where(condition).order_by("guid", Order::Asc))?;
    rows.iter().map(|row| row.at(0)).collect()
}

/// No row.
pub fn never() -> Cond {
    Expr::val(1).eq(0).into_condition()
}
