//! The one account of this installation (single-account mode): everybody is in it; administrators of the platform are its
//! administrators.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{at, choose, object, person as view, pick_all, project, project::ACCOUNT};
use crate::model::fields::{Fields, Shape};
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
    administrator(call)?;
    // An account one may not see and one that there is not are the same.
    if call.id("account_id")? == ACCOUNT { Ok(()) } else { Err(ApiError::unauthorized()) }
}

/// What an account has.
const SHAPE: Shape = Shape {
    keys: &["id"],
    default: &["kind", "name", "status", "plan", "created_at", "updated_at"],
    // Nothing runs out here: no days are left.
    extra: &["project_ids", "projects", "days_left"],
};

fn account(tx: &mut Tx<'_>, call: &Call) -> Result<Value, ApiError> {
    let first = identity::person_list(tx)?.iter().map(|person| person.created_at).min().and_then(at);
    let projects: Vec<Project> = record::all(tx, Expr::val(1).eq(1))?;
    object(&choose(call.fields(), &SHAPE)?, |field| {
        Ok(match field.name {
            "created_at" | "updated_at" => first.clone(),
            "project_ids" => Some(projects.iter().map(|project| json!(project.id)).collect()),
            "projects" => {
                let shown = projects.iter().map(|one| project::project(tx, call, one, &field.selection()));
                Some(Value::Array(shown.collect::<Result<_, _>>()?))
            }
            "kind" => Some(json!("account")),
            name => summary().get(name).cloned(),
        })
    })
}

fn list_accounts(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let accounts = if call.known()?.admin { vec![account(tx, call)?] } else { Vec::new() };
    Ok(Reply::ok(Value::Array(accounts)))
}

fn get_account(tx: &mut Tx<'_>, call: &Call) -> Answer {
    here(call)?;
    Ok(Reply::ok(account(tx, call)?))
}

/// What a summary of an account has.
const SUMMARY: Shape = Shape { keys: &["id"], default: &["kind", "name", "status", "plan"], extra: &["days_left"] };

/// The account in lists.
fn summary() -> Value {
    json!({ "kind": "account_summary", "id": ACCOUNT, "name": NAME, "status": "active", "plan": "Free" })
}

/// The accounts of everybody, as far as `fields` select them.
pub fn summaries(fields: &Fields) -> Result<Value, ApiError> {
    pick_all(&[summary()], &SUMMARY, fields)
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
    Ok(Reply::ok(if has { summaries(call.fields())? } else { json!([]) }))
}

/// What a member of an account has.
const MEMBERSHIP: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "person",
        "account_id",
        "owner",
        "admin",
        "project_creator",
        "timekeeper",
        "time_enterer",
        "created_at",
        "updated_at",
    ],
    extra: &["person_id"],
};

/// Who may use the account, oldest first, and whether they administer it.
fn members(tx: &mut Tx<'_>) -> Result<Vec<(Somebody, bool)>, ApiError> {
    let active = |person: &Person| person.state == PersonState::Active;
    let guids: Vec<String> = identity::person_list(tx)?.into_iter().filter(active).map(|person| person.id).collect();
    let mut found = Vec::new();
    for who in person::people_by_guid(tx, &guids)?.into_values() {
        let admin = identity::is_administrator(tx, &identity::Subject::Person(who.person.id.clone()))?;
        found.push((who, admin));
    }
    Ok(found)
}

fn shown(call: &Call, all: &[(Somebody, bool)], one: &(Somebody, bool)) -> Result<Value, ApiError> {
    let (who, admin) = one;
    // There is exactly one owner: the first of its administrators.
    let owner = all.iter().find(|(_, admin)| *admin).is_some_and(|(owner, _)| owner.id() == who.id());
    object(&choose(call.fields(), &MEMBERSHIP)?, |field| {
        Ok(match field.name {
            "kind" => Some(json!("account_membership")),
            "id" | "person_id" => Some(json!(who.id())),
            "person" => Some(view::person(who, true, &field.selection())?),
            "account_id" => Some(json!(ACCOUNT)),
            "owner" => Some(json!(owner)),
            "admin" => Some(json!(admin)),
            "project_creator" => Some(json!(true)),
            "timekeeper" | "time_enterer" => Some(json!(false)),
            "created_at" => at(who.person.created_at),
            "updated_at" => at(who.person.updated_at),
            _ => None,
        })
    })
}

fn list_members(tx: &mut Tx<'_>, call: &Call) -> Answer {
    here(call)?;
    let all = members(tx)?;
    let shown = all.iter().map(|one| shown(call, &all, one));
    Ok(Reply::ok(Value::Array(shown.collect::<Result<_, _>>()?)))
}

fn get_member(tx: &mut Tx<'_>, call: &Call) -> Answer {
    here(call)?;
    let (all, id) = (members(tx)?, call.id("person_id")?);
    let one = all.iter().find(|(who, _)| who.id() == id).ok_or_else(ApiError::unfound)?;
    Ok(Reply::ok(shown(call, &all, one)?))
}
