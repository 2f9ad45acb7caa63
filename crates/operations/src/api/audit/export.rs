//! `GET /api/platform/audit/export?format=csv|json`, with the filters of the page: everything they find, newest first, streamed,
//! so that a long ledger needs no memory.

use super::filter::{FILTERS, Search};
use super::{PAGE, page, shown};
use crate::api::caller::Signed;
use crate::api::query::Params;
use crate::model::csv;
use crate::model::sentence::sentence;
use crate::{ApiError, Operations};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderValue, Uri, header};
use identity::Caller;
use jiff::Timestamp;
use ledger::Record;

const COLUMNS: [&str; 14] = [
    "position",
    "at",
    "sentence",
    "action",
    "actor_kind",
    "actor_id",
    "actor_name",
    "object_kind",
    "object_id",
    "object_name",
    "scope",
    "data",
    "id",
    "hash",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
}

/// What is still to be sent.
struct Export {
    operations: Operations,
    caller: Caller,
    search: Search,
    format: Format,
    /// Entries before this position are still to be read; none before the first page.
    before: Option<i64>,
    begun: bool,
    /// Something was sent, so that a comma goes before what follows.
    any: bool,
    over: bool,
}

/// `GET /api/platform/audit/export`.
pub(in crate::api) async fn export_audit(
    State(operations): State<Operations>,
    Signed(caller, _): Signed,
    uri: Uri,
) -> Result<Response, ApiError> {
    let known = [FILTERS, &["format"]].concat();
    let params = Params::parse(uri.query(), &known)?;
    let (format, kind, name) = match params.text("format") {
        None | Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "audit.csv"),
        Some("json") => (Format::Json, "application/json", "audit.json"),
        Some(other) => return Err(ApiError::bad("format", format!("format: {other:?} is neither csv nor json."))),
    };
    let search = Search::parse(&params, &caller)?;
    let export = Export { operations, caller, search, format, before: None, begun: false, any: false, over: false };
    let pieces = stream::try_unfold(export, |mut export| async move {
        Ok::<_, ApiError>(export.piece().await?.map(|piece| (piece, export)))
    });
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).expect("plain text");
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

impl Export {
    /// One page of it as text.
    async fn piece(&mut self) -> Result<Option<String>, ApiError> {
        if self.over {
            return Ok(None);
        }
        let page = page(&self.operations, &self.caller, &self.search, self.before, PAGE).await?;
        self.over = (page.len() as u64) < PAGE;
        self.before = page.last().map(|record| record.position);
        let mut out = String::new();
        if !self.begun {
            self.begun = true;
            match self.format {
                Format::Csv => csv::line(&mut out, COLUMNS),
                Format::Json => out.push('['),
            }
        }
        for record in page.iter().filter(|record| self.search.keeps(record)) {
            match self.format {
                Format::Csv => csv_line(&mut out, record),
                Format::Json => {
                    out.push_str(if self.any { ",\n" } else { "" });
                    out.push_str(&shown(record).to_string());
                }
            }
            self.any = true;
        }
        if self.over && self.format == Format::Json {
            out.push_str("]\n");
        }
        Ok(Some(out))
    }
}

fn csv_line(out: &mut String, record: &Record) {
    let at = Timestamp::from_microsecond(record.at).unwrap_or_default().to_string();
    let (actor, object) = (&record.actor, &record.object);
    let (position, sentence) = (record.position.to_string(), sentence(record));
    let (scope, data) = (record.scope.join(" "), record.data.to_string());
    csv::line(
        out,
        [
            position.as_str(),
            &at,
            &sentence,
            &record.action,
            &actor.kind,
            &actor.id,
            &actor.name,
            &object.kind,
            &object.id,
            &object.name,
            &scope,
            &data,
            &record.id,
            &record.hash,
        ],
    );
}
