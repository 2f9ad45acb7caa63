//! Which states stories came into, and when.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::{Page, Reply};
use crate::api::routes::{Answer, Routes};
use crate::api::view::part::transitions as view;
use crate::model::fields::Fields;
use crate::model::role::Action;
use crate::repo::scope::{self, Scope};
use crate::repo::transition::{self as repo, Transition};
use sea_query::{Cond, Expr, ExprTrait};
use serde_json::Value;
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/projects/{project_id}/story_transitions", list_transitions)
        .get("/projects/{project_id}/story_transitions.csv", write_transitions)
        .get("/projects/{project_id}/stories/{story_id}/transitions", list_story_transitions)
        .get("/stories/{story_id}/transitions", list_story_transitions)
}

type Part = (Vec<Transition>, Page);

fn list(tx: &mut Tx<'_>, call: &Call, mut condition: Cond) -> Result<Part, ApiError> {
    let params = call.params();
    params.only(&["occurred_before", "occurred_after", "limit", "offset"])?;
    if let Some(at) = params.time("occurred_before")? {
        condition = condition.add(Expr::col("occurred_at").lt(at));
    }
    if let Some(at) = params.time("occurred_after")? {
        condition = condition.add(Expr::col("occurred_at").gt(at));
    }
    let all = repo::list(tx, condition)?;
    call.cut(all, 100)
}

fn answer(call: &Call, scope: &Scope, (part, page): Part) -> Answer {
    Ok(Reply::ok(Value::Array(view(&part, call.fields())?)).paged(page).at(scope.project.version))
}

/// The same list as a table.
fn write_transitions(tx: &mut Tx<'_>, call: &Call) -> Answer {
    const COLUMNS: [&str; 6] = ["state", "story_id", "project_id", "project_version", "occurred_at", "performed_by_id"];
    let scope = scope::project(tx, call, Action::Read)?;
    let (part, page) = list(tx, call, Cond::all().add(Expr::col("project_id").eq(scope.project.id)))?;
    let mut table = format!("{}\n", COLUMNS.join(","));
    for one in view(&part, &Fields::all_default())? {
        // States, numbers and moments: nothing that would need quotes.
        let cells = COLUMNS.map(|name| one[name].as_str().map_or_else(|| one[name].to_string(), str::to_owned));
        table.push_str(&format!("{}\n", cells.join(",")));
    }
    Ok(Reply::csv(table).paged(page).at(scope.project.version))
}

fn list_transitions(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let part = list(tx, call, Cond::all().add(Expr::col("project_id").eq(scope.project.id)))?;
    answer(call, &scope, part)
}

fn list_story_transitions(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let part = list(tx, call, Cond::all().add(Expr::col("story_id").eq(story.id)))?;
    answer(call, &scope, part)
}
