//! Stories: lists with all their filters, reading, creating, changing, deleting.

mod input;
mod list;

use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{View, story as view};
use crate::api::{Shown, into_project};
use crate::model::role::Action;
use crate::repo::epic::Epic;
use crate::repo::scope::{self, Scope};
use crate::repo::story::update::update;
use crate::repo::story::{self as repo, Story};
use crate::repo::{record, story::create::create, story::remove::delete};
use crate::{ApiError, Tracker};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
pub(super) use input::status;
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new()
        .get("/projects/{project_id}/stories", list::list_stories)
        .post("/projects/{project_id}/stories", create_story)
        .get("/projects/{project_id}/stories/bulk", list::list_some)
        .get("/projects/{project_id}/search", list::search);
    for path in ["/projects/{project_id}/stories/{story_id}", "/stories/{story_id}"] {
        routes = routes.get(path, get_story).put(path, update_story).delete(path, delete_story);
    }
    routes
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, story: &Story) -> Answer {
    let body = view::story(tx, View { call, scope }, story, call.fields())?;
    let reply = Reply::ok(body).at(scope.project.version);
    Ok(warned(call, scope, reply))
}

/// Tells a client whose knowledge is old that it is.
fn warned(call: &Call, scope: &Scope, reply: Reply) -> Reply {
    // A write has just made the version one higher itself.
    let stale =
        call.based_on().is_some_and(|based| based != scope.project.version && based + 1 != scope.project.version);
    if !stale {
        return reply;
    }
    let based = call.based_on().unwrap_or_default();
    let text = format!(
        "299 - \"This request is based on project version {based}; the project is at {}\"",
        scope.project.version
    );
    reply.with_header("warning", &text)
}

fn get_story(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    call.params().only(&[])?;
    answer(tx, call, &scope, &story)
}

fn create_story(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Work)?;
    call.check_fields(&view::STORY)?;
    let new = input::new_story(call)?;
    let whole = create(tx, &mut scope, new, call.now())?;
    answer(tx, call, &scope, &whole.story)
}

fn update_story(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    call.check_fields(&view::STORY)?;
    let (patch, project) = input::patch(call)?;
    let whole = repo::whole(tx, story)?;
    if let Some(target) = project.filter(|project| *project != scope.project.id) {
        let target = scope::project_by_id(tx, call, target, Action::Work)?;
        let (scope, story) = repo::transfer::transfer(tx, scope, target, &whole, patch, call.now())?;
        return answer(tx, call, &scope, &story);
    }
    let after = update(tx, &mut scope, &whole, &patch, call.now())?;
    answer(tx, call, &scope, &after.story)
}

fn delete_story(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    call.params().only(&[])?;
    delete(tx, &mut scope, &story, call.now())?;
    Ok(Reply::nothing().at(scope.project.version))
}

/// `/story/show/12` leads into the project's page, which asks who is there. It tells which project a number lies in, no more.
pub(super) async fn show_story(State(tracker): State<Tracker>, Path(id): Shown) -> Response {
    match tracker.db.read(move |tx| record::find::<Story>(tx, id)).await {
        Ok(Some(story)) => into_project(story.project_id, "stories", id).into_response(),
        Ok(None) => http::StatusCode::NOT_FOUND.into_response(),
        Err(error) => http::Response::builder()
            .status(ApiError::from(error).status())
            .body(axum::body::Body::empty())
            .unwrap_or_default(),
    }
}

/// `/epic/show/12`, as [`show_story`].
pub(super) async fn show_epic(State(tracker): State<Tracker>, Path(id): Shown) -> Response {
    match tracker.db.read(move |tx| record::find::<Epic>(tx, id)).await {
        Ok(Some(epic)) => into_project(epic.project_id, "epics", id).into_response(),
        Ok(None) => http::StatusCode::NOT_FOUND.into_response(),
        Err(error) => http::Response::builder()
            .status(ApiError::from(error).status())
            .body(axum::body::Body::empty())
            .unwrap_or_default(),
    }
}
