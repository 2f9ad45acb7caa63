//! Lists whose rows are entries of the ledger: audit events and usage events.

use crate::ApiError;
use crate::api::links::Base;
use crate::api::page::Page;
use axum::Json;
use ledger::{Filter, Record};
use serde_json::Value;
use store::Tx;

/// So many entries at most are looked through for single moments, for which the ledger has no index.
const MOST_PICKED: u64 = 100_000;
const SECOND: i64 = 1_000_000;

/// The page that `page` asks for of what `filter` finds, with the filters that every list has; `show` makes a resource of an
/// entry.
pub(super) fn of_ledger(
    tx: &mut Tx<'_>,
    base: &Base,
    page: &Page,
    mut filter: Filter,
    show: fn(&Base, &Record) -> Value,
) -> Result<Json<Value>, ApiError> {
    for bound in &page.times {
        // A moment on the wire is a whole second of the ledger.
        let end = bound.at + SECOND;
        match bound.operator.as_str() {
            "gt" => filter.from = filter.from.max(Some(end)),
            "gte" => filter.from = filter.from.max(Some(bound.at)),
            "lt" => filter.before = Some(filter.before.map_or(bound.at, |before| before.min(bound.at))),
            _ => filter.before = Some(filter.before.map_or(end, |before| before.min(end))),
        }
    }
    filter.descending = page.descending();
    if let Some(guids) = page.filter("guids") {
        filter.ids = guids.to_vec();
    }
    if page.moments("created_at").is_some() || page.moments("updated_at").is_some() {
        filter.limit = MOST_PICKED;
        let (mut records, _) = ledger::find(tx, &filter)?;
        records.retain(|record| page.keeps(&record.id, record.at, record.at));
        let total = records.len() as u64;
        let shown = page.slice(records).iter().map(|record| show(base, record)).collect();
        return Ok(Json(page.envelope(base, total, shown)));
    }
    filter.limit = page.per_page;
    filter.offset = (page.page - 1) * page.per_page;
    let (records, total) = ledger::find(tx, &filter)?;
    let shown = records.iter().map(|record| show(base, record)).collect();
    Ok(Json(page.envelope(base, total, shown)))
}
