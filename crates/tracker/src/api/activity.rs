//! Activities: what happened, newest first.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::{Page, Reply};
use crate::api::routes::{Answer, Routes};
use crate::api::view::pick_all;
use crate::model::fields::Shape;
use crate::model::role::Action;
use crate::repo::person;
use crate::repo::project::Project;
use crate::repo::{activity as repo, record, scope, workspace};
use sea_query::{Cond, Expr, ExprTrait};
use serde_json::Value;
use store::Tx;

/// What an activity has.
const ACTIVITY: Shape = Shape {
    keys: &["guid", "project_version"],
    default: &[
        "kind",
        "message",
        "highlight",
        "changes",
        "primary_resources",
        "secondary_resources",
        "project",
        "performed_by",
        "occurred_at",
    ],
    extra: &[],
};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/projects/{project_id}/activity", list_project)
        .get("/projects/{project_id}/stories/{story_id}/activity", list_story)
        .get("/stories/{story_id}/activity", list_story)
        .get("/projects/{project_id}/epics/{epic_id}/activity", list_epic)
        .get("/my/activity", list_mine)
        .get("/workspaces/{workspace_id}/activity", list_workspace)
}

fn list(tx: &mut Tx<'_>, call: &Call, mut condition: Cond) -> Result<(Value, Page), ApiError> {
    let params = call.params();
    params.only(&["occurred_before", "occurred_after", "since_version", "limit", "offset"])?;
    let (limit, offset) = call.page_from_start(100)?;
    if let Some(at) = params.time("occurred_before")? {
        condition = condition.add(Expr::col("occurred_at").lt(at));
    }
    if let Some(at) = params.time("occurred_after")? {
        condition = condition.add(Expr::col("occurred_at").gt(at));
    }
    let since = params.integer("since_version")?;
    if let Some(version) = since {
        condition = condition.add(Expr::col("version").gt(version));
    }
    let (found, total) = repo::list(tx, condition, false, limit, offset, call.base())?;
    let page = Page { total: Some(total), offset, limit, returned: found.len() as i64 };
    Ok((pick_all(&found, &ACTIVITY, call.fields())?, page))
}

fn list_project(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let condition = Cond::all().add(Expr::col("project_id").eq(scope.project.id));
    let (body, page) = list(tx, call, condition)?;
    Ok(Reply::ok(body).paged(page).at(scope.project.version))
}

fn about(kind: &str, id: i64) -> Cond {
    Cond::all().add(Expr::col("object_kind").eq(kind)).add(Expr::col("object_id").eq(id))
}

fn list_story(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    // Of the project it is in now: what it was elsewhere is told there.
    let here = about("story", story.id).add(Expr::col("project_id").eq(scope.project.id));
    let (body, page) = list(tx, call, here)?;
    Ok(Reply::ok(body).paged(page).at(scope.project.version))
}

fn list_epic(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, epic) = scope::epic(tx, call, Action::Read)?;
    let (body, page) = list(tx, call, about("epic", epic.id))?;
    Ok(Reply::ok(body).paged(page).at(scope.project.version))
}

fn list_mine(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let projects: Vec<i64> = scope::roles_of(tx, call.known()?)?.into_iter().map(|(id, _)| id).collect();
    of_projects(tx, call, &projects)
}

fn list_workspace(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let me = person::me(tx, call)?;
    let found: Option<workspace::Workspace> = record::find(tx, call.id("workspace_id")?)?;
    let found = found.ok_or_else(ApiError::unfound)?;
    if found.person_id != me.id() {
        return Err(ApiError::unauthorized());
    }
    let mine: Vec<i64> = scope::roles_of(tx, call.known()?)?.into_iter().map(|(id, _)| id).collect();
    let shown: Vec<i64> = found.project_ids.0.iter().copied().filter(|id| mine.contains(id)).collect();
    of_projects(tx, call, &shown)
}

fn of_projects(tx: &mut Tx<'_>, call: &Call, ids: &[i64]) -> Answer {
    let mut projects: Vec<Project> = record::all_of(tx, "id", ids)?;
    if call.who().token.is_some() {
        projects.retain(|project| project.settings().allow_api_access);
    }
    let condition = Cond::all().add(Expr::col("project_id").is_in(projects.iter().map(|project| project.id)));
    let (body, page) = list(tx, call, condition)?;
    Ok(Reply::ok(body).paged(page))
}
