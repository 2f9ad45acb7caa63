//! `/Users`: people in the shapes of SCIM 1.1.

mod change;

pub(super) use change::{update_status, update_user};

use super::{caller, caller_with, failure};
use crate::http::headers::{oauth_error, private};
use crate::model::scim;
use crate::repo::person::person_get;
use crate::repo::person_find::person_scim;
use crate::sign_in::SignInError;
use crate::verify::Credential;
use crate::{
    Caller, Identity, IdentityError, NewPerson, Password, Person, PersonState, Subject, hash_password,
    is_administrator, person_create, person_delete, person_set_password,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{Extensions, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

const SCHEMA: &str = "urn:scim:schemas:core:1.0";

/// `GET /Users?filter=…&startIndex=1&count=100`.
pub(super) async fn list_users(State(identity): State<Identity>, request: Request) -> Response {
    if let Err(answer) = caller_with(request.extensions(), &["scim.read"]) {
        return answer;
    }
    let query: HashMap<String, String> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let filter = match query.get("filter").map(|text| scim::parse(text)).transpose() {
        Ok(filter) => filter,
        Err(problem) => {
            return oauth_error(StatusCode::BAD_REQUEST, "scim", &format!("Invalid filter expression: {problem}"));
        }
    };
    let number = |name: &str, default: u64| query.get(name).map_or(Ok(default), |text| text.parse::<u64>());
    let (Ok(start), Ok(count)) = (number("startIndex", 1), number("count", 100)) else {
        return oauth_error(StatusCode::BAD_REQUEST, "scim", "startIndex and count must be whole numbers");
    };
    let (start, count) = (start.clamp(1, i64::MAX as u64), count.clamp(1, 500));
    let found = identity
        .db()
        .read(move |tx| {
            let (people, total) = person_scim(tx, filter.as_ref(), start - 1, count)?;
            let mut resources = Vec::new();
            for person in &people {
                resources.push(user(person));
            }
            Ok::<_, IdentityError>((resources, total))
        })
        .await;
    match found {
        Ok((resources, total)) => private(
            Json(json!({
                "resources": resources,
                "startIndex": start,
                "itemsPerPage": count,
                "totalResults": total,
                "schemas": [SCHEMA],
            }))
            .into_response(),
        ),
        Err(error) => failure(&error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewUser {
    user_name: String,
    password: Option<String>,
    origin: Option<String>,
    name: Option<Name>,
    emails: Option<Vec<Email>>,
    active: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Name {
    family_name: Option<String>,
    given_name: Option<String>,
    formatted: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    value: String,
}

/// `POST /Users`.
pub(super) async fn create_user(State(identity): State<Identity>, extensions: Extensions, body: Bytes) -> Response {
    let caller = match caller_with(&extensions, &["scim.write"]) {
        Ok(caller) => caller.clone(),
        Err(answer) => return answer,
    };
    let new: NewUser = match serde_json::from_slice(&body) {
        Ok(new) => new,
        Err(error) => return oauth_error(StatusCode::BAD_REQUEST, "invalid_scim_resource", &error.to_string()),
    };
    match create(&identity, caller, new).await {
        Ok(person) => private((StatusCode::CREATED, Json(user(&person))).into_response()),
        Err(error) => failure(&error),
    }
}

async fn create(identity: &Identity, caller: Caller, new: NewUser) -> Result<Person, IdentityError> {
    if let Some(origin) = new.origin.as_deref().filter(|origin| !origin.is_empty() && *origin != crate::ORIGIN) {
        return Err(IdentityError::invalid("origin", format!("{origin:?} is not known here; the only one is uaa")));
    }
    let password = match new.password.filter(|password| !password.is_empty()) {
        Some(password) => Some(hash_password(Password::new(password)).await?),
        None => None,
    };
    // The command line sends the user name as address, whatever it is; what was not meant as an address is none.
    let email = new.emails.and_then(|emails| emails.into_iter().next()).map(|email| email.value);
    let email = email.filter(|email| *email != new.user_name || email.contains('@'));
    let name = new.name.unwrap_or_default();
    let whole = [name.given_name, name.family_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let display_name = name.formatted.filter(|formatted| !formatted.is_empty()).unwrap_or(whole);
    let new = NewPerson {
        // As the command line does: the name given twice is no name of a person.
        display_name: if display_name == format!("{0} {0}", new.user_name) { String::new() } else { display_name },
        user_name: new.user_name,
        email,
        state: if new.active == Some(false) { PersonState::Suspended } else { PersonState::Active },
        password,
    };
    identity.db().write(move |tx| person_create(tx, &caller.actor(), &new)).await
}

/// `GET /Users/ID`: oneself, or anybody with `scim.read`.
pub(super) async fn show_user(State(identity): State<Identity>, Path(id): Path<String>, request: Request) -> Response {
    if let Err(answer) = self_or(request.extensions(), &id, "scim.read") {
        return answer;
    }
    match identity.db().read(move |tx| person_get(tx, &id)).await {
        Ok(Some(person)) => private(Json(user(&person)).into_response()),
        Ok(None) => failure(&IdentityError::NotFound("person")),
        Err(error) => failure(&error.into()),
    }
}

/// `DELETE /Users/ID`: answers whom it deleted; the command line reads that.
pub(super) async fn delete_user(
    State(identity): State<Identity>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let caller = match caller_with(request.extensions(), &["scim.write"]) {
        Ok(caller) => caller.clone(),
        Err(answer) => return answer,
    };
    let deleted = identity
        .db()
        .write(move |tx| {
            administrators_only_by_administrators(tx, &caller, &id)?;
            person_delete(tx, &caller.actor(), &id)
        })
        .await;
    match deleted {
        Ok(person) => private(Json(user(&person)).into_response()),
        Err(error) => failure(&error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewPassword {
    old_password: Option<String>,
    password: String,
}

/// `PUT /Users/ID/password`: oneself with the old password, or an administrator.
pub(super) async fn set_password(
    State(identity): State<Identity>,
    Path(id): Path<String>,
    extensions: Extensions,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    let caller = match self_or(&extensions, &id, "uaa.admin") {
        Ok(caller) => caller.clone(),
        Err(answer) => return answer,
    };
    let new: NewPassword = match serde_json::from_slice(&body) {
        Ok(new) => new,
        Err(error) => return oauth_error(StatusCode::BAD_REQUEST, "invalid_scim_resource", &error.to_string()),
    };
    let updated = || private(Json(json!({ "status": "ok", "message": "password updated" })).into_response());
    if caller.subject == Subject::Person(id.clone()) {
        let both = (Password::new(new.old_password.unwrap_or_default()), Password::new(new.password));
        // The session that asks goes on; all others of that person end.
        let keep = match extensions.get::<Credential>() {
            Some(Credential::Session { id, .. }) => Some(id.clone()),
            _ => None,
        };
        return match identity.change_password(&caller, both, keep, &crate::http::base::origin(&headers)).await {
            Ok(()) => updated(),
            Err(SignInError::Identity(error)) => failure(&error),
            Err(SignInError::Bad) => {
                oauth_error(StatusCode::UNAUTHORIZED, "unauthorized", "The old password is not the right one")
            }
            Err(error) => oauth_error(StatusCode::UNAUTHORIZED, "unauthorized", &error.to_string()),
        };
    }
    let hash = match hash_password(Password::new(new.password)).await {
        Ok(hash) => hash,
        Err(error) => return failure(&error),
    };
    let set = identity
        .db()
        .write(move |tx| {
            administrators_only_by_administrators(tx, &caller, &id)?;
            person_set_password(tx, &caller.actor(), &id, &hash, None)
        })
        .await;
    match set {
        Ok(()) => updated(),
        Err(error) => failure(&error),
    }
}

/// A client that manages users must not become an administrator by taking one over.
fn administrators_only_by_administrators(
    tx: &mut store::Tx<'_>,
    caller: &Caller,
    id: &str,
) -> Result<(), IdentityError> {
    let subject = Subject::Person(id.into());
    if !caller.admin && caller.subject != subject && is_administrator(tx, &subject)? {
        return Err(IdentityError::NotFound("person"));
    }
    Ok(())
}

#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn self_or<'e>(extensions: &'e Extensions, id: &str, scope: &str) -> Result<&'e Caller, Response> {
    let caller = caller(extensions)?;
    if caller.subject == Subject::Person(id.into()) {
        return Ok(caller);
    }
    caller_with(extensions, &[scope])
}

fn user(person: &Person) -> Value {
    let time = |micros: i64| {
        let time = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    };
    let email = person.email.as_ref().unwrap_or(&person.user_name);
    json!({
        "id": person.id,
        "externalId": "",
        "meta": { "version": 0, "created": time(person.created_at), "lastModified": time(person.updated_at) },
        "userName": person.user_name,
        "name": { "formatted": person.display_name },
        "emails": [{ "value": email, "primary": true }],
        "groups": [],
        "approvals": [],
        "active": person.state == PersonState::Active,
        "verified": true,
        "origin": person.origin,
        "zoneId": "uaa",
        "schemas": [SCHEMA],
    })
}
