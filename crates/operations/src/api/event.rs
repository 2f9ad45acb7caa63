//! `GET /api/events?after=POSITION[&scope=project:12]`: the ledger as server-sent events, for pages.
//!
//! `id` is an entry's position, `data` the entry as JSON (`position`, `id`, `at` in microseconds, `actor`, `action`,
//! `object`, `scope`, `data`, `hash`). Only what the caller may see comes: administrators see all, others what lies in a
//! place where they have a grant, what they did themselves, and what was done to them. `scope` may be given more than
//! once. Without `after` (or `Last-Event-ID`, which goes before it) the stream begins with what comes next.
//!
//! Two events have a name: `reset` (`{"position"}`) says that the ledger is shorter than the reader thought, as after a
//! restore, so what it shows is to be loaded anew; `end` (`{"reason"}`) says that the caller's session, token or account
//! ended, before the stream does. Every 15 s of silence an event without data tells the position.

use crate::api::caller::Signed;
use crate::api::query::Params;
use crate::events::Wanted;
use crate::{ApiError, Operations};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::{HeaderMap, Uri, header};
use std::convert::Infallible;

const POSITION: &str = "a position in the ledger, such as 17";

/// `GET /api/events`.
pub(super) async fn stream_events(
    State(operations): State<Operations>,
    Signed(caller, proof): Signed,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let params = Params::parse(uri.query(), &["after", "scope"])?;
    let after = match headers.get("last-event-id") {
        Some(last) => Some(
            last.to_str()
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| ApiError::bad("last-event-id", format!("Last-Event-ID is not {POSITION}.")))?,
        ),
        None => params.get::<i64>("after", POSITION)?,
    };
    if after.is_some_and(|after| after < 0) {
        return Err(ApiError::bad("after", format!("after is not {POSITION}.")));
    }
    let wanted = Wanted { after, scopes: params.texts("scope") };
    let reader = operations.hub.open(&caller, proof, wanted).await?;
    let body = Body::from_stream(reader.pieces().map(Ok::<_, Infallible>));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies in front of ours pass it on piece by piece.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}
