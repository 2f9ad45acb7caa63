//! `GET /projects/P/board`: all that a page needs to draw a project and to go on from the event stream, in one answer and one
//! statement a kind. Not part of v5; made for the pages.
//!
//! ```text
//! position     ledger position that the answer was read at: follow /api/events?after=POSITION&scope=project:P
//! version      of the project
//! project      as GET /projects/P, with allow_api_access, hide_email_addresses, archived
//! me           {person_id, role: owner|member|viewer|null, may: {work, manage, follow}}
//! people       those that any part of the answer names
//! memberships  as GET /projects/P/memberships, without the person (person_id)
//! labels, epics (with label_id)
//! iterations   {current_number, velocity, planned_with, initial_velocity, length, overrides: [{number, length, team_strength}],
//!               current: {number, start, finish, length, team_strength}, boundaries: [start of current, of the next, …]}
//! stories      Accepted in the current iteration, then Current and Backlog, then Icebox, in project order: default fields, with
//!              label_ids instead of labels, and follower_ids, tasks_count, tasks_open_count, comments_count, blockers_count (unresolved),
//!              reviews (id, review_type_id, reviewer_id, status), blocked_story_ids
//! review_types
//! ```
//!
//! The position is read before the rest, so that what happens in between is told twice rather than never.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use crate::api::view::{View, epic, iteration, label, membership, part, person, project, story};
use crate::model::calendar::Calendar;
use crate::model::fields::Fields;
use crate::model::plan::{self, Plan};
use crate::model::points;
use crate::model::role::Action;
use crate::model::story::State;
use crate::model::time;
use crate::repo::review::{self, Review};
use crate::repo::scope::{self, Scope};
use crate::repo::story::link;
use crate::repo::{
    epic as epics, iteration as iterations, label as labels, membership as members, project as projects, record,
};
use sea_query::{Expr, ExprTrait};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use store::Tx;

/// Iterations whose boundaries are told beyond those that have stories.
const AHEAD: u32 = 26;
/// A Backlog for longer than this is drawn without dates.
const MOST: u32 = 600;

/// The routes.
pub fn routes() -> Routes {
    Routes::new().slow(http::Method::GET, "/projects/{project_id}/board", |call| Box::pin(get_board(call)))
}

async fn get_board(call: Call) -> Answer {
    let db = call.tracker().db.clone();
    let position = ledger::Ledger::new(db.clone()).head().await?;
    db.read(move |tx| board(tx, &call, position)).await
}

fn board(tx: &mut Tx<'_>, call: &Call, position: i64) -> Answer {
    let scope = scope::project(tx, call, Action::Read)?;
    call.params().only(&[])?;
    let id = scope.project.id;
    let view = View { call, scope: &scope };
    let planned = planned(tx, &scope, call.now())?;
    let first = planned.calendar.start(planned.plan.current);
    let open = Expr::col("current_state").ne(State::Accepted.as_str()).or(Expr::col("position").gte(first));
    let stories = crate::repo::story::list(tx, Expr::col("project_id").eq(id).and(open))?;

    let fields = Fields::parse(
        "kind,created_at,updated_at,accepted_at,estimate,story_type,story_priority,name,description,current_state,deadline,\
         requested_by_id,url,project_id,owner_ids,label_ids,owned_by_id,integration_id,external_id,follower_ids,blocked_story_ids",
    )
    .map_err(ApiError::internal)?;
    let reviews: Vec<Review> = record::all(tx, Expr::col("project_id").eq(id))?;
    let mut more = More::read(tx, id, &reviews)?;
    let memberships = members::list(tx, id)?;

    let mut people: BTreeSet<i64> = memberships.iter().map(|(membership, ..)| membership.person_id).collect();
    people.extend(reviews.iter().filter_map(|review| review.reviewer_id));
    // As text at once: thousands of stories as values of fields take longer than all else.
    let shown = story::each(tx, view, &stories, &fields, |one, mut json| {
        people.insert(one.requested_by_id);
        people.extend(json["owner_ids"].as_array().into_iter().flatten().filter_map(Value::as_i64));
        more.add(one.id, &mut json);
        to_raw_value(&json).map_err(ApiError::internal)
    })?;
    let numbers: Vec<i64> = people.into_iter().collect();
    let known = crate::repo::person::people(tx, &numbers)?;
    let people = person::people(&known, &numbers, scope.sees_addresses(), &Fields::all_default())?;

    let select = |text: &str| Fields::parse(text).map_err(ApiError::internal);
    let of_project = select(":default,allow_api_access,hide_email_addresses,archived")?;
    let of_membership = select(
        "kind,project_id,person_id,role,project_color,favorite,last_viewed_at,wants_comment_notification_emails,\
         will_receive_mention_notifications_or_emails,created_at,updated_at",
    )?;
    let of_epic = select("kind,project_id,name,description,label_id,url,created_at,updated_at")?;
    let (all_labels, all_epics) = (labels::list(tx, id)?, epics::list(tx, id)?);
    let body = json!({
        "kind": "board",
        "position": position,
        "version": scope.project.version,
        "project": project::in_scope(tx, view, &of_project)?,
        "me": {
            "person_id": scope.me.as_ref().map(|me| me.id()),
            "role": scope.access.role,
            "may": {
                "work": scope.access.allows(Action::Work),
                "manage": scope.access.allows(Action::Manage),
                "follow": scope.access.allows(Action::Follow),
            },
        },
        "people": people,
        "memberships": membership::memberships(tx, call, &scope, &memberships, &of_membership)?,
        "labels": label::labels(tx, &all_labels, &Fields::all_default())?,
        "epics": epic::epics(tx, view, &all_epics, &of_epic)?,
        "review_types": part::review_types(&review::types(tx, id)?, &Fields::all_default())?,
        "iterations": told(&scope, &planned),
    });
    let text = serde_json::to_string(&Board { rest: body, stories: shown }).map_err(ApiError::internal)?;
    Ok(Reply::text(text).at(scope.project.version))
}

#[derive(Serialize)]
struct Board {
    #[serde(flatten)]
    rest: Value,
    stories: Vec<Box<RawValue>>,
}

/// The plan of what is not done. Done stories are read only as far back as velocity looks.
fn planned(tx: &mut Tx<'_>, scope: &Scope, now: i64) -> Result<iteration::Planned, ApiError> {
    let settings = scope.project.settings();
    let calendar = projects::calendar(tx, &scope.project)?;
    let current = calendar.number_at(now);
    let since = calendar.start(Calendar::back(current, settings.velocity_averaged_over));
    let stories = iterations::lean(tx, scope.project.id, Some(since))?;
    let plan = plan::plan(&calendar, settings.strategy(), settings.automatic_planning, &stories, now);
    Ok(iteration::Planned { calendar, stories, plan })
}

/// What hangs on the stories of a board.
struct More {
    counts: [(&'static str, HashMap<i64, i64>); 4],
    reviews: HashMap<i64, Vec<Value>>,
}

impl More {
    fn read(tx: &mut Tx<'_>, project: i64, reviews: &[Review]) -> Result<Self, ApiError> {
        let open = || Expr::col("resolved").eq(0);
        let counts = [
            ("tasks_count", link::counts(tx, "story_task", project, None)?),
            ("tasks_open_count", link::counts(tx, "story_task", project, Some(Expr::col("complete").eq(0)))?),
            ("comments_count", link::counts(tx, "comment", project, None)?),
            ("blockers_count", link::counts(tx, "blocker", project, Some(open()))?),
        ];
        let mut by_story: HashMap<i64, Vec<Value>> = HashMap::new();
        for review in reviews {
            by_story.entry(review.story_id).or_default().push(json!({
                "id": review.id,
                "review_type_id": review.review_type_id,
                "reviewer_id": review.reviewer_id,
                "status": review.status,
            }));
        }
        Ok(Self { counts, reviews: by_story })
    }

    fn add(&mut self, id: i64, story: &mut Value) {
        for (name, counts) in &self.counts {
            story[*name] = json!(counts.get(&id).copied().unwrap_or(0));
        }
        story["reviews"] = Value::Array(self.reviews.remove(&id).unwrap_or_default());
    }
}

fn told(scope: &Scope, planned: &iteration::Planned) -> Value {
    let iteration::Planned { calendar, plan, .. } = planned;
    let settings = scope.project.settings();
    let number = plan.current;
    let overrides: Vec<Value> = calendar
        .overrides()
        .iter()
        .map(|(number, change)| {
            json!({
                "number": number,
                "length": change.length.unwrap_or(settings.iteration_length),
                "team_strength": points::number(change.strength.unwrap_or(1.0)),
            })
        })
        .collect();
    json!({
        "current_number": number,
        "velocity": plan.velocity,
        "planned_with": plan.planned_with,
        "initial_velocity": settings.initial_velocity,
        "length": settings.iteration_length,
        "overrides": overrides,
        "current": {
            "number": number,
            "start": time::show(calendar.start(number)),
            "finish": time::show(calendar.start(number + 1)),
            "length": calendar.weeks(number),
            "team_strength": points::number(calendar.strength(number)),
        },
        "boundaries": boundaries(calendar, plan),
    })
}

fn boundaries(calendar: &Calendar, plan: &Plan) -> Vec<Value> {
    let last = plan.iterations.last().map_or(plan.current, |iteration| iteration.number);
    let until = std::cmp::min(last + AHEAD, plan.current + MOST);
    (plan.current..=until).map(|number| json!(time::show(calendar.start(number)))).collect()
}
