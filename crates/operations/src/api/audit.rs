//! `/api/platform/audit`: the ledger as sentences, for people (row R3). Everybody sees what concerns them and the places where
//! they have a grant; administrators see all.
//!
//! Filters, all of which must hold: `mine=true` (done by the caller, done to him, or to what he owns), `actor` (a user name
//! or id), `kind`, `object` (an id), `name` (of the object; a `*` at the end stands for any rest), `family` (jobs of a
//! family), `action` (exactly, or `job.` or `job.*`: all that begin so), `scope`, `since` and `until` (RFC 3339, or a
//! date), `text` (words of the sentence). Newest first; `next` is the `before` of the next page, null at the end. A page
//! may hold fewer than `limit` entries, and `next` all the same: so many were looked through as one request may.

mod export;
mod filter;

use crate::api::caller::{Administrator, Signed};
use crate::api::query::Params;
use crate::model::sentence::sentence;
use crate::repo::sight::sight;
use crate::{ApiError, Operations};
use axum::Json;
use axum::extract::State;
pub(super) use export::export_audit;
use filter::{FILTERS, Search};
use http::{StatusCode, Uri};
use ledger::{Record, VerifyError};
use serde_json::{Value, json};

const MOST: u64 = 500;
/// Entries that are looked through for one page, where the database cannot choose them.
const PAGE: u64 = 500;
const PAGES: usize = 20;

/// `GET /api/platform/audit`.
pub(super) async fn list_audit(
    State(operations): State<Operations>,
    Signed(caller, _): Signed,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let known = [FILTERS, &["before", "limit"]].concat();
    let params = Params::parse(uri.query(), &known)?;
    let limit = params.get("limit", "a number of entries")?.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad("limit", format!("limit: from 1 to {MOST} are possible.")));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let search = Search::parse(&params, &caller)?;
    let mut before = params.get::<i64>("before", "a position in the ledger, such as 17")?;
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let page_size = if search.looks_through() { PAGE } else { limit as u64 + 1 };
        let page = page(&operations, &caller, &search, before, page_size).await?;
        let whole = (page.len() as u64) < page_size;
        for record in page {
            if entries.len() == limit {
                // There is at least one more.
                return Ok(answer(entries, before));
            }
            before = Some(record.position);
            if search.keeps(&record) {
                entries.push(shown(&record));
            }
        }
        if whole {
            return Ok(answer(entries, None));
        }
    }
    Ok(answer(entries, before))
}

fn answer(entries: Vec<Value>, next: Option<i64>) -> Json<Value> {
    Json(json!({ "entries": entries, "next": next }))
}

/// An entry as the stream of events has it, with its sentence.
fn shown(record: &Record) -> Value {
    let mut shown = serde_json::to_value(record).expect("an entry has only text keys");
    shown["sentence"] = sentence(record).into();
    shown
}

/// One page of what the caller may see, newest first.
async fn page(
    operations: &Operations,
    caller: &identity::Caller,
    search: &Search,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Record>, ApiError> {
    let (caller, mut filter) = (caller.clone(), search.filter.clone());
    (filter.beyond, filter.limit, filter.descending) = (before, limit, true);
    operations
        .db
        .read(move |tx| {
            let filter = ledger::Filter { sight: sight(tx, &caller)?, ..filter.clone() };
            Ok(ledger::page(tx, &filter)?)
        })
        .await
}

/// `GET /api/platform/audit/verify`: follows the chain of hashes from the first entry to the last. `{"intact": true, "entries",
/// "head"}`, or where and how it breaks.
pub(super) async fn verify_audit(
    State(operations): State<Operations>,
    _: Administrator,
) -> Result<Json<Value>, ApiError> {
    // It reads the whole ledger: one at a time.
    let Ok(_permit) = operations.verifying.try_acquire() else {
        let words = "The ledger is being verified already; ask again when that is done.";
        return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "busy", words).retry_after(5));
    };
    match operations.ledger.verify().await {
        Ok(verified) => Ok(Json(json!({ "intact": true, "entries": verified.entries, "head": verified.head }))),
        Err(VerifyError::Broken { position, fault }) => {
            let words = VerifyError::Broken { position, fault }.to_string();
            tracing::error!(position, "{words}");
            Ok(Json(json!({ "intact": false, "position": position, "error": words })))
        }
        Err(VerifyError::Store(error)) => Err(error.into()),
    }
}
