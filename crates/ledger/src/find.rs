//! Looking entries up: for the audit page and the audit events of compatible APIs.

use crate::entry::Record;
use crate::row::{Head, select};
use crate::sight::Sight;
use sea_query::{Cond, Condition, Expr, ExprTrait, Func, Order, Query};
use store::{StoreError, Tx};

/// Which entries, and which of them. An empty list does not restrict; everything given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Any of these entries, by id.
    pub ids: Vec<String>,
    /// Any of these actions.
    pub actions: Vec<String>,
    /// Actions that start with any of these (`audit.`).
    pub action_prefixes: Vec<String>,
    /// Any of these kinds of object.
    pub object_kinds: Vec<String>,
    /// Any of these objects.
    pub object_ids: Vec<String>,
    /// Objects that had any of these names then.
    pub object_names: Vec<String>,
    /// Objects whose name then began with any of these; or any of `object_names`.
    pub object_name_beginnings: Vec<String>,
    /// None of these objects.
    pub not_object_ids: Vec<String>,
    /// Any of these actors.
    pub actor_ids: Vec<String>,
    /// For each group: in any of its scopes. An empty group matches nothing (the caller may see no scope at all).
    pub scopes: Vec<Vec<String>>,
    /// Only what these eyes see; none: everything.
    pub sight: Option<Sight>,
    /// At this time or later (microseconds since 1970 UTC).
    pub from: Option<i64>,
    /// Before this time.
    pub before: Option<i64>,
    /// After this position, whatever the order.
    pub after: Option<i64>,
    /// Beyond this position, in the direction of the order: the last position of the page before (a keyset).
    pub beyond: Option<i64>,
    /// So many are left out first. For pages by number; a keyset is cheaper.
    pub offset: u64,
    /// At most so many.
    pub limit: u64,
    /// Newest first.
    pub descending: bool,
}

/// The entries of one page in the order of their positions, and how many there are on all pages (`beyond`, `offset` and
/// `limit` aside). Entries that wait for their seal are not found yet.
pub fn find(tx: &mut Tx<'_>, filter: &Filter) -> Result<(Vec<Record>, u64), StoreError> {
    let condition = condition(filter);
    let total: Option<u64> =
        tx.value(Query::select().expr(Func::count(Expr::col("id"))).from("ledger").cond_where(condition.clone()))?;
    Ok((rows(tx, filter, condition)?, total.unwrap_or(0)))
}

/// The entries of one page as [`find`] gives them, uncounted: cheap however many there are.
pub fn page(tx: &mut Tx<'_>, filter: &Filter) -> Result<Vec<Record>, StoreError> {
    rows(tx, filter, condition(filter))
}

/// The position of the last entry, 0 if there is none, as this unit of work sees it.
pub fn last_position(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(Head::read(tx)?.position)
}

fn rows(tx: &mut Tx<'_>, filter: &Filter, condition: Condition) -> Result<Vec<Record>, StoreError> {
    let mut page = select();
    page.cond_where(condition);
    if let Some(beyond) = filter.beyond {
        let position = Expr::col("position");
        page.and_where(if filter.descending { position.lt(beyond) } else { position.gt(beyond) });
    }
    page.order_by("position", if filter.descending { Order::Desc } else { Order::Asc })
        .limit(filter.limit)
        .offset(filter.offset);
    tx.rows(&page)
}

/// The entries with these ids, sealed or not, in no order; unknown ones are left out. For rooms that keep an index of their
/// own over entries that they appended.
pub fn by_ids(tx: &mut Tx<'_>, ids: &[String]) -> Result<Vec<Record>, StoreError> {
    let mut found = Vec::new();
    // As many parameters as every database takes.
    for some in ids.chunks(500) {
        found.extend(tx.rows::<Record>(select().and_where(Expr::col("id").is_in(some.iter().cloned())))?);
    }
    Ok(found)
}

fn condition(filter: &Filter) -> Condition {
    let any_of =
        |column: &'static str, values: &[String]| (!values.is_empty()).then(|| Expr::col(column).is_in(values));
    let mut all = Cond::all()
        .add(Expr::col("position").is_not_null())
        .add_option(any_of("id", &filter.ids))
        .add_option(any_of("action", &filter.actions))
        .add_option(any_of("object_kind", &filter.object_kinds))
        .add_option(any_of("object_id", &filter.object_ids))
        .add_option(any_of("actor_id", &filter.actor_ids))
        .add_option(filter.from.map(|from| Expr::col("at").gte(from)))
        .add_option(filter.before.map(|before| Expr::col("at").lt(before)))
        .add_option(filter.after.map(|after| Expr::col("position").gt(after)));
    if !filter.not_object_ids.is_empty() {
        all = all.add(Expr::col("object_id").is_not_in(&filter.not_object_ids));
    }
    if !filter.action_prefixes.is_empty() {
        let prefixes = filter.action_prefixes.iter().map(|prefix| begins("action", prefix));
        all = all.add(prefixes.fold(Cond::any(), Condition::add));
    }
    if !filter.object_names.is_empty() || !filter.object_name_beginnings.is_empty() {
        let beginnings = filter.object_name_beginnings.iter().map(|beginning| begins("object_name", beginning));
        all = all
            .add(beginnings.fold(Cond::any().add_option(any_of("object_name", &filter.object_names)), Condition::add));
    }
    for group in &filter.scopes {
        // `IN ()` is no SQL: sea-query renders an empty list as a condition that is false.
        all = all.add(Cond::any().add(Expr::col("scope").is_in(group)).add(Expr::col("scope_inner").is_in(group)));
    }
    all.add_option(filter.sight.as_ref().map(Sight::condition))
}

/// Texts of `column` that begin with `prefix`: bounded by the highest character; columns compare by bytes on every database.
pub(crate) fn begins(column: &'static str, prefix: &str) -> Expr {
    Expr::col(column).gte(prefix).and(Expr::col(column).lt(format!("{prefix}\u{10FFFF}")))
}
