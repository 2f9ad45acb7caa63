//! Usage events of apps: append-only, in the order in which they happened, for who sees the whole platform.

use super::caller::{Reader, Writer};
use super::ledger_page::of_ledger;
use super::links::Base;
use super::page::{Page, Params, Spec};
use super::routes::Routes;
use super::show;
use crate::repo::scope;
use crate::repo::usage_event::{self as repo, OBJECT, PREFIX};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use identity::Caller;
use ledger::{Filter, Record};
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec { labels: false, ..Spec::new(&["after_guid"]) };

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/v3/app_usage_events", list_app_usage_events)
        .get("/v3/app_usage_events/{guid}", get_app_usage_event)
        .post("/v3/app_usage_events/actions/destructively_purge_all_and_reseed", restart_series)
}

fn show_event(base: &Base, record: &Record) -> Value {
    let mut rest = record.data.clone();
    rest["links"] = json!({"self": base.link(&format!("/v3/app_usage_events/{}", record.id))});
    show::resource(&record.id, record.at, record.at, None, rest)
}

fn series(tx: &mut Tx<'_>) -> Result<Filter, ApiError> {
    Ok(Filter {
        object_ids: vec![OBJECT.into()],
        action_prefixes: vec![PREFIX.into()],
        after: Some(repo::beginning(tx)?),
        ..Filter::default()
    })
}

/// Refused to others; a single event they do not find.
fn check(caller: &Caller) -> Result<(), ApiError> {
    if scope::sees_all(caller) { Ok(()) } else { Err(ApiError::not_authorized()) }
}

fn find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Record>, ApiError> {
    let filter = Filter { ids: vec![guid.into()], limit: 1, ..series(tx)? };
    Ok(ledger::find(tx, &filter)?.0.into_iter().next())
}

async fn list_app_usage_events(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    check(&caller)?;
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut filter = series(tx)?;
            if let Some([after]) = page.filter("after_guid") {
                let after = find(tx, after)?
                    .ok_or_else(|| ApiError::bad_query("After guid filter must be a valid app usage event guid."))?;
                filter.after = Some(after.position);
            }
            of_ledger(tx, &base, &page, filter, show_event)
        })
        .await
}

async fn get_app_usage_event(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let not_found = || ApiError::not_found("App usage event");
    check(&caller).map_err(|_| not_found())?;
    let found = apps.db.read(move |tx| find(tx, &guid)).await?;
    found.map(|record| Json(show_event(&base, &record))).ok_or_else(not_found)
}

/// Nothing is removed from the ledger: the list begins after this, with what runs now.
async fn restart_series(State(apps): State<Apps>, Writer(caller): Writer) -> Result<Json<Value>, ApiError> {
    scope::administer(&caller)?;
    apps.db.write(move |tx| Ok::<_, ApiError>(repo::restart(tx, &caller)?)).await?;
    Ok(Json(json!({})))
}
