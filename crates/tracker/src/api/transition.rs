//! Which states stories came into, and when.

use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::part::transitions as view;
use crate::model::role::Action;
use crate::repo::scope::{self, Scope};
use crate::repo::transition as repo;
use sea_query::{Cond, Expr, ExprTrait};
use serde_json::Value;
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/projects/{project_id}/story_transitions", list_transitions)
        .get("/projects/{project_id}/stories/{story_id}/transitions", list_story_transitions)
        .get("/stories/{story_id}/transitions", list_story_transitions)
}

fn list(tx: &mut Tx<'_>, call: &Call, scope: &Scope, mut condition: Cond) -> Answer {
    let params = call.params();
    params.only(&["occurred_before", "occurred_after", "limit", "offset"])?;
    if let Some(at) = params.time("occurred_before")? {
        condition = condition.add(Expr::col("occurred_at").lt(at));
    }
    if let Some(at) = params.time("occurred_after")? {
        condition = condition.add(Expr::col("occurred_at").gt(at));
    }
    let all = repo::list(tx, condition)?;
    let (part, page) = call.cut(all, 100)?;
    Ok(Reply::ok(Value::Array(view(&part, call.fields())?)).paged(page).at(scope.project.version))
}

fn list_transitions(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let condition = Cond::all().add(Expr::col("project_id").eq(scope.project.id));
    list(tx, call, &scope, condition)
}

fn list_story_transitions(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let condition = Cond::all().add(Expr::col("story_id").eq(story.id));
    list(tx, call, &scope, condition)
}
