//! Reviews of stories, and their types.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::story::status;
use crate::api::view::View;
use crate::api::view::part::{REVIEW, review_types, reviews as view};
use crate::model::role::Action;
use crate::model::time;
use crate::repo::activity::{self, Draft, change};
use crate::repo::record;
use crate::repo::review::{self as repo, NewReview, Review, ReviewType};
use crate::repo::scope::{self, Scope};
use crate::repo::story::{Story, touch};
use serde_json::{Value, json};
use store::Tx;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new()
        .get("/projects/{project_id}/review_types", list_types)
        .post("/projects/{project_id}/review_types", create_type)
        .put("/projects/{project_id}/review_types/{review_type_id}", update_type);
    for (all, one) in [
        (
            "/projects/{project_id}/stories/{story_id}/reviews",
            "/projects/{project_id}/stories/{story_id}/reviews/{review_id}",
        ),
        ("/stories/{story_id}/reviews", "/stories/{story_id}/reviews/{review_id}"),
    ] {
        routes = routes
            .get(all, list_reviews)
            .post(all, create_review)
            .get(one, get_review)
            .put(one, update_review)
            .delete(one, delete_review);
    }
    routes
}

fn list_types(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let all = repo::types(tx, scope.project.id)?;
    Ok(Reply::ok(Value::Array(review_types(&all, call.fields())?)).at(scope.project.version))
}

fn answer_type(call: &Call, scope: &Scope, one: &ReviewType) -> Answer {
    let body = review_types(std::slice::from_ref(one), call.fields())?.pop().unwrap_or_default();
    Ok(Reply::ok(body).at(scope.project.version))
}

fn type_draft(one: &ReviewType, verb: &'static str, message: String, changes: Vec<Value>) -> Draft {
    Draft {
        subject: "review_type",
        verb,
        object: ("review_type", one.id, one.name.clone()),
        message,
        highlight: if verb == "create" { "added" } else { "edited" }.into(),
        changes,
        primary: vec![json!({ "kind": "review_type", "id": one.id, "name": one.name })],
        secondary: Vec::new(),
    }
}

fn type_values(one: &ReviewType) -> serde_json::Map<String, Value> {
    json!({ "name": one.name, "hidden": one.hidden }).as_object().cloned().unwrap_or_default()
}

fn create_type(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Manage)?;
    call.params().only(&["name", "hidden"])?;
    let name = call.params().name(191)?;
    let hidden = call.params().boolean("hidden")?.unwrap_or(false);
    let one = repo::insert_type(tx, scope.project.id, &name, hidden, call.now())?;
    let mut values = type_values(&one);
    let made = json!(time::show(one.created_at));
    values.extend([("id".into(), json!(one.id)), ("project_id".into(), json!(one.project_id))]);
    values.extend([("created_at".into(), made.clone()), ("updated_at".into(), made)]);
    let changes = vec![change("review_type", one.id, None, Some(values), &[])];
    let draft = type_draft(&one, "create", format!("added review type: \"{name}\""), changes);
    activity::record(tx, &mut scope, call.now(), draft)?;
    answer_type(call, &scope, &one)
}

fn update_type(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let mut scope = scope::project(tx, call, Action::Manage)?;
    call.params().only(&["name", "hidden"])?;
    call.params().any_of(&["name", "hidden"])?;
    let before: Option<ReviewType> = record::find(tx, call.id("review_type_id")?)?;
    let before = before.filter(|one| one.project_id == scope.project.id).ok_or_else(ApiError::unfound)?;
    let mut one = before.clone();
    one.name = call.params().new_name(191)?.unwrap_or(one.name);
    one.hidden = call.params().boolean("hidden")?.unwrap_or(one.hidden);
    let moments = (before.updated_at, call.now());
    let Some((old, new)) = activity::updated(&type_values(&before), &type_values(&one), moments) else {
        return answer_type(call, &scope, &one);
    };
    one.updated_at = call.now();
    record::save(tx, &one)?;
    let changes = vec![change("review_type", one.id, Some(old), Some(new), &[])];
    let draft = type_draft(&one, "update", format!("edited review type: \"{}\"", one.name), changes);
    activity::record(tx, &mut scope, call.now(), draft)?;
    answer_type(call, &scope, &one)
}

fn answer(tx: &mut Tx<'_>, call: &Call, scope: &Scope, review: &Review) -> Answer {
    let body = view(tx, View { call, scope }, std::slice::from_ref(review), call.fields())?.pop();
    Ok(Reply::ok(body.unwrap_or_default()).at(scope.project.version))
}

fn list_reviews(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let all = repo::list(tx, story.id)?;
    let body = view(tx, View { call, scope: &scope }, &all, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).at(scope.project.version))
}

fn find(tx: &mut Tx<'_>, call: &Call, story: &Story) -> Result<Review, ApiError> {
    let review: Option<Review> = record::find(tx, call.id("review_id")?)?;
    review.filter(|review| review.story_id == story.id).ok_or_else(ApiError::unfound)
}

fn get_review(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (scope, story) = scope::story(tx, call, Action::Read)?;
    let review = find(tx, call, &story)?;
    answer(tx, call, &scope, &review)
}

fn draft(story: &Story, verb: &'static str, message: String, highlight: &str, changes: Vec<Value>) -> Draft {
    Draft {
        subject: "review",
        verb,
        object: story.object(),
        message,
        highlight: highlight.into(),
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    }
}

const WRITABLE: [&str; 3] = ["review_type_id", "reviewer_id", "status"];
const TOLERATED: [&str; 5] = ["review_type_id", "reviewer_id", "status", "created_at", "updated_at"];

fn name(tx: &mut Tx<'_>, review: &Review) -> Result<String, ApiError> {
    let one: Option<ReviewType> = record::find(tx, review.review_type_id)?;
    Ok(one.map(|one| one.name).unwrap_or_default())
}

fn create_review(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only(&TOLERATED)?;
    call.check_fields(&REVIEW)?;
    let new = NewReview {
        review_type_id: params.integer("review_type_id")?.ok_or_else(|| ApiError::missing("review_type_id"))?,
        reviewer_id: params.integer("reviewer_id")?,
        status: status(params)?.unwrap_or_else(|| "unstarted".into()),
    };
    let review = repo::insert(tx, &story, &new, now)?;
    let changes = vec![repo::created(&review), touch(tx, &story, &[], now)?];
    let message = format!("added a review: \"{}\"", name(tx, &review)?);
    activity::record(tx, &mut scope, now, draft(&story, "create", message, "added a review", changes))?;
    answer(tx, call, &scope, &review)
}

fn update_review(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    let (params, now) = (call.params(), call.now());
    params.only(&TOLERATED)?;
    params.any_of(&WRITABLE)?;
    let before = find(tx, call, &story)?;
    let mut review = before.clone();
    review.review_type_id = params.integer("review_type_id")?.unwrap_or(review.review_type_id);
    review.reviewer_id = params.integer_or_null("reviewer_id")?.unwrap_or(review.reviewer_id);
    review.status = status(params)?.unwrap_or(review.status);
    repo::check(tx, scope.project.id, review.review_type_id, review.reviewer_id.filter(|_| review != before))?;
    if review == before {
        return answer(tx, call, &scope, &review);
    }
    review.updated_at = now;
    record::save(tx, &review)?;
    let mut changes: Vec<Value> = repo::changed(&before, &review).into_iter().collect();
    changes.push(touch(tx, &story, &[], now)?);
    let message = format!("changed a review: \"{}\" to {}", name(tx, &review)?, review.status);
    activity::record(tx, &mut scope, now, draft(&story, "update", message, "changed a review", changes))?;
    answer(tx, call, &scope, &review)
}

fn delete_review(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let (mut scope, story) = scope::story(tx, call, Action::Work)?;
    call.params().only(&[])?;
    let review = find(tx, call, &story)?;
    record::remove::<Review>(tx, review.id)?;
    let changes = vec![change("review", review.id, None, None, &[]), touch(tx, &story, &[], call.now())?];
    let message = format!("deleted a review: \"{}\"", name(tx, &review)?);
    activity::record(tx, &mut scope, call.now(), draft(&story, "delete", message, "deleted a review", changes))?;
    Ok(Reply::nothing().at(scope.project.version))
}
