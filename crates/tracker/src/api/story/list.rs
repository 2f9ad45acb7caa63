//! Lists of stories.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::params::Params;
use crate::api::reply::{Page, Reply};
use crate::api::routes::Answer;
use crate::api::search as searches;
use crate::api::story::input::PRIORITIES;
use crate::api::view::story as view;
use crate::api::view::{View, epic as epics, pick};
use crate::model::fields::{Fields, Shape};
use crate::model::points;
use crate::model::role::Action;
use crate::model::story::{State, StoryType};
use crate::repo::scope::{self, Scope};
use crate::repo::story::{self as repo, Story};
use crate::repo::{epic, label, project};
use sea_query::{Cond, Expr, ExprTrait, Func, Query};
use serde_json::{Value, json};
use store::Tx;

const FILTERS: [&str; 14] = [
    "with_label",
    "with_story_type",
    "with_story_priority",
    "with_state",
    "after_story_id",
    "before_story_id",
    "accepted_before",
    "accepted_after",
    "created_before",
    "created_after",
    "updated_before",
    "updated_after",
    "deadline_before",
    "deadline_after",
];
/// What the answer to a search has.
const SEARCH: Shape = Shape { keys: &[], default: &["kind", "query", "stories", "epics"], extra: &[] };
/// The most hits that the pages show.
const HITS: usize = 500;

/// `GET /projects/P/stories`: in project order, accepted ones first.
pub(super) fn list_stories(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let params = call.params();
    params.only(&[&FILTERS[..], &["filter", "limit", "offset"]].concat())?;
    if let Some(filter) = params.text("filter", 1000)? {
        if FILTERS.iter().any(|name| params.has(name)) {
            let text = "The 'filter' parameter cannot be combined with other url parameters.";
            return Err(ApiError::invalid(text));
        }
        let found = searches::stories(tx, call, &scope, &filter)?;
        let (part, mut page) = call.cut(found.stories, 100)?;
        page.total = page.total.filter(|total| *total > 0);
        return answer(tx, call, &scope, &part, page);
    }
    let condition = condition(tx, params, &scope)?;
    let (limit, offset) = call.page_from_start(100)?;
    let total: i64 = tx
        .value(Query::select().expr(Func::count(Expr::col("id"))).from("story").cond_where(condition.clone()))?
        .unwrap_or(0);
    let stories: Vec<Story> =
        tx.rows(repo::ordered(condition).limit(limit.unsigned_abs()).offset(offset.unsigned_abs()))?;
    let page = Page { total: Some(total), offset, limit, returned: stories.len() as i64 };
    answer(tx, call, &scope, &stories, page)
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, stories: &[Story], page: Page) -> Answer {
    let body = view::stories(tx, View { call, scope }, stories, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).paged(page).at(scope.project.version))
}

fn condition(tx: &mut Tx<'_>, params: &Params, scope: &Scope) -> Result<Cond, ApiError> {
    let project = scope.project.id;
    let mut all = Cond::all().add(Expr::col("project_id").eq(project));
    if let Some(name) = params.text("with_label", 255)? {
        let label = label::by_name(tx, project, &name)?.map_or(0, |label| label.id);
        let carries = Query::select()
            .column("story_id")
            .from("story_label")
            .and_where(Expr::col("label_id").eq(label))
            .to_owned();
        all = all.add(Expr::col("id").in_subquery(carries));
    }
    let types = StoryType::ALL.map(StoryType::as_str);
    if let Some(kind) = params.one_of("with_story_type", &types, StoryType::parse)? {
        all = all.add(Expr::col("story_type").eq(kind.as_str()));
    }
    let known = |text: &str| PRIORITIES.contains(&text).then(|| text.to_owned());
    if let Some(priority) = params.one_of("with_story_priority", &PRIORITIES, known)? {
        all = all.add(Expr::col("story_priority").eq(priority));
    }
    let states = State::ALL.map(State::as_str);
    if let Some(state) = params.one_of("with_state", &states, State::parse)? {
        all = all.add(Expr::col("current_state").eq(state.as_str()));
    }
    for (name, column, after) in [
        ("accepted_before", "accepted_at", false),
        ("accepted_after", "accepted_at", true),
        ("created_before", "created_at", false),
        ("created_after", "created_at", true),
        ("updated_before", "updated_at", false),
        ("updated_after", "updated_at", true),
        ("deadline_before", "deadline", false),
        ("deadline_after", "deadline", true),
    ] {
        if let Some(at) = params.time(name)? {
            let column = Expr::col(column);
            all = all.add(if after { column.gt(at) } else { column.lt(at) });
        }
    }
    for (name, after) in [("after_story_id", true), ("before_story_id", false)] {
        if let Some(id) = params.integer(name)? {
            let story = scope::story_in(tx, scope, id)
                .map_err(|_| ApiError::invalid_field(name, format!("Story {id} is no story of this project.")))?;
            all = all.add(beyond(&story, after));
        }
    }
    Ok(all)
}

/// What stands below (or above) a story in the project's order.
fn beyond(story: &Story, after: bool) -> Cond {
    let compare = |column: &'static str, value: i64| match after {
        true => Expr::col(column).gt(value),
        false => Expr::col(column).lt(value),
    };
    let panel = Expr::col("panel").eq(story.panel as i16);
    let position = Expr::col("position").eq(story.position);
    Cond::any()
        .add(compare("panel", story.panel as i64))
        .add(panel.clone().and(compare("position", story.position)))
        .add(panel.and(position).and(compare("id", story.id)))
}

/// `GET /projects/P/stories/bulk`: these; missing ones are left out.
pub(super) fn list_some(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["ids"])?;
    let ids = call.params().ids("ids")?.ok_or_else(|| ApiError::missing("ids"))?;
    if ids.len() > HITS {
        return Err(ApiError::invalid_field("ids", format!("At most {HITS} stories can be asked for at once.")));
    }
    let here = Expr::col("project_id").eq(scope.project.id).and(Expr::col("id").is_in(ids.iter().copied()));
    let mut stories = repo::list(tx, here)?;
    stories.sort_by_key(|story| ids.iter().position(|id| *id == story.id));
    let body = view::stories(tx, View { call, scope: &scope }, &stories, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).at(scope.project.version))
}

/// `GET /projects/P/search`: stories and epics.
pub(super) fn search(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["query"])?;
    let text = call.params().text("query", 1000)?.ok_or_else(|| ApiError::missing("query"))?;
    let mut found = searches::stories(tx, call, &scope, &text)?;
    // Accepted in this iteration, in progress, not begun, Icebox, done before.
    let calendar = project::calendar(tx, &scope.project)?;
    let current = calendar.start(calendar.number_at(call.now()));
    found.stories.sort_by_key(|story| match story.current_state {
        State::Accepted if story.position >= current => 0,
        State::Accepted => 4,
        state if state.is_in_progress() => 1,
        State::Unscheduled => 3,
        _ => 2,
    });
    let sum = |accepted: bool| {
        let counted = found.stories.iter().filter(|story| !accepted || story.current_state == State::Accepted);
        points::number(counted.map(|story| story.estimate.unwrap_or(0.0)).sum())
    };
    let (total, completed, hits) = (sum(false), sum(true), found.stories.len());
    found.stories.truncate(HITS);
    // The selection is of the answer: `fields=stories(stories(name))`.
    let inner = |outer: &str| {
        let of = call.fields().named.get(outer).and_then(Option::as_ref);
        of.and_then(|fields| fields.named.get(outer))
            .and_then(Option::as_ref)
            .cloned()
            .unwrap_or_else(Fields::all_default)
    };
    let view = View { call, scope: &scope };
    let stories = view::stories(tx, view, &found.stories, &inner("stories"))?;
    let all = epic::list(tx, scope.project.id)?;
    let epics_found = searches::epics(tx, call, &scope, all, &text)?;
    let epics = epics::epics(tx, view, &epics_found, &inner("epics"))?;
    let body = json!({
        "kind": "search_result_container",
        "query": text,
        "stories": {
            "kind": "stories_search_result",
            "stories": stories,
            "total_points": total,
            "total_points_completed": completed,
            "total_hits": hits,
            "total_hits_with_done": hits + found.hidden,
        },
        "epics": {
            "kind": "epics_search_result",
            "epics": epics,
            "total_hits": epics_found.len(),
            "total_hits_with_done": epics_found.len(),
        },
    });
    Ok(Reply::ok(pick(&body, &SEARCH, call.fields())?).at(scope.project.version))
}
