//! Changing a person: `PATCH` and `PUT /Users/ID` (suspend, activate, rename, new address), and unlocking.
//!
//! The user name is what tokens and logs call a person, and stays as it is. Attributes that only a server writes may come
//! along, because clients send back what they have read; what is sent and could not be done is refused.

use super::{administrators_only_by_administrators, user};
use crate::http::headers::{oauth_error, private};
use crate::http::uaa::{caller_with, failure};
use crate::repo::person::{person_get, person_set_display_name};
use crate::repo::{backoff, note};
use crate::{Caller, Identity, IdentityError, Person, PersonState, person_set_email, person_set_state};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Extensions, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

/// What a request says of a person; what it does not say stays.
#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    user_name: Option<String>,
    origin: Option<String>,
    active: Option<bool>,
    name: Option<Name>,
    emails: Option<Vec<Email>>,
    // Written by servers alone.
    #[serde(rename = "id")]
    _id: Option<Value>,
    #[serde(rename = "externalId")]
    _external_id: Option<Value>,
    #[serde(rename = "meta")]
    _meta: Option<Value>,
    #[serde(rename = "groups")]
    _groups: Option<Value>,
    #[serde(rename = "approvals")]
    _approvals: Option<Value>,
    #[serde(rename = "verified")]
    _verified: Option<Value>,
    #[serde(rename = "zoneId")]
    _zone_id: Option<Value>,
    #[serde(rename = "passwordLastModified")]
    _password_last_modified: Option<Value>,
    #[serde(rename = "lastLogonTime")]
    _last_logon_time: Option<Value>,
    #[serde(rename = "previousLogonTime")]
    _previous_logon_time: Option<Value>,
    #[serde(rename = "schemas")]
    _schemas: Option<Value>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Name {
    formatted: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
}

impl Name {
    fn whole(&self) -> String {
        let parts = || [&self.given_name, &self.family_name].into_iter().flatten().cloned();
        self.formatted.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| parts().collect::<Vec<_>>().join(" "))
    }
}

#[derive(Deserialize, Clone)]
struct Email {
    value: String,
}

/// `PATCH /Users/ID` and `PUT /Users/ID`. A suspended person's sessions and tokens are refused from then on.
pub(in crate::http::uaa) async fn update_user(
    State(identity): State<Identity>,
    Path(id): Path<String>,
    extensions: Extensions,
    body: Bytes,
) -> Response {
    let caller = match caller_with(&extensions, &["scim.write"]) {
        Ok(caller) => caller.clone(),
        Err(answer) => return answer,
    };
    let change: Change = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => return oauth_error(StatusCode::BAD_REQUEST, "invalid_scim_resource", &error.to_string()),
    };
    match identity.db().write(move |tx| apply(tx, &caller, &id, &change)).await {
        Ok(person) => private(Json(user(&person)).into_response()),
        Err(error) => failure(&error),
    }
}

fn apply(tx: &mut Tx<'_>, caller: &Caller, id: &str, change: &Change) -> Result<Person, IdentityError> {
    administrators_only_by_administrators(tx, caller, id)?;
    let person = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    for (field, given, is) in
        [("userName", &change.user_name, &person.user_name), ("origin", &change.origin, &person.origin)]
    {
        if given.as_ref().is_some_and(|given| given != is) {
            return Err(IdentityError::invalid(field, format!("{is:?} stays as it is")));
        }
    }
    let actor = caller.actor();
    if let Some(name) = change.name.as_ref().map(Name::whole).filter(|name| *name != person.display_name) {
        person_set_display_name(tx, &actor, id, &name)?;
    }
    // What was made up of the user name, for want of an address, comes back as an address.
    let shown = person.email.as_ref().unwrap_or(&person.user_name);
    let email = change.emails.iter().flatten().next().filter(|email| email.value != *shown);
    if let Some(email) = email {
        person_set_email(tx, &actor, id, &email.value)?;
    }
    match change.active {
        Some(true) => drop(person_set_state(tx, &actor, id, PersonState::Active)?),
        Some(false) => drop(person_set_state(tx, &actor, id, PersonState::Suspended)?),
        None => {}
    }
    person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    locked: bool,
}

/// `PATCH /Users/ID/status` with `{"locked": false}`: forgets the failed sign-ins that lock the account.
pub(in crate::http::uaa) async fn update_status(
    State(identity): State<Identity>,
    Path(id): Path<String>,
    extensions: Extensions,
    body: Bytes,
) -> Response {
    let caller = match caller_with(&extensions, &["uaa.admin"]) {
        Ok(caller) => caller.clone(),
        Err(answer) => return answer,
    };
    match serde_json::from_slice::<Status>(&body) {
        Ok(Status { locked: false }) => {}
        Ok(_) => {
            let text = "Only {\"locked\": false} is possible; to keep somebody out, set active to false";
            return oauth_error(StatusCode::BAD_REQUEST, "scim", text);
        }
        Err(error) => return oauth_error(StatusCode::BAD_REQUEST, "scim", &error.to_string()),
    }
    let done = identity.db().write(move |tx| {
        let person = person_get(tx, &id)?.ok_or(IdentityError::NotFound("person"))?;
        let names = [Some(&person.user_name), person.email.as_ref()];
        let keys: Vec<_> = names.into_iter().flatten().map(|name| backoff::key("account", name)).collect();
        backoff::succeeded(tx, &keys)?;
        note(tx, &caller.actor(), "account.unlocked", person.object(), json!({}))?;
        Ok::<_, IdentityError>(())
    });
    match done.await {
        Ok(()) => private(Json(json!({ "locked": false })).into_response()),
        Err(error) => failure(&error),
    }
}
