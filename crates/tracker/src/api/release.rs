//! Releases: release stories, and what they cover.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{View, at, choose, object, story as stories};
use crate::model::fields::Fields;
use crate::model::fields::Shape;
use crate::model::points;
use crate::model::role::Action;
use crate::model::story::State;
use crate::repo::release as repo;
use crate::repo::scope::{self, Scope};
use crate::repo::story::Story;
use serde_json::{Value, json};
use store::Tx;

/// What a release has.
const RELEASE: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "name",
        "description",
        "current_state",
        "accepted_at",
        "deadline",
        "labels",
        "url",
        "project_id",
        "created_at",
        "updated_at",
    ],
    extra: &[
        "label_ids",
        "story_ids",
        "stories",
        "projected_completion",
        "points_accepted",
        "points_total",
        "counts_accepted",
        "counts_total",
        // A range of dates is not reckoned here.
        "projected_completion_interval",
    ],
};

/// The routes.
pub fn routes() -> Routes {
    Routes::new()
        .get("/projects/{project_id}/releases", list_releases)
        .get("/projects/{project_id}/releases/{release_id}", get_release)
        .get("/projects/{project_id}/releases/{release_id}/stories", list_release_stories)
}

type Covered = (Story, Vec<Story>);

fn view(tx: &mut Tx<'_>, call: &Call, scope: &Scope, all: &[Covered]) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(call.fields(), &RELEASE)?;
    let view = View { call, scope };
    let reckoned = chosen.iter().any(|field| RELEASE.extra[3..].contains(&field.name));
    let progress = match reckoned {
        true => repo::progress(tx, &scope.project, call.now())?,
        false => Default::default(),
    };
    let markers: Vec<Story> = all.iter().map(|one| one.0.clone()).collect();
    // Labels are rendered as those of any story.
    let fields = Fields::parse("labels,label_ids").unwrap_or_default();
    let labels = stories::stories(tx, view, &markers, &fields)?;
    let mut found = Vec::new();
    for ((release, covered), labels) in all.iter().zip(labels) {
        let progress = progress.get(&release.id);
        found.push(object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(release.id)),
                "kind" => Some(json!("release")),
                "name" => Some(json!(release.name)),
                "description" => release.description.as_ref().map(|text| json!(text)),
                "current_state" => Some(json!(release.current_state)),
                "accepted_at" => release.accepted_at.and_then(at),
                "deadline" => release.deadline.and_then(at),
                "labels" | "label_ids" => Some(labels[field.name].clone()),
                "url" => Some(json!(format!("{}/story/show/{}", call.base(), release.id))),
                "project_id" => Some(json!(release.project_id)),
                "created_at" => at(release.created_at),
                "updated_at" => at(release.updated_at),
                "story_ids" => Some(json!(covered.iter().map(|story| story.id).collect::<Vec<_>>())),
                "stories" => Some(Value::Array(stories::stories(tx, view, covered, &field.selection())?)),
                "projected_completion" => progress.and_then(|one| one.projected_completion).and_then(at),
                "points_accepted" => progress.map(|one| points::number(one.points_accepted)),
                "points_total" => progress.map(|one| points::number(one.points_total)),
                "counts_accepted" => progress.map(|one| json!(one.counts_accepted)),
                "counts_total" => progress.map(|one| json!(one.counts_total)),
                _ => None,
            })
        })?);
    }
    Ok(found)
}

fn list_releases(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["with_state", "limit", "offset"])?;
    let states = State::ALL.map(State::as_str);
    let state = call.params().one_of("with_state", &states, State::parse)?;
    let mut all = repo::covered(tx, scope.project.id)?;
    all.retain(|(release, _)| state.is_none_or(|state| release.current_state == state));
    let (part, page) = call.cut(all, 100)?;
    let body = view(tx, call, &scope, &part)?;
    Ok(Reply::ok(Value::Array(body)).paged(page).at(scope.project.version))
}

fn find(tx: &mut Tx<'_>, call: &Call, scope: &Scope) -> Result<Covered, ApiError> {
    let id = call.id("release_id")?;
    let all = repo::covered(tx, scope.project.id)?;
    all.into_iter().find(|(release, _)| release.id == id).ok_or_else(ApiError::unfound)
}

fn get_release(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    let one = find(tx, call, &scope)?;
    let body = view(tx, call, &scope, std::slice::from_ref(&one))?.pop().unwrap_or_default();
    Ok(Reply::ok(body).at(scope.project.version))
}

fn list_release_stories(tx: &mut Tx<'_>, call: &Call) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&["limit", "offset"])?;
    let (_, covered) = find(tx, call, &scope)?;
    let (part, page) = call.cut(covered, 100)?;
    let body = stories::stories(tx, View { call, scope: &scope }, &part, call.fields())?;
    Ok(Reply::ok(Value::Array(body)).paged(page).at(scope.project.version))
}
