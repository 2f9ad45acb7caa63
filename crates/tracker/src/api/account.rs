//! The one account of this installation (single-account mode): everybody is in it; administrators of the platform are its
//! administrators.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{at, person as view, project::ACCOUNT};
use crate::model::fields::Fields;
use crate::repo::person::{self, Somebody};
use crate::repo::project::Project;
use crate::repo::record;
use identity::{Person, PersonState};
use sea_query::{Expr, ExprTrait};
use serde_json::{Value, json};
use store::Tx;

/// Its name.
pub const NAME: &str = "Pitlane";

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/accounts", list_accounts)
        .get("/accounts/{account_id}", get_account)
        .get("/account_summaries", list_summaries)
        .get("/accounts/{account_id}/memberships", list_members)
        .get("/accounts/{account_id}/memberships/{person_id}", get_member)
}

fn administrator(call: &Call) -> Result<(), ApiError> {
    if call.known()?.admin { Ok(()) } else { Err(ApiError::unauthorized()) }
}

fn here(call: &Call) -> Result<(), ApiError> {
    // An account one may not see and one that there is not are the same.
    if call.id("account_id")? == ACCOUNT { administrator(call) } else { Err(ApiError::unauthorized()) }
}

fn account(tx: &mut Tx<'_>) -> Result<Value, ApiError> {
    let projects: Vec<Project> = record::all(tx, Expr::val(1).eq(1))?;
    let first = projects.iter().map(|project| project.created_at).min();
    let mut account = json!({
        "kind": "account", "id": ACCOUNT, "name": NAME, "status": "active", "plan": "Free",
        "project_ids": projects.iter().map(|project| project.id).collect::<Vec<_>>(),
    });
    if let Some(first) = first.and_then(at) {
        account["created_at"] = first.clone();
        account["updated_at"] = first;
    }
    Ok(account)
}

fn list_accounts(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let accounts = if call.known()?.admin { vec![account(tx)?] } else { Vec::new() };
    Ok(Reply::ok(Value::Array(accounts)))
}

fn get_account(tx: &mut Tx<'_>, call: &Call) -> Answer {
    here(call)?;
    Ok(Reply::ok(account(tx)?))
}

const PERMISSIONS: [&str; 5] = ["none", "project_creation", "time_keeping", "time_entering", "administration"];

fn list_summaries(_: &mut Tx<'_>, call: &Call) -> Answer {
    call.params().only(&["with_permission"])?;
    let wanted = call
        .params()
        .one_of("with_permission", &PERMISSIONS, |text| PERMISSIONS.iter().find(|known| **known == text).copied())?;
    let has = match wanted {
        None | Some("none" | "project_creation") => true,
        Some(_) => call.known()?.admin,
    };
    call.known()?;
    let summary = json!({ "kind": "account_summary", "id": ACCOUNT, "name": NAME, "status": "active", "plan": "Free" });
    Ok(Reply::ok(Value::Array(has.then_some(summary).into_iter().collect())))
}

fn member(tx: &mut Tx<'_>, who: &Somebody) -> Result<Value, ApiError> {
    let admin = identity::is_administrator(tx, &identity::Subject::Person(who.person.id.clone()))?;
    Ok(json!({
        "kind": "account_membership",
        "id": who.id(),
        "person": view::person(who, true, &Fields::all_default())?,
        "account_id": ACCOUNT,
        "owner": false,
        "admin": admin,
        "project_creator": true,
        "timekeeper": false,
        "time_enterer": false,
        "created_at": at(who.person.created_at),
        "updated_at": at(who.person.updated_at),
    }))
}

fn list_members(tx: &mut Tx<'_>, call: &Call) -> Answer {
    here(call)?;
    let active = |person: &Person| person.state == PersonState::Active;
    let guids: Vec<String> = identity::person_list(tx)?.into_iter().filter(active).map(|person| person.id).collect();
    let everybody = person::people_by_guid(tx, &guids)?;
    let members: Result<Vec<Value>, ApiError> = everybody.values().map(|who| member(tx, who)).collect();
    Ok(Reply::ok(Value::Array(members?)))
}

fn get_member(tx: &mut Tx<'_>, call: &Call) -> Answer {
    here(call)?;
    let who = person::person(tx, call.id("person_id")?)?.ok_or_else(ApiError::unfound)?;
    Ok(Reply::ok(member(tx, &who)?))
}
