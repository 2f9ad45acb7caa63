//! Owners and followers of stories, one at a time; followers of epics.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::person as view;
use crate::model::role::Action;
use crate::repo::activity::{self, Draft, change};
use crate::repo::scope::{self, Scope};
use crate::repo::story::update::{Patch, apply, update};
use crate::repo::story::{self, check_members, link};
use crate::repo::{epic, person, record};
use serde_json::{Map, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new();
    for (owners, owner, followers, follower) in [
        (
            "/projects/{project_id}/stories/{story_id}/owners",
            "/projects/{project_id}/stories/{story_id}/owners/{person_id}",
            "/projects/{project_id}/stories/{story_id}/followers",
            "/projects/{project_id}/stories/{story_id}/followers/{person_id}",
        ),
        (
            "/stories/{story_id}/owners",
            "/stories/{story_id}/owners/{person_id}",
            "/stories/{story_id}/followers",
            "/stories/{story_id}/followers/{person_id}",
        ),
    ] {
        routes = routes
            .get(owners, list_owners)
            .post(owners, add_owner)
            .delete(owner, remove_owner)
            .get(followers, list_followers)
            .post(followers, add_follower)
            .delete(follower, remove_follower);
    }
    routes
        .get("/projects/{project_id}/epics/{epic_id}/followers", list_epic_followers)
        .post("/projects/{project_id}/epics/{epic_id}/followers", add_epic_follower)
        .delete("/projects/{project_id}/epics/{epic_id}/followers/{person_id}", remove_epic_follower)
}

fn shown(tx: &mut Tx<'_>, call: &Call, scope: &Scope, ids: &[i64]) -> Answer {
    let people = person::people(tx, ids)?;
    let body = view::people(&people, ids, scope.sees_addresses(), call.fields())?;
    Ok(Reply::ok(body).at(scope.project.version))
}

fn one(tx: &mut Tx<'_>, call: &Call, scope: &Scope, id: i64) -> Answer {
    let who = person::person(tx, id)?.ok_or_else(ApiError::unfound)?;
    let body = view::person(&who, scope.sees_addresses(), call.fields())?;
    Ok(Reply::ok(body).at(scope.project.version))
}

fn list_owners(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let owners = link::owners(tx, story.id)?;
    shown(tx, call, &scope, &owners)
}

fn wanted(call: &Call) -> Result<i64, ApiError> {
    call.params().only(&["person_id"])?;
    let params = call.params();
    params.integer("id")?.or(params.integer("person_id")?).ok_or_else(|| ApiError::missing("id"))
}

fn add_owner(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let id = wanted(call)?;
    let whole = story::whole(tx, story)?;
    if !whole.owners.contains(&id) {
        let owners = Some([&whole.owners[..], &[id]].concat());
        update(tx, &mut scope, &whole, &Patch { owners, ..Patch::default() }, call.now())?;
    }
    one(tx, call, &scope, id)
}

fn remove_owner(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let id = call.id("person_id")?;
    let whole = story::whole(tx, story)?;
    if !whole.owners.contains(&id) {
        return Err(ApiError::unfound());
    }
    let owners = Some(whole.owners.iter().copied().filter(|owner| *owner != id).collect());
    update(tx, &mut scope, &whole, &Patch { owners, ..Patch::default() }, call.now())?;
    Ok(Reply::nothing().at(scope.project.version))
}

fn list_followers(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let followers = link::followers(tx, story.id)?;
    shown(tx, call, &scope, &followers)
}

/// Everybody follows for themselves; whoever works in the project makes others follow, too.
fn may_set(scope: &Scope, id: i64) -> Result<(), ApiError> {
    match scope.me()?.id() == id {
        true => scope.permit(Action::Follow),
        false => scope.permit(Action::Work),
    }
}

fn add_follower(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Follow)?;
    let id = wanted(call)?;
    may_set(&scope, id)?;
    let whole = story::whole(tx, story)?;
    if !whole.followers.contains(&id) {
        follow_story(tx, call, &mut scope, &whole, [&whole.followers[..], &[id]].concat())?;
    }
    one(tx, call, &scope, id)
}

fn remove_follower(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Follow)?;
    let id = call.id("person_id")?;
    may_set(&scope, id)?;
    let whole = story::whole(tx, story)?;
    if !whole.followers.contains(&id) {
        return Err(ApiError::unfound());
    }
    let rest = whole.followers.iter().copied().filter(|one| *one != id).collect();
    follow_story(tx, call, &mut scope, &whole, rest)?;
    Ok(Reply::nothing().at(scope.project.version))
}

fn follow_story(
    tx: &mut Tx<'_>,
    call: &Call,
    scope: &mut Scope,
    whole: &story::Whole,
    after: Vec<i64>,
) -> Result<(), ApiError> {
    let more = after.len() > whole.followers.len();
    let patch = Patch { followers: Some(after), ..Patch::default() };
    let Some((_, draft)) = apply(tx, scope, whole, &patch, call.now())? else { return Ok(()) };
    let what = whole.story.story_type.as_str();
    activity::record(tx, scope, call.now(), told(draft, more, what))
}

/// A draft in the words of somebody who follows from now on, or no more.
fn told(draft: Draft, more: bool, what: &str) -> Draft {
    let (verb, highlight, to) =
        if more { ("create", "added a follower", "to") } else { ("delete", "removed a follower", "from") };
    Draft {
        subject: "follower",
        verb,
        message: format!("{highlight} {to} this {what}"),
        highlight: highlight.into(),
        ..draft
    }
}

fn list_epic_followers(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, epic) = scope::epic(tx, call, Action::Read)?;
    let followers = epic::followers(tx, epic.id)?;
    shown(tx, call, &scope, &followers)
}

fn add_epic_follower(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, epic) = scope::epic(tx, call, Action::Follow)?;
    let id = wanted(call)?;
    may_set(&scope, id)?;
    check_members(tx, scope.project.id, "id", &[id])?;
    let before = epic::followers(tx, epic.id)?;
    if !before.contains(&id) {
        let after = [&before[..], &[id]].concat();
        follow(tx, call, &mut scope, &epic, &before, &after)?;
    }
    one(tx, call, &scope, id)
}

fn remove_epic_follower(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, epic) = scope::epic(tx, call, Action::Follow)?;
    let id = call.id("person_id")?;
    may_set(&scope, id)?;
    let before = epic::followers(tx, epic.id)?;
    if !before.contains(&id) {
        return Err(ApiError::unfound());
    }
    let after: Vec<i64> = before.iter().copied().filter(|one| *one != id).collect();
    follow(tx, call, &mut scope, &epic, &before, &after)?;
    Ok(Reply::nothing().at(scope.project.version))
}

fn follow(
    tx: &mut Tx<'_>,
    call: &Call,
    scope: &mut Scope,
    epic: &epic::Epic,
    before: &[i64],
    after: &[i64],
) -> Result<(), ApiError> {
    epic::set_followers(tx, epic.id, after)?;
    let value = |people: &[i64]| Map::from_iter([("follower_ids".to_owned(), json!(people))]);
    let moments = (epic.updated_at, call.now());
    let (original, new) = activity::updated(&value(before), &value(after), moments).unwrap_or_default();
    record::save(tx, &epic::Epic { updated_at: call.now(), ..epic.clone() })?;
    let changes = vec![change("epic", epic.id, Some(original), Some(new), &[("name", json!(epic.name))])];
    let draft = epic.draft("update", String::new(), "", changes);
    activity::record(tx, scope, call.now(), told(draft, after.len() > before.len(), "epic"))
}
