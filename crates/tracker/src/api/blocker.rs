//! Blockers of stories.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::View;
use crate::api::view::part::{BLOCKER, blockers as view};
use crate::model::role::Action;
use crate::repo::activity::{self, Draft, change};
use crate::repo::blocker::{self as repo, Blocker};
use crate::repo::record;
use crate::repo::scope::{self, Scope};
use crate::repo::story::{Story, touch};
use serde_json::Value;
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new();
    for (all, one) in [
        (
            "/projects/{project_id}/stories/{story_id}/blockers",
            "/projects/{project_id}/stories/{story_id}/blockers/{blocker_id}",
        ),
        ("/stories/{story_id}/blockers", "/stories/{story_id}/blockers/{blocker_id}"),
    ] {
        routes = routes
            .get(all, list_blockers)
            .post(all, create_blocker)
            .get(one, get_blocker)
            .put(one, update_blocker)
            .delete(one, delete_blocker);
    }
    routes
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, blocker: &Blocker) -> Answer {
    let body = view(tx, View { call, scope }, std::slice::from_ref(blocker), call.fields())?.pop();
    Ok(Reply::ok(body.unwrap_or_default()).at(scope.project.version))
}

fn list_blockers(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let all = repo::list(tx, story.id)?;
    let body = view(tx, View { call, scope: &scope }, &all, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).at(scope.project.version))
}

fn find(tx: &mut Tx<'_>, call: &Call, story: &Story) -> Result<Blocker, ApiError> {
    let blocker: Option<Blocker> = record::find(tx, call.id("blocker_id")?)?;
    blocker.filter(|blocker| blocker.story_id == story.id).ok_or_else(ApiError::unfound)
}

fn get_blocker(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let blocker = find(tx, call, &story)?;
    answer(tx, call, &scope, &blocker)
}

const WRITABLE: [&str; 2] = ["description", "resolved"];
const TOLERATED: [&str; 5] = ["description", "resolved", "person_id", "created_at", "updated_at"];

fn description(call: &Call) -> Result<Option<String>, ApiError> {
    match call.params().text_or_null("description", 1000)? {
        None => Ok(None),
        Some(text) => match text.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Some(text)),
            None => Err(ApiError::invalid_field("description", "Description can't be blank")),
        },
    }
}

fn draft(story: &Story, verb: &'static str, message: String, highlight: &str, changes: Vec<Value>) -> Draft {
    Draft {
        subject: "blocker",
        verb,
        object: story.object(),
        message,
        highlight: highlight.into(),
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    }
}

fn create_blocker(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only(&TOLERATED)?;
    call.check_fields(&BLOCKER)?;
    let text = description(call)?.ok_or_else(|| ApiError::missing("description"))?;
    let resolved = params.boolean("resolved")?.unwrap_or(false);
    let blocker = repo::insert(tx, &story, scope.me()?.id(), &text, resolved, now)?;
    let changes = vec![repo::created(&blocker), touch(tx, &story, &[blocker.person_id], now)?];
    let mut draft = draft(&story, "create", format!("added a blocker: \"{text}\""), "added a blocker", changes);
    draft.secondary.extend(repo::secondary(tx, &story, &blocker)?);
    activity::record(tx, &mut scope, now, draft)?;
    answer(tx, call, &scope, &blocker)
}

fn update_blocker(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only(&TOLERATED)?;
    params.any_of(&WRITABLE)?;
    let before = find(tx, call, &story)?;
    let mut blocker = before.clone();
    if let Some(text) = description(call)? {
        blocker.blocking_story_id = repo::named(tx, &story, &text)?;
        blocker.description = text;
    }
    blocker.resolved = params.boolean("resolved")?.unwrap_or(blocker.resolved);
    if blocker == before {
        return answer(tx, call, &scope, &blocker);
    }
    blocker.updated_at = now;
    record::save(tx, &blocker)?;
    let mut changes: Vec<Value> = repo::changed(&before, &blocker).into_iter().collect();
    changes.push(touch(tx, &story, &[], now)?);
    let verb = match (before.resolved, blocker.resolved) {
        (false, true) => "resolved a blocker",
        (true, false) => "reopened a blocker",
        _ => "edited a blocker",
    };
    let message = format!("{verb}: \"{}\"", blocker.description);
    let mut draft = draft(&story, "update", message, verb, changes);
    if blocker.blocking_story_id != before.blocking_story_id {
        draft.secondary.extend(repo::secondary(tx, &story, &blocker)?);
    }
    activity::record(tx, &mut scope, now, draft)?;
    answer(tx, call, &scope, &blocker)
}

fn delete_blocker(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    call.params().only(&[])?;
    let blocker = find(tx, call, &story)?;
    record::remove::<Blocker>(tx, blocker.id)?;
    let changes = vec![change("blocker", blocker.id, None, None, &[]), touch(tx, &story, &[], call.now())?];
    let message = format!("deleted a blocker: \"{}\"", blocker.description);
    activity::record(tx, &mut scope, call.now(), draft(&story, "delete", message, "deleted a blocker", changes))?;
    Ok(Reply::nothing().at(scope.project.version))
}
