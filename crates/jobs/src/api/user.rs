//! People as users: login, registration, passwords.

use super::body::Body;
use super::caller::Who;
use super::token;
use crate::model::scope::Scope;
use crate::repo::grant;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use identity::{
    Authentication, Caller, NewPerson, Password, PersonState, Subject, hash_password, person_create,
    person_set_password, platform,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The passwords that people choose most, lower-cased and sorted: those of Django's list (`django.contrib.auth`, BSD-3-Clause)
/// that no other rule refuses.
const COMMON: &str = include_str!("user/common_passwords.txt");
/// A browser keeps its cookie for so many seconds.
const COOKIE_SECONDS: u64 = 2_678_400;

/// A name and a password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    username: String,
    password: String,
}

/// `POST /users/login`: a new token each time, because old ones cannot be read again.
pub async fn login(
    State(jobs): State<Jobs>,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> Result<Response, JobsError> {
    let refused = || JobsError::Unauthorized("incorrect username or password".into());
    let password = Password::new(credentials.password);
    let caller = match jobs.identity.by_password(&credentials.username, password, &headers).await? {
        Authentication::Caller(caller) => caller,
        Authentication::Refused(why) => {
            tracing::info!(why, "a login was refused");
            return Err(refused());
        }
        Authentication::Anonymous => return Err(refused()),
    };
    let text = token::make(&jobs, caller.actor(), &caller.subject, &caller.name, "login", None).await?;
    let body = json!({ "username": caller.name, "token": text, "is_staff": caller.admin });
    Ok(with_cookie(Json(body).into_response(), &headers, &text, "/", COOKIE_SECONDS))
}

/// `GET /users/logout`.
pub async fn logout(headers: HeaderMap) -> Response {
    with_cookie(().into_response(), &headers, "", "/", 0)
}

/// `POST /users/register`: the account waits for an administrator.
pub async fn register(State(jobs): State<Jobs>, Body(new): Body<Credentials>) -> Result<Json<Value>, JobsError> {
    if !new.username.contains('@') {
        return Err(JobsError::Invalid("You have to pass email as username".into()));
    }
    let hash = hash_password(check_password(&new.password)?).await?;
    jobs.db
        .write(move |tx| {
            let person = NewPerson {
                user_name: new.username.clone(),
                email: Some(new.username.clone()),
                display_name: String::new(),
                state: PersonState::Pending,
                password: Some(hash.clone()),
            };
            let system = Caller::system().actor();
            let person = person_create(tx, &system, &person).map_err(|error| match error {
                identity::IdentityError::Taken { .. } => {
                    JobsError::Exists(format!("Username already exists: {}", new.username))
                }
                other => other.into(),
            })?;
            let subject = Subject::Person(person.id);
            for scope in Scope::OF_NEWCOMERS {
                grant::allow(tx, &system, &subject, scope, &platform(), Vec::new())?;
            }
            Ok::<_, JobsError>(())
        })
        .await?;
    Ok(Json(Value::Null))
}

/// `GET /users/validate_user_auth`. Somebody signed in to the pages has no token of this API.
pub async fn validate(who: Who) -> Result<Json<Value>, JobsError> {
    who.person()?;
    Ok(Json(json!({ "username": who.caller.name, "token": who.token, "is_staff": who.caller.admin })))
}

/// Two passwords.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    old_password: String,
    new_password: String,
}

/// `PUT /users/change_password`.
pub async fn change_password(
    State(jobs): State<Jobs>,
    who: Who,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Json<Value>, JobsError> {
    let person = who.person()?.to_owned();
    let old = Password::new(change.old_password);
    let good = jobs.identity.by_password(&who.caller.name, old, &headers).await?;
    if !matches!(good, Authentication::Caller(_)) {
        return Err(JobsError::Unauthorized("Passed password is incorrect.".into()));
    }
    let hash = hash_password(check_password(&change.new_password)?).await?;
    let actor = who.actor();
    jobs.db.write(move |tx| person_set_password(tx, &actor, &person, &hash, None).map_err(JobsError::from)).await?;
    Ok(Json(Value::Null))
}

/// The rules in the words that users of this API know.
fn check_password(text: &str) -> Result<Password, JobsError> {
    let refuse = |why: &str| Err(JobsError::Invalid(why.to_owned()));
    if text.is_empty() {
        return refuse("Password cannot be empty");
    }
    if text.chars().count() < 8 {
        return refuse("Invalid password: This password is too short. It must contain at least 8 characters.");
    }
    if text.chars().all(char::is_numeric) {
        return refuse("Invalid password: This password is entirely numeric.");
    }
    if is_common(text) {
        return refuse("Invalid password: This password is too common.");
    }
    Ok(Password::new(text))
}

/// Is it one of those that are tried first? Case makes no difference.
fn is_common(text: &str) -> bool {
    static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| COMMON.lines().collect());
    SORTED.binary_search(&text.to_lowercase().as_str()).is_ok()
}

/// Adds the cookie that the gateway takes for a token. No script may read it.
pub(super) fn with_cookie(mut response: Response, from: &HeaderMap, value: &str, path: &str, seconds: u64) -> Response {
    let secure = from.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let cookie = format!(
        "X-Racetrack-Auth={value}; Path={path}; Max-Age={seconds}; SameSite=lax; HttpOnly{}",
        if secure { "; Secure" } else { "" }
    );
    // Tokens are URL-safe characters.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{COMMON, check_password};

    #[test]
    fn passwords_that_everybody_tries_are_refused() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 500 && lines.is_sorted(), "they are looked up by halves");
        assert!(lines.iter().all(|line| line.to_lowercase() == **line && line.len() >= 8));
        for common in ["password", "PassWord1", "qwertyuiop", "iloveyou", "trustno1", lines[0], lines[lines.len() - 1]]
        {
            let refusal = check_password(common).unwrap_err().to_string();
            assert_eq!(refusal, "Invalid password: This password is too common.", "{common}");
        }
        assert!(check_password("correct horse battery").is_ok());
    }
}
