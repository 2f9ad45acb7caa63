//! Workspaces and saved searches.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{pick, pick_all};
use crate::model::fields::{Fields, Shape};
use crate::model::role::Action;
use crate::repo::person::{self, Somebody};
use crate::repo::record::{self, Json};
use crate::repo::workspace::{self as repo, SavedSearch, Workspace};
use crate::repo::{activity, scope};
use ledger::Object;
use serde_json::{Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    const ONE: &str = "/my/workspaces/{workspace_id}";
    const SEARCHES: &str = "/projects/{project_id}/my/searches";
    const SEARCH: &str = "/projects/{project_id}/my/searches/{search_id}";
    Routes::new()
        .get("/my/workspaces", list_workspaces)
        .post("/my/workspaces", create_workspace)
        .get(ONE, get_workspace)
        .put(ONE, update_workspace)
        .delete(ONE, delete_workspace)
        .get(SEARCHES, list_searches)
        .post(SEARCHES, create_search)
        .put(SEARCH, update_search)
        .delete(SEARCH, delete_search)
}

/// What a workspace has.
const SHAPE: Shape = Shape { keys: &["id"], default: &["kind", "name", "person_id", "project_ids"], extra: &[] };

/// All of these, as far as `fields` select them.
pub(super) fn all_shown(all: &[Workspace], fields: &Fields) -> Result<Value, ApiError> {
    pick_all(&all.iter().map(shown).collect::<Vec<_>>(), &SHAPE, fields)
}

fn answer(call: &Call, workspace: &Workspace) -> Answer {
    Ok(Reply::ok(pick(&shown(workspace), &SHAPE, call.fields())?))
}

fn shown(workspace: &Workspace) -> Value {
    json!({
        "kind": "workspace",
        "id": workspace.id,
        "name": workspace.name,
        "person_id": workspace.person_id,
        "project_ids": workspace.project_ids.0,
    })
}

fn note(tx: &mut Tx<'_>, me: &Somebody, action: &str, workspace: &Workspace) -> Result<(), ApiError> {
    let object = Object::new("workspace", workspace.id, workspace.name.clone());
    Ok(activity::note(tx, me, action, object, Vec::new(), shown(workspace))?)
}

fn list_workspaces(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let me = person::me(tx, call)?;
    Ok(Reply::ok(all_shown(&repo::list(tx, me.id())?, call.fields())?))
}

fn projects(tx: &mut Tx<'_>, call: &Call) -> Result<Option<Vec<i64>>, ApiError> {
    let Some(ids) = call.params().ids("project_ids")? else { return Ok(None) };
    for id in &ids {
        scope::project_by_id(tx, call, *id, Action::Read)?;
    }
    Ok(Some(ids))
}

fn create_workspace(tx: &mut Tx<'_>, call: &Call) -> Answer {
    call.params().only(&["name", "project_ids"])?;
    let me = person::me(tx, call)?;
    let name = call.params().name(25)?;
    let project_ids = Json(projects(tx, call)?.unwrap_or_default());
    let workspace = Workspace { id: tx.next_number("workspace")?, person_id: me.id(), name, project_ids };
    record::insert(tx, &workspace)?;
    note(tx, &me, "workspace.create", &workspace)?;
    answer(call, &workspace)
}

fn find(tx: &mut Tx<'_>, call: &Call, me: &Somebody) -> Result<Workspace, ApiError> {
    let found: Option<Workspace> = record::find(tx, call.id("workspace_id")?)?;
    match found {
        None => Err(ApiError::unfound()),
        Some(found) if found.person_id != me.id() => Err(ApiError::unauthorized()),
        Some(found) => Ok(found),
    }
}

fn get_workspace(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let me = person::me(tx, call)?;
    answer(call, &find(tx, call, &me)?)
}

fn update_workspace(tx: &mut Tx<'_>, call: &Call) -> Answer {
    call.params().only(&["project_ids"])?;
    call.params().any_of(&["project_ids"])?;
    let me = person::me(tx, call)?;
    let mut workspace = find(tx, call, &me)?;
    workspace.project_ids = Json(projects(tx, call)?.unwrap_or_default());
    record::save(tx, &workspace)?;
    note(tx, &me, "workspace.update", &workspace)?;
    answer(call, &workspace)
}

fn delete_workspace(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let me = person::me(tx, call)?;
    let workspace = find(tx, call, &me)?;
    record::remove::<Workspace>(tx, workspace.id)?;
    note(tx, &me, "workspace.delete", &workspace)?;
    Ok(Reply::nothing())
}

fn search(search: &SavedSearch) -> Value {
    json!({
        "kind": "saved_search",
        "id": search.id,
        "project_id": search.project_id,
        "name": search.name,
        "query": search.query,
    })
}

/// What a saved search has.
const SEARCH: Shape = Shape { keys: &["id"], default: &["kind", "project_id", "name", "query"], extra: &[] };

fn note_search(tx: &mut Tx<'_>, scope: &scope::Scope, action: &str, one: &SavedSearch) -> Result<(), ApiError> {
    let object = Object::new("saved_search", one.id, one.name.clone());
    Ok(activity::note(tx, scope.me()?, action, object, vec![scope.project.ledger_scope()], search(one))?)
}

fn list_searches(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let all = repo::searches(tx, scope.project.id, scope.me()?.id())?;
    let all: Vec<Value> = all.iter().map(search).collect();
    Ok(Reply::ok(pick_all(&all, &SEARCH, call.fields())?).at(scope.project.version))
}

fn create_search(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["name", "query"])?;
    let one = SavedSearch {
        id: 0,
        project_id: scope.project.id,
        person_id: scope.me()?.id(),
        name: call.params().name(255)?,
        query: call.params().text("query", 1000)?.ok_or_else(|| ApiError::missing("query"))?,
    };
    let one = SavedSearch { id: tx.next_number("saved_search")?, ..one };
    record::insert(tx, &one)?;
    note_search(tx, &scope, "saved_search.create", &one)?;
    Ok(Reply::ok(pick(&search(&one), &SEARCH, call.fields())?).at(scope.project.version))
}

fn find_search(tx: &mut Tx<'_>, call: &Call, scope: &scope::Scope) -> Result<SavedSearch, ApiError> {
    let found: Option<SavedSearch> = record::find(tx, call.id("search_id")?)?;
    let me = scope.me()?.id();
    found.filter(|one| one.person_id == me && one.project_id == scope.project.id).ok_or_else(ApiError::unfound)
}

fn update_search(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["name", "query"])?;
    call.params().any_of(&["name", "query"])?;
    let mut one = find_search(tx, call, &scope)?;
    one.name = call.params().new_name(255)?.unwrap_or(one.name);
    one.query = call.params().text("query", 1000)?.unwrap_or(one.query);
    record::save(tx, &one)?;
    note_search(tx, &scope, "saved_search.update", &one)?;
    Ok(Reply::ok(pick(&search(&one), &SEARCH, call.fields())?).at(scope.project.version))
}

fn delete_search(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let one = find_search(tx, call, &scope)?;
    record::remove::<SavedSearch>(tx, one.id)?;
    note_search(tx, &scope, "saved_search.delete", &one)?;
    Ok(Reply::nothing().at(scope.project.version))
}
