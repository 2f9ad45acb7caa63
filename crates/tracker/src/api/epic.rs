//! Epics.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::View;
use crate::api::view::epic::{EPIC, epics as view};
use crate::model::role::Action;
use crate::repo::activity::{self, change};
use crate::repo::comment::{self, On};
use crate::repo::epic::{self as repo, Epic};
use crate::repo::label::{self, Label};
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::story::check_members;
use serde_json::{Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    const ONE: &str = "/projects/{project_id}/epics/{epic_id}";
    Routes::new()
        .get("/projects/{project_id}/epics", list_epics)
        .post("/projects/{project_id}/epics", create_epic)
        .get(ONE, get_epic)
        .put(ONE, update_epic)
        .delete(ONE, delete_epic)
        .get("/epics/{epic_id}", get_epic)
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, epic: &Epic) -> Answer {
    let body = view(tx, View { call, scope }, std::slice::from_ref(epic), call.fields())?.pop();
    Ok(Reply::ok(body.unwrap_or_default()).at(scope.project.version))
}

fn list_epics(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["filter", "limit", "offset"])?;
    let mut all = repo::list(tx, scope.project.id)?;
    if let Some(filter) = call.params().text("filter", 1000)? {
        all = super::search::epics(tx, call, &scope, all, &filter)?;
    }
    if call.params().has("limit") || call.params().has("offset") {
        all = call.cut(all, i64::MAX)?.0;
    }
    let body = view(tx, View { call, scope: &scope }, &all, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).at(scope.project.version))
}

fn get_epic(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, epic) = scope::epic(tx, call, Action::Read)?;
    call.params().only(&[])?;
    answer(tx, call, &scope, &epic)
}

const WRITABLE: [&str; 8] =
    ["name", "description", "label", "label_id", "follower_ids", "followers", "before_id", "after_id"];
const TOLERATED: [&str; 2] = ["created_at", "updated_at"];
/// Lists of what is not kept here: that there are none may be sent.
const EMPTY: [&str; 4] = ["pull_request_ids", "pull_requests", "branch_ids", "branches"];

/// The label that was asked for, by number or by name; made if there is none.
fn wanted_label(tx: &mut Tx<'_>, params: &Params, project: i64, now: i64) -> Result<Option<(Label, bool)>, ApiError> {
    if let Some(id) = params.integer("label_id")? {
        let label = label::find(tx, project, id)?;
        let missing = || ApiError::invalid_field("label_id", format!("Label {id} is no label of this project."));
        return Ok(Some((label.ok_or_else(missing)?, false)));
    }
    let unusable = || ApiError::invalid("Can't use content of 'label' parameter.");
    let name = match params.raw("label") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(object)) => match (object.get("id").and_then(Value::as_i64), object.get("name")) {
            (Some(id), _) => {
                let label = label::find(tx, project, id)?.ok_or_else(unusable)?;
                return Ok(Some((label, false)));
            }
            (None, Some(Value::String(name))) => name.clone(),
            _ => return Err(unusable()),
        },
        Some(_) => return Err(unusable()),
    };
    adopted(tx, project, &name, now).map(Some)
}

fn adopted(tx: &mut Tx<'_>, project: i64, name: &str, now: i64) -> Result<(Label, bool), ApiError> {
    let name: String = label::normal(name).chars().take(255).collect();
    if name.is_empty() {
        return Err(ApiError::invalid_field("label", "Please enter a name for the label."));
    }
    match label::by_name(tx, project, &name)? {
        Some(label) => Ok((label, false)),
        None => Ok((label::insert(tx, project, &name, now)?, true)),
    }
}

fn check_unused(tx: &mut Tx<'_>, label: &Label, mine: Option<i64>) -> Result<(), ApiError> {
    match repo::of_label(tx, label.id)? {
        Some(epic) if Some(epic.id) != mine => {
            let text = format!("The label '{}' is already used by another epic.", label.name);
            Err(ApiError::invalid_field("label", text))
        }
        _ => Ok(()),
    }
}

fn followers(tx: &mut Tx<'_>, params: &Params, project: i64) -> Result<Option<Vec<i64>>, ApiError> {
    let ids = match params.ids("follower_ids")? {
        Some(ids) => Some(ids),
        None => match params.objects("followers")? {
            None => None,
            Some(all) => {
                let id = |one: &Params| one.integer("id")?.ok_or_else(|| ApiError::missing("id"));
                Some(all.iter().map(id).collect::<Result<Vec<_>, ApiError>>()?)
            }
        },
    };
    if let Some(ids) = &ids {
        check_members(tx, project, "follower_ids", ids)?;
    }
    Ok(ids)
}

fn create_epic(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Work)?;
    let (params, now, project) = (call.params(), call.now(), scope.project.id);
    params.only_or_empty(&[&WRITABLE[..], &TOLERATED, &["comments"]].concat(), &EMPTY)?;
    call.check_fields(&EPIC)?;
    let name = params.name(5000)?;
    let (label, made) = match wanted_label(tx, params, project, now)? {
        Some(label) => label,
        None => adopted(tx, project, &name, now)?,
    };
    check_unused(tx, &label, None)?;
    let followers = followers(tx, params, project)?.unwrap_or_default();
    let position = repo::place(tx, project, 0, params.integer("before_id")?, params.integer("after_id")?)?;
    let epic = Epic {
        id: tx.next_number("epic")?,
        project_id: project,
        name,
        description: params.text("description", 20_000)?,
        label_id: label.id,
        position,
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &epic)?;
    repo::set_followers(tx, epic.id, &followers)?;
    let mut changes: Vec<Value> = made.then(|| label::created(&label)).into_iter().collect();
    let (after_id, before_id) = repo::neighbours(tx, &epic)?;
    let mut created = epic.created(&label, &followers);
    for (name, id) in [("after_id", after_id), ("before_id", before_id)] {
        if let Some(id) = id {
            created["new_values"][name] = json!(id);
        }
    }
    changes.push(created);
    for one in params.objects("comments")?.unwrap_or_default() {
        let text = one.text("text", 20_000)?.ok_or_else(|| ApiError::missing("text"))?;
        let comment = comment::insert(tx, On::Epic(&epic), scope.me()?.id(), &text, None, now)?;
        changes.push(comment::created(&comment));
    }
    activity::record(tx, &mut scope, now, epic.draft("create", "added this epic".into(), "added", changes))?;
    answer(tx, call, &scope, &epic)
}

fn update_epic(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, before) = scope::epic(tx, call, Action::Work)?;
    let (params, now, project) = (call.params(), call.now(), scope.project.id);
    params.only_or_empty(&[&WRITABLE[..], &TOLERATED].concat(), &EMPTY)?;
    params.any_of(&WRITABLE)?;
    let old_label: Label = record::find(tx, before.label_id)?.ok_or_else(ApiError::unfound)?;
    let old_followers = repo::followers(tx, before.id)?;
    let mut epic = before.clone();
    epic.name = params.new_name(5000)?.unwrap_or(epic.name);
    epic.description = params.text_or_null("description", 20_000)?.unwrap_or(epic.description);
    let (label, made) = match wanted_label(tx, params, project, now)? {
        Some((label, made)) => (label, made),
        None => (old_label.clone(), false),
    };
    check_unused(tx, &label, Some(epic.id))?;
    epic.label_id = label.id;
    let followers = followers(tx, params, project)?.unwrap_or_else(|| old_followers.clone());
    let stood = repo::neighbours(tx, &before)?;
    let (above, below) = (params.integer("after_id")?, params.integer("before_id")?);
    if above.is_some() || below.is_some() {
        epic.position = repo::place(tx, project, epic.id, below, above)?;
    }
    let stands = repo::neighbours(tx, &epic)?;
    let values = |epic: &Epic, label: &Label, followers: &[i64], stands: (Option<i64>, Option<i64>)| {
        let mut values = epic.values(label, followers);
        values.extend([("after_id".into(), json!(stands.0)), ("before_id".into(), json!(stands.1))]);
        values
    };
    let only_moved = before.values(&old_label, &old_followers) == epic.values(&label, &followers);
    let old = values(&before, &old_label, &old_followers, stood);
    let new = values(&epic, &label, &followers, stands);
    let Some((old, new)) = activity::updated(&old, &new, (before.updated_at, now)) else {
        return answer(tx, call, &scope, &before);
    };
    epic.updated_at = now;
    record::save(tx, &epic)?;
    repo::set_followers(tx, epic.id, &followers)?;
    let mut changes: Vec<Value> = made.then(|| label::created(&label)).into_iter().collect();
    changes.push(change("epic", epic.id, Some(old), Some(new), &[("name", json!(epic.name))]));
    let draft = match only_moved {
        true => epic.draft("move", "moved this epic".into(), "moved", changes),
        false => epic.draft("update", "edited this epic".into(), "edited", changes),
    };
    activity::record(tx, &mut scope, now, draft)?;
    answer(tx, call, &scope, &epic)
}

fn delete_epic(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, epic) = scope::epic(tx, call, Action::Work)?;
    call.params().only(&[])?;
    record::remove::<Epic>(tx, epic.id)?;
    let changes = vec![change("epic", epic.id, None, None, &[("name", json!(epic.name))])];
    activity::record(tx, &mut scope, call.now(), epic.draft("delete", "deleted this epic".into(), "deleted", changes))?;
    Ok(Reply::nothing().at(scope.project.version))
}
