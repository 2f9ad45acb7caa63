//! Tasks of stories.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::part::{TASK, tasks as view};
use crate::model::role::Action;
use crate::repo::activity::{self, Draft, change};
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::story::{Story, touch};
use crate::repo::task::{self as repo, Task};
use serde_json::Value;
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new();
    for (all, one) in [
        (
            "/projects/{project_id}/stories/{story_id}/tasks",
            "/projects/{project_id}/stories/{story_id}/tasks/{task_id}",
        ),
        ("/stories/{story_id}/tasks", "/stories/{story_id}/tasks/{task_id}"),
    ] {
        routes = routes
            .get(all, list_tasks)
            .post(all, create_task)
            .get(one, get_task)
            .put(one, update_task)
            .delete(one, delete_task);
    }
    routes
}

fn answer(call: &Call, scope: &Scope, task: &Task) -> Answer {
    let body = view(std::slice::from_ref(task), call.fields())?.pop().unwrap_or_default();
    Ok(Reply::ok(body).at(scope.project.version))
}

fn enabled(scope: &Scope) -> Result<(), ApiError> {
    match scope.project.settings().enable_tasks {
        true => Ok(()),
        false => Err(ApiError::invalid("Tasks are not enabled in this project.")),
    }
}

fn draft(story: &Story, verb: &'static str, message: String, highlight: &str, changes: Vec<Value>) -> Draft {
    Draft {
        subject: "task",
        verb,
        object: story.object(),
        message,
        highlight: highlight.into(),
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    }
}

fn list_tasks(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let all = repo::list(tx, story.id)?;
    Ok(Reply::ok(Value::Array(view(&all, call.fields())?)).at(scope.project.version))
}

fn find(tx: &mut Tx<'_>, call: &Call, story: &Story) -> Result<Task, ApiError> {
    let task: Option<Task> = record::find(tx, call.id("task_id")?)?;
    task.filter(|task| task.story_id == story.id).ok_or_else(ApiError::unfound)
}

fn get_task(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let task = find(tx, call, &story)?;
    answer(call, &scope, &task)
}

const WRITABLE: [&str; 3] = ["description", "complete", "position"];
const TOLERATED: [&str; 5] = ["description", "complete", "position", "created_at", "updated_at"];

fn description(call: &Call) -> Result<Option<String>, ApiError> {
    match call.params().text_or_null("description", 1000)? {
        None => Ok(None),
        Some(text) => match text.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Some(text)),
            None => Err(ApiError::invalid_field("description", "Description can't be blank")),
        },
    }
}

fn create_task(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only(&TOLERATED)?;
    call.check_fields(&TASK)?;
    enabled(&scope)?;
    let description = description(call)?.ok_or_else(|| ApiError::missing("description"))?;
    let count = repo::list(tx, story.id)?.len() as i64;
    let complete = params.boolean("complete")?.unwrap_or(false);
    let mut task = repo::insert(tx, &story, &description, complete, count + 1, now)?;
    let mut others = Vec::new();
    if let Some(position) = params.integer("position")? {
        let all = repo::list(tx, story.id)?;
        (task.position, others) = repo::put(tx, &all, task.id, position, now)?;
    }
    let mut changes = vec![repo::created(&task), touch(tx, &story, &[], now)?];
    changes.extend(others);
    let draft = draft(&story, "create", format!("added task: \"{description}\""), "added task:", changes);
    activity::record(tx, &mut scope, now, draft)?;
    answer(call, &scope, &task)
}

fn update_task(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only(&TOLERATED)?;
    params.any_of(&WRITABLE)?;
    enabled(&scope)?;
    let before = find(tx, call, &story)?;
    let mut task = before.clone();
    task.description = description(call)?.unwrap_or(task.description);
    task.complete = params.boolean("complete")?.unwrap_or(task.complete);
    let mut others = Vec::new();
    if let Some(position) = params.integer("position")? {
        let all = repo::list(tx, story.id)?;
        (task.position, others) = repo::put(tx, &all, task.id, position, now)?;
    }
    if task == before {
        return answer(call, &scope, &task);
    }
    task.updated_at = now;
    record::save(tx, &task)?;
    let mut changes: Vec<Value> = repo::changed(&before, &task).into_iter().collect();
    changes.push(touch(tx, &story, &[], now)?);
    changes.extend(others);
    let (verb, text) = match () {
        () if task.complete && !before.complete => ("completed task:", &task.description),
        () if before.complete && !task.complete => ("uncompleted task:", &task.description),
        () if task.description != before.description => ("rewrote task:", &task.description),
        () => ("moved task:", &task.description),
    };
    activity::record(tx, &mut scope, now, draft(&story, "update", format!("{verb} \"{text}\""), verb, changes))?;
    answer(call, &scope, &task)
}

fn delete_task(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    call.params().only(&[])?;
    let task = find(tx, call, &story)?;
    record::remove::<Task>(tx, task.id)?;
    let rest = repo::list(tx, story.id)?;
    // Those below move up.
    let (_, others) = repo::put(tx, &rest, 0, i64::MAX, call.now())?;
    let mut changes = vec![change("task", task.id, None, None, &[]), touch(tx, &story, &[], call.now())?];
    changes.extend(others);
    let draft = draft(&story, "delete", "deleted a task on this story".into(), "deleted a task", changes);
    activity::record(tx, &mut scope, call.now(), draft)?;
    Ok(Reply::nothing().at(scope.project.version))
}
