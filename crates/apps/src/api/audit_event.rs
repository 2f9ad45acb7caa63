//! Audit events: entries of the ledger that this face's clients know (`audit.…`, `app.crash`).

use crate::api::caller::Reader;
use crate::api::ledger_page::of_ledger;
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
            of_ledger(tx, &base, &page, filter, show_event)
        })
        .await
}

pub(super) async fn get_audit_event(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    base: Base,
    Path(guid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    apps.db
        .read(move |tx| {
            let filter = Filter { ids: vec![guid.clone()], limit: 1, ..visible(tx, &caller)? };
            let (records, _) = ledger::find(tx, &filter)?;
            let found = records.first().ok_or_else(|| ApiError::not_found("Event"))?;
            Ok(Json(show_event(&base, found)))
        })
        .await
}
