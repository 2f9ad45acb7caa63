//! Labels of projects, and of stories.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::label as view;
use crate::model::role::Action;
use crate::repo::activity::{self, Draft, change};
use crate::repo::label::{self as repo, Label, Named};
use crate::repo::scope::{self, Scope};
use crate::repo::story::relabel::relabel;
use crate::repo::story::update::{Patch, update};
use crate::repo::{epic, record, story};
use serde_json::{Map, Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    const ONE: &str = "/projects/{project_id}/labels/{label_id}";
    let mut routes = Routes::new()
        .get("/projects/{project_id}/labels", list_labels)
        .post("/projects/{project_id}/labels", create_label)
        .get(ONE, get_label)
        .put(ONE, update_label)
        .delete(ONE, delete_label);
    for (all, one) in [
        (
            "/projects/{project_id}/stories/{story_id}/labels",
            "/projects/{project_id}/stories/{story_id}/labels/{label_id}",
        ),
        ("/stories/{story_id}/labels", "/stories/{story_id}/labels/{label_id}"),
    ] {
        routes = routes.get(all, list_story_labels).post(all, add_story_label).delete(one, remove_story_label);
    }
    routes
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, label: &Label) -> Answer {
    let body = view::labels(tx, std::slice::from_ref(label), call.fields())?.pop().unwrap_or_default();
    Ok(Reply::ok(body).at(scope.project.version))
}

fn list_labels(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&[])?;
    let all = repo::list(tx, scope.project.id)?;
    Ok(Reply::ok(Value::Array(view::labels(tx, &all, call.fields())?)).at(scope.project.version))
}

fn name(params: &Params) -> Result<String, ApiError> {
    let name = params.text_or_null("name", 255)?.ok_or_else(|| ApiError::missing("name"))?.unwrap_or_default();
    match repo::normal(&name) {
        empty if empty.is_empty() => Err(ApiError::invalid_field("name", "Please enter a name for the label.")),
        name => Ok(name),
    }
}

fn create_label(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Work)?;
    call.params().only(&["name"])?;
    let name = name(call.params())?;
    // Who asks for a label that there is gets it.
    if let Some(label) = repo::by_name(tx, scope.project.id, &name)? {
        return answer(tx, call, &scope, &label);
    }
    let label = repo::insert(tx, scope.project.id, &name, call.now())?;
    let draft = draft(&label, "create", format!("created labels: \"{name}\""), "created", vec![repo::created(&label)]);
    activity::record(tx, &mut scope, call.now(), draft)?;
    answer(tx, call, &scope, &label)
}

fn draft(label: &Label, verb: &'static str, message: String, highlight: &str, changes: Vec<Value>) -> Draft {
    Draft {
        subject: "label",
        verb,
        object: ("label", label.id, label.name.clone()),
        message,
        highlight: highlight.into(),
        changes,
        primary: vec![json!({ "kind": "label", "id": label.id, "name": label.name })],
        secondary: Vec::new(),
    }
}

fn find(tx: &mut Tx<'_>, call: &Call, scope: &Scope) -> Result<Label, ApiError> {
    repo::find(tx, scope.project.id, call.id("label_id")?)?.ok_or_else(ApiError::unfound)
}

fn gone(what: &str) -> ApiError {
    ApiError::invalid(format!("No label found to {what}."))
        .with_fix("The label could have already been moved or deleted, or is in another project.")
}

fn get_label(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let label = find(tx, call, &scope)?;
    answer(tx, call, &scope, &label)
}

fn update_label(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Work)?;
    call.params().only(&["name"])?;
    let label = find(tx, call, &scope).map_err(|_| gone("update"))?;
    let name = name(call.params())?;
    if name == label.name {
        return answer(tx, call, &scope, &label);
    }
    if let Some(other) = repo::by_name(tx, scope.project.id, &name)? {
        return merge(tx, call, scope, &label, other);
    }
    let renamed = Label { name: name.clone(), updated_at: call.now(), ..label.clone() };
    record::save(tx, &renamed)?;
    let value = |name: &str| Map::from_iter([("name".to_owned(), json!(name))]);
    let moments = (label.updated_at, call.now());
    let (original, new) = activity::updated(&value(&label.name), &value(&name), moments).unwrap_or_default();
    let changes = vec![change("label", label.id, Some(original), Some(new), &[("name", json!(name))])];
    let message = format!("renamed label: \"{}\" to \"{name}\"", label.name);
    activity::record(tx, &mut scope, call.now(), draft(&renamed, "update", message, "renamed", changes))?;
    answer(tx, call, &scope, &renamed)
}

/// Stories of `label` carry `other` from now on, and `label` goes.
fn merge(tx: &mut Tx<'_>, call: &Call, mut scope: Scope, label: &Label, other: Label) -> Answer {
    let (mine, others) = (epic::of_label(tx, label.id)?, epic::of_label(tx, other.id)?);
    if mine.is_some() && others.is_some() {
        let text = format!("The label '{}' is already used by another epic.", other.name);
        return Err(ApiError::invalid_field("name", text));
    }
    let counted = repo::counts(tx, &[other.id])?;
    let mut changes = vec![change("label", label.id, None, None, &[("name", json!(label.name))])];
    changes.extend(relabel(tx, label, Some(&other), call.now())?);
    if let Some(mine) = mine {
        let value = |label: &Label| {
            let values = json!({ "label_id": label.id, "label": label.name });
            values.as_object().cloned().unwrap_or_default()
        };
        let (original, new) =
            activity::updated(&value(label), &value(&other), (mine.updated_at, call.now())).unwrap_or_default();
        changes.push(change("epic", mine.id, Some(original), Some(new), &[("name", json!(mine.name))]));
        record::save(tx, &epic::Epic { label_id: other.id, updated_at: call.now(), ..mine })?;
    }
    record::remove::<Label>(tx, label.id)?;
    changes.extend(repo::count_changes(tx, &counted)?);
    let message = format!("merged label: \"{}\" into \"{}\"", label.name, other.name);
    activity::record(tx, &mut scope, call.now(), draft(&other, "merge", message, "merged", changes))?;
    answer(tx, call, &scope, &other)
}

fn delete_label(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Work)?;
    call.params().only(&[])?;
    let label = find(tx, call, &scope).map_err(|_| gone("delete"))?;
    if let Some(epic) = epic::of_label(tx, label.id)? {
        let text = format!("The label '{}' belongs to the epic '{}': delete the epic first.", label.name, epic.name);
        return Err(ApiError::invalid_field("label_id", text));
    }
    let mut changes = vec![change("label", label.id, None, None, &[("name", json!(label.name))])];
    changes.extend(relabel(tx, &label, None, call.now())?);
    record::remove::<Label>(tx, label.id)?;
    let message = format!("deleted label: \"{}\"", label.name);
    activity::record(tx, &mut scope, call.now(), draft(&label, "delete", message, "deleted", changes))?;
    Ok(Reply::nothing().at(scope.project.version))
}

fn list_story_labels(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let ids: Vec<i64> = story::link::labels(tx, story.id)?.iter().map(|label| label.0).collect();
    let mut labels: Vec<Label> = record::all_of(tx, "id", &ids)?;
    labels.sort_by_key(|label| ids.iter().position(|id| *id == label.id));
    Ok(Reply::ok(Value::Array(view::labels(tx, &labels, call.fields())?)).at(scope.project.version))
}

fn add_story_label(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let params = call.params();
    params.only(&["name"])?;
    params.any_of(&["id", "name"])?;
    let wanted = match params.integer("id")? {
        Some(id) => Named::Id(id),
        None => Named::Name(name(params)?),
    };
    let whole = story::whole(tx, story)?;
    let mut labels: Vec<Named> = whole.labels.iter().map(|label| Named::Id(label.0)).collect();
    labels.push(wanted.clone());
    let patch = Patch { labels: Some(labels), ..Patch::default() };
    let after = update(tx, &mut scope, &whole, &patch, call.now())?;
    let named = after.labels.iter().find(|(id, name)| match &wanted {
        Named::Id(wanted) => id == wanted,
        Named::Name(wanted) => name == wanted,
    });
    let label = named.map(|label| label.0).unwrap_or_default();
    let label = repo::find(tx, scope.project.id, label)?.ok_or_else(ApiError::unfound)?;
    answer(tx, call, &scope, &label)
}

fn remove_story_label(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    call.params().only(&[])?;
    let id = call.id("label_id")?;
    let whole = story::whole(tx, story)?;
    if !whole.labels.iter().any(|label| label.0 == id) {
        return Err(ApiError::unfound());
    }
    let rest = whole.labels.iter().filter(|label| label.0 != id).map(|label| Named::Id(label.0)).collect();
    update(tx, &mut scope, &whole, &Patch { labels: Some(rest), ..Patch::default() }, call.now())?;
    Ok(Reply::nothing().at(scope.project.version))
}
