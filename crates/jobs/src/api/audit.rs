//! What happened to jobs: the ledger in the words of this API.

use super::caller::Who;
use super::params::Params;
use crate::model::event::{TYPES, ago, event, sentence};
use crate::model::time::{now, seconds};
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use ledger::Filter;
use serde::Deserialize;
use serde_json::{Value, json};

/// Events of one answer.
const MOST: usize = 100;
/// Entries that are looked through for them.
const LOOKED: u64 = 5_000;

#[derive(Default)]
struct Wanted {
    name: Option<String>,
    version: Option<String>,
    /// Only where this user is executor or subject.
    user: Option<String>,
}

async fn find(jobs: &Jobs, wanted: Wanted) -> Result<Vec<Value>, JobsError> {
    let records = jobs
        .db
        .read(|tx| {
            let actions = TYPES.iter().map(|(action, _)| (*action).to_owned()).collect();
            let filter = Filter { actions, limit: LOOKED, descending: true, ..Filter::default() };
            ledger::find(tx, &filter).map_err(JobsError::from)
        })
        .await?
        .0;
    let is = |event: &Value, key: &str, wanted: &Option<String>| {
        wanted.as_deref().is_none_or(|wanted| event[key].as_str() == Some(wanted))
    };
    let events = records.iter().filter_map(event).filter(|event| {
        let mine = wanted.user.is_none()
            || is(event, "username_executor", &wanted.user)
            || is(event, "username_subject", &wanted.user);
        mine && is(event, "job_name", &wanted.name) && is(event, "job_version", &wanted.version)
    });
    Ok(events.take(MOST).collect())
}

/// Filters of the activity.
#[derive(Debug, Deserialize)]
pub struct Activity {
    job_name: Option<String>,
    job_version: Option<String>,
    related_to_me: Option<String>,
}

/// `GET /audit/activity`.
pub async fn show_activity(
    State(jobs): State<Jobs>,
    who: Who,
    Params(filter): Params<Activity>,
) -> Result<Json<Value>, JobsError> {
    who.person()?;
    let set = |text: Option<String>| text.filter(|text| !text.is_empty());
    let mine = filter.related_to_me.as_deref().is_some_and(|text| ["true", "yes", "1"].contains(&text));
    let (name, version) = (set(filter.job_name), set(filter.job_version));
    let wanted = Wanted { name: name.clone(), version: version.clone(), user: mine.then(|| who.caller.name.clone()) };
    let mut events = find(&jobs, wanted).await?;
    for event in &mut events {
        let age = seconds(now()) - event["timestamp"].as_i64().unwrap_or(0);
        let (explanation, time_ago) = (sentence(event), ago(age));
        event["explanation"] = explanation.into();
        event["time_ago"] = time_ago.into();
    }
    Ok(Json(json!({
        "filter_job_name": name,
        "filter_job_version": version,
        "filter_related_to_me": mine,
        "events": events,
    })))
}

/// `GET /audit/events`.
pub async fn list_events(State(jobs): State<Jobs>, _: Who) -> Result<Json<Vec<Value>>, JobsError> {
    find(&jobs, Wanted::default()).await.map(Json)
}

/// `GET /audit/events/job/{name}`.
pub async fn list_events_of_family(
    State(jobs): State<Jobs>,
    _: Who,
    Path(name): Path<String>,
) -> Result<Json<Vec<Value>>, JobsError> {
    find(&jobs, Wanted { name: Some(name), ..Wanted::default() }).await.map(Json)
}

/// `GET /audit/events/job/{name}/{version}`.
pub async fn list_events_of_job(
    State(jobs): State<Jobs>,
    _: Who,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Vec<Value>>, JobsError> {
    find(&jobs, Wanted { name: Some(name), version: Some(version), user: None }).await.map(Json)
}

/// `GET /audit/user_events`.
pub async fn list_own_events(State(jobs): State<Jobs>, who: Who) -> Result<Json<Vec<Value>>, JobsError> {
    who.person()?;
    find(&jobs, Wanted { user: Some(who.caller.name), ..Wanted::default() }).await.map(Json)
}

/// `GET /audit/user_events/job/{name}`.
pub async fn list_own_events_of_family(
    State(jobs): State<Jobs>,
    who: Who,
    Path(name): Path<String>,
) -> Result<Json<Vec<Value>>, JobsError> {
    who.person()?;
    find(&jobs, Wanted { user: Some(who.caller.name), name: Some(name), version: None }).await.map(Json)
}

/// `GET /audit/user_events/job/{name}/{version}`.
pub async fn list_own_events_of_job(
    State(jobs): State<Jobs>,
    who: Who,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Vec<Value>>, JobsError> {
    who.person()?;
    find(&jobs, Wanted { user: Some(who.caller.name), name: Some(name), version: Some(version) }).await.map(Json)
}
