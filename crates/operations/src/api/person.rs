//! `/api/platform/people`: people, for administrators (rows T19, T22, T25, T26, R1, R2).
//!
//! Everybody does his own account at `/api/identity`. Once there is an active administrator there always is one: what would
//! leave none is refused by identity.

use crate::api::body::Body;
use crate::api::caller::Administrator;
use crate::api::query::Params;
use crate::api::shape;
use crate::{ApiError, Operations};
use axum::Json;
use axum::extract::{Path, State};
use http::{StatusCode, Uri, request::Parts};
use identity::{
    Caller, IdentityError, NewPerson, Password, Person, PersonChange, PersonFilter, PersonOrder, PersonState, Subject,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::HashMap;
use store::Tx;

const MOST: u64 = 200;

/// `GET /api/platform/people?q=&state=&administrator=&order=&page=&per_page=`: `q` are words, each somewhere in user name,
/// address or display name.
pub(super) async fn list_people(
    State(operations): State<Operations>,
    _: Administrator,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    let params = Params::parse(uri.query(), &["q", "state", "administrator", "order", "page", "per_page"])?;
    let (page, per_page) = params.page(50, MOST)?;
    let states = params.texts("state");
    let state = |text: &String| {
        let known = [PersonState::Pending, PersonState::Active, PersonState::Suspended];
        known
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| ApiError::bad("state", format!("state: {text:?} is none of pending, active, suspended.")))
    };
    let filter = PersonFilter {
        words: params.words("q"),
        states: if states.is_empty() { None } else { Some(states.iter().map(state).collect::<Result<_, _>>()?) },
        administrators: params.get("administrator", "true or false")?,
        order: match params.text("order") {
            None | Some("user_name") => PersonOrder::UserName,
            Some("created_at") => PersonOrder::CreatedAt,
            Some("-created_at") => PersonOrder::CreatedAtDescending,
            Some(other) => {
                let words = format!("order: {other:?} is none of user_name, created_at, -created_at.");
                return Err(ApiError::bad("order", words));
            }
        },
        offset: (page - 1) * per_page,
        limit: per_page,
        ..PersonFilter::default()
    };
    let now = operations.now();
    operations
        .db
        .read(move |tx| {
            let (people, total) = identity::person_find(tx, &filter)?;
            Ok(Json(json!({ "people": show(tx, &people, now)?, "total": total, "page": page, "per_page": per_page })))
        })
        .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBody {
    user_name: String,
    email: Option<String>,
    #[serde(default)]
    display_name: String,
    password: Option<String>,
    /// `active` if not given.
    state: Option<PersonState>,
    #[serde(default)]
    administrator: bool,
}

/// `POST /api/platform/people`. Without a password they cannot sign in until one is set, or a link was used.
pub(super) async fn create_person(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Body(body): Body<NewBody>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let password = match body.password {
        Some(password) => Some(identity::hash_password(Password::new(password)).await?),
        None => None,
    };
    let new = NewPerson {
        user_name: body.user_name.trim().into(),
        email: body.email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty()),
        display_name: body.display_name.trim().into(),
        state: body.state.unwrap_or(PersonState::Active),
        password,
    };
    let now = operations.now();
    operations
        .db
        .write(move |tx| {
            let person = identity::person_create(tx, &caller.actor(), &new)?;
            if body.administrator {
                identity::administrator_add(tx, &caller.actor(), &person)?;
            }
            Ok((StatusCode::CREATED, Json(show_one(tx, &person, now)?)))
        })
        .await
}

/// `GET /api/platform/people/ID`.
pub(super) async fn show_person(
    State(operations): State<Operations>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let now = operations.now();
    operations
        .db
        .read(move |tx| {
            let person = load(tx, &id)?;
            Ok(Json(show_one(tx, &person, now)?))
        })
        .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    user_name: Option<String>,
    /// `null` takes the address away.
    #[serde(default, deserialize_with = "given")]
    email: Option<Option<String>>,
    display_name: Option<String>,
}

/// Tells `null` from a field that is not there.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// `PATCH /api/platform/people/ID`.
pub(super) async fn update_person(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    Body(body): Body<ChangeBody>,
) -> Result<Json<Value>, ApiError> {
    let trimmed = |text: String| text.trim().to_owned();
    let change = PersonChange {
        user_name: body.user_name.map(trimmed),
        email: body.email.map(|email| email.map(trimmed).filter(|email| !email.is_empty())),
        display_name: body.display_name.map(trimmed),
    };
    change_person(&operations, id, move |tx, id| identity::person_update(tx, &caller.actor(), id, &change).map(drop))
        .await
}

/// `DELETE /api/platform/people/ID`: sessions, tokens and grants go along; what they made stays, under their name.
pub(super) async fn delete_person(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    operations.db.write(move |tx| identity::person_delete(tx, &caller.actor(), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/platform/people/ID/activate`: approves a newcomer, or takes a suspension back.
pub(super) async fn activate_person(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    set_state(&operations, caller, id, PersonState::Active).await
}

/// `POST /api/platform/people/ID/suspend`: sessions and tokens work no more, at the next request.
pub(super) async fn suspend_person(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    set_state(&operations, caller, id, PersonState::Suspended).await
}

async fn set_state(
    operations: &Operations,
    caller: Caller,
    id: String,
    state: PersonState,
) -> Result<Json<Value>, ApiError> {
    change_person(operations, id, move |tx, id| identity::person_set_state(tx, &caller.actor(), id, state).map(drop))
        .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    password: String,
}

/// `PUT /api/platform/people/ID/password`: sets it, and ends their sessions.
pub(super) async fn set_password(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    Body(body): Body<PasswordBody>,
) -> Result<StatusCode, ApiError> {
    let hash = identity::hash_password(Password::new(body.password)).await?;
    operations.db.write(move |tx| identity::person_set_password(tx, &caller.actor(), &id, &hash, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/platform/people/ID/password_link`: `{"url", "expires_at"}`; who opens it sets a new password, once. It is in
/// no other answer, and replaces any made before.
pub(super) async fn create_password_link(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    parts: Parts,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let now = operations.now();
    let (token, expires_at) = operations
        .db
        .write(move |tx| {
            let person = load(tx, &id)?;
            Ok::<_, ApiError>(identity::password_link_create(tx, &caller.actor(), &person, now)?)
        })
        .await?;
    let url = format!("{}/password?token={token}", identity::http::base_url(&parts));
    Ok((StatusCode::CREATED, Json(json!({ "url": url, "expires_at": shape::time(expires_at) }))))
}

/// `PUT /api/platform/people/ID/administrator`.
pub(super) async fn add_administrator(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    change_person(&operations, id, move |tx, id| {
        let person = identity::person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
        Ok(identity::administrator_add(tx, &caller.actor(), &person).map(drop)?)
    })
    .await
}

/// `DELETE /api/platform/people/ID/administrator`.
pub(super) async fn remove_administrator(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    change_person(&operations, id, move |tx, id| {
        let person = identity::person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
        identity::administrator_remove(tx, &caller.actor(), &person).map(drop)
    })
    .await
}

/// Changes a person and answers them as they are then.
async fn change_person(
    operations: &Operations,
    id: String,
    change: impl Fn(&mut Tx<'_>, &str) -> Result<(), IdentityError> + Send + 'static,
) -> Result<Json<Value>, ApiError> {
    let now = operations.now();
    operations
        .db
        .write(move |tx| {
            change(tx, &id)?;
            let person = load(tx, &id)?;
            Ok(Json(show_one(tx, &person, now)?))
        })
        .await
}

/// The person of that id, or not found.
pub(super) fn load(tx: &mut Tx<'_>, id: &str) -> Result<Person, ApiError> {
    identity::person_get(tx, id)?.ok_or_else(|| ApiError::not_found("person"))
}

fn show_one(tx: &mut Tx<'_>, person: &Person, now: i64) -> Result<Value, ApiError> {
    Ok(show(tx, std::slice::from_ref(person), now)?.remove(0))
}

fn show(tx: &mut Tx<'_>, people: &[Person], now: i64) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<String> = people.iter().map(|person| person.id.clone()).collect();
    let activity = identity::person_activity(tx, &ids, now)?;
    let mut administrators = HashMap::new();
    for id in &ids {
        administrators.insert(id, identity::is_administrator(tx, &Subject::Person(id.clone()))?);
    }
    let one = |person: &Person| {
        let activity = activity.get(&person.id).copied().unwrap_or_default();
        shape::person(person, administrators[&person.id], activity)
    };
    Ok(people.iter().map(one).collect())
}
