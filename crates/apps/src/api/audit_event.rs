//! Audit events: entries of the ledger that this face's clients know (`audit.…`, `app.crash`).

use crate::api::caller::Reader;
use crate::api::links::Base;
use crate::api::page::{Page, Params, Spec};
use crate::api::show;
use crate::model::actions;
use crate::repo::scope::{self, Visible};
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use identity::Caller;
use ledger::{Filter, Record};
use serde_json::{Value, json};
use store::Tx;

const LIST: Spec = Spec {
    labels: false,
    ..Spec::new(&["types", "target_guids", "target_guids[not]", "space_guids", "organization_guids"])
};
/// What of the ledger is an event here.
const PREFIXES: [&str; 2] = ["audit.", "app.crash"];

fn show_event(base: &Base, record: &Record) -> Value {
    let place = |index: usize| record.scope.get(index).map(|guid| json!({ "guid": guid }));
    let actor = match record.actor.kind.as_str() {
        "person" | "client" => "user",
        "system" => "process",
        other => other,
    };
    let rest = json!({
        "type": record.action,
        "actor": { "guid": record.actor.id, "type": actor, "name": record.actor.name },
        "target": { "guid": record.object.id, "type": record.object.kind, "name": record.object.name },
        "data": if record.data.is_null() { json!({}) } else { record.data.clone() },
        "organization": place(0),
        "space": place(1),
        "links": { "self": base.link(&format!("/v3/audit_events/{}", record.id)) },
    });
    show::resource(&record.id, record.at, record.at, None, rest)
}

/// The events the caller may see, and nothing else yet.
fn visible(tx: &mut Tx<'_>, caller: &Caller) -> Result<Filter, ApiError> {
    let mut filter = Filter { action_prefixes: PREFIXES.map(str::to_owned).to_vec(), ..Filter::default() };
    if !scope::sees_all(caller) {
        let mut places = Visible::load(tx, caller, &actions::SPACE_EVENTS_READ)?.guids();
        places.extend(Visible::load(tx, caller, &actions::ORGANIZATION_EVENTS_READ)?.guids());
        filter.scopes.push(places);
    }
    Ok(filter)
}

pub(super) async fn list_audit_events(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let page = Page::parse(params, &LIST)?;
    apps.db
        .read(move |tx| {
            let mut filter = visible(tx, &caller)?;
            let list = |name: &str| page.filter(name).map(<[String]>::to_vec);
            filter.actions = list("types").unwrap_or_default();
            filter.object_ids = list("target_guids").unwrap_or_default();
            filter.not_object_ids = list("target_guids[not]").unwrap_or_default();
            filter.scopes.extend(list("organization_guids"));
            filter.scopes.extend(list("space_guids"));
            for bound in &page.times {
                match bound.operator.as_str() {
                    "gt" => filter.from = filter.from.max(Some(bound.at + 1_000_000)),
                    "gte" => filter.from = filter.from.max(Some(bound.at)),
                    "lt" => filter.before = Some(filter.before.map_or(bound.at, |before| before.min(bound.at))),
                    _ => {
                        filter.before =
                            Some(filter.before.map_or(bound.at + 1_000_000, |before| before.min(bound.at + 1_000_000)))
                    }
                }
            }
            filter.descending = page.descending();
            // What the ledger cannot be asked for is picked from what it can.
            if page.filter("guids").is_some()
                || page.moments("created_at").is_some()
                || page.moments("updated_at").is_some()
            {
                filter.limit = MOST_PICKED;
                let (mut records, _) = ledger::find(tx, &filter)?;
                records.retain(|record| page.keeps(&record.id, record.at, record.at));
                let total = records.len() as u64;
                let shown = page.slice(records).iter().map(|record| show_event(&base, record)).collect();
                return Ok(Json(page.envelope(&base, total, shown)));
            }
            filter.limit = page.per_page;
            filter.offset = (page.page - 1) * page.per_page;
            let (records, total) = ledger::find(tx, &filter)?;
            let shown = records.iter().map(|record| show_event(&base, record)).collect();
            Ok(Json(page.envelope(&base, total, shown)))
        })
        .await
}

/// So many entries at most are looked through for what the ledger has no index for.
const MOST_PICKED: u64 = 100_000;
/// An entry's id is made in the moment of the entry; clocks may be set between the two.
const SLACK: i64 = 5_000_000;

pub(super) async fn get_audit_event(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let not_found = || ApiError::not_found("Event");
            // The id is a UUID version 7 and holds its time: only entries around it are looked through.
            let at =
                uuid::Uuid::parse_str(&guid).ok().and_then(|id| id.get_timestamp()).ok_or_else(not_found)?.to_unix();
            let at = i64::try_from(at.0).map_err(|_| not_found())? * 1_000_000 + i64::from(at.1 / 1000);
            let mut filter = visible(tx, &caller)?;
            (filter.from, filter.before) = (Some(at - SLACK), Some(at + SLACK));
            filter.limit = MOST_PICKED;
            let (records, _) = ledger::find(tx, &filter)?;
            let found = records.iter().find(|record| record.id == guid).ok_or_else(not_found)?;
            Ok(Json(show_event(&base, found)))
        })
        .await
}
