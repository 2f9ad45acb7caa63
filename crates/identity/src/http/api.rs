//! The caller's own account in JSON: `/api/identity/me`, `/api/identity/sessions`, `/api/identity/tokens`.

use super::headers::{oauth_error, private};
use super::pages::when::rfc3339;
use super::routes::Routes;
use crate::verify::Credential;
use crate::{
    ApiToken, Authentication, Caller, Identity, IdentityError, Session, Subject, api_token_create, api_token_list,
    api_token_revoke, person_get, session_list, session_revoke,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{Extensions, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// The routes.
pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Method::GET, "/api/identity/me", show_me)
        .add(Method::GET, "/api/identity/sessions", list_sessions)
        .add(Method::DELETE, "/api/identity/sessions/{id}", revoke_session)
        .add(Method::GET, "/api/identity/tokens", list_tokens)
        .add(Method::POST, "/api/identity/tokens", create_token)
        .add(Method::DELETE, "/api/identity/tokens/{id}", revoke_token)
}

async fn show_me(State(identity): State<Identity>, request: Request) -> Response {
    let (caller, id) = match own(request.extensions()) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    match identity.db().read(move |tx| person_get(tx, &id)).await {
        Ok(Some(person)) => private(
            Json(json!({
                "id": person.id,
                "user_name": person.user_name,
                "email": person.email,
                "display_name": person.display_name,
                "state": person.state,
                "origin": person.origin,
                "administrator": caller.admin,
                "scopes": caller.scopes,
                "created_at": rfc3339(person.created_at),
            }))
            .into_response(),
        ),
        Ok(None) => failure(&IdentityError::NotFound("person")),
        Err(error) => failure(&error.into()),
    }
}

async fn list_sessions(State(identity): State<Identity>, request: Request) -> Response {
    let id = match own(request.extensions()) {
        Ok((_, id)) => id,
        Err(answer) => return answer,
    };
    let this = match request.extensions().get::<Credential>() {
        Some(Credential::Session { id, .. }) => Some(id.clone()),
        _ => None,
    };
    let now = identity.now();
    match identity.db().read(move |tx| session_list(tx, &id, now)).await {
        Ok(sessions) => {
            let sessions: Vec<Value> = sessions.iter().map(|session| session_json(session, this.as_deref())).collect();
            private(Json(json!({ "sessions": sessions })).into_response())
        }
        Err(error) => failure(&error.into()),
    }
}

async fn revoke_session(State(identity): State<Identity>, Path(id): Path<String>, request: Request) -> Response {
    let (caller, person) = match own(request.extensions()) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    gone(identity.db().write(move |tx| session_revoke(tx, &caller.actor(), &id, Some(&person))).await)
}

async fn list_tokens(State(identity): State<Identity>, request: Request) -> Response {
    let id = match own(request.extensions()) {
        Ok((_, id)) => id,
        Err(answer) => return answer,
    };
    match identity.db().read(move |tx| api_token_list(tx, &id)).await {
        Ok(tokens) => {
            private(Json(json!({ "tokens": tokens.iter().map(token_json).collect::<Vec<_>>() })).into_response())
        }
        Err(error) => failure(&error.into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    /// RFC 3339; none: until revoked.
    expires_at: Option<jiff::Timestamp>,
}

/// Answers 201 with `token`, which is shown in no other answer.
async fn create_token(State(identity): State<Identity>, extensions: Extensions, body: Bytes) -> Response {
    let (caller, person) = match own(&extensions) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    let new: NewToken = match serde_json::from_slice(&body) {
        Ok(new) => new,
        Err(error) => {
            return oauth_error(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                &format!("The body is not understood: {error}"),
            );
        }
    };
    let now = identity.now();
    let made = identity
        .db()
        .write(move |tx| {
            let person = person_get(tx, &person)?.ok_or(IdentityError::NotFound("person"))?;
            let expires_at = new.expires_at.map(|at| at.as_microsecond());
            api_token_create(tx, &caller.actor(), &person, &new.name, now, expires_at)
        })
        .await;
    match made {
        Ok((token, text)) => {
            let mut body = token_json(&token);
            body["token"] = json!(text);
            private((StatusCode::CREATED, Json(body)).into_response())
        }
        Err(error) => failure(&error),
    }
}

async fn revoke_token(State(identity): State<Identity>, Path(id): Path<String>, request: Request) -> Response {
    let (caller, person) = match own(request.extensions()) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    gone(identity.db().write(move |tx| api_token_revoke(tx, &caller.actor(), &id, &person)).await)
}

fn gone(done: Result<(), IdentityError>) -> Response {
    match done {
        Ok(()) => private(StatusCode::NO_CONTENT.into_response()),
        Err(error) => failure(&error),
    }
}

/// The person who calls.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn own(extensions: &Extensions) -> Result<(Caller, String), Response> {
    match extensions.get::<Authentication>() {
        Some(Authentication::Caller(caller)) => match &caller.subject {
            Subject::Person(id) => Ok((caller.clone(), id.clone())),
            _ => Err(oauth_error(
                StatusCode::FORBIDDEN,
                "forbidden",
                "Only people have an account; this is a client's token.",
            )),
        },
        Some(Authentication::Refused(reason)) => Err(oauth_error(StatusCode::UNAUTHORIZED, "invalid_token", reason)),
        _ => Err(oauth_error(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in, or send a bearer token.")),
    }
}

fn failure(error: &IdentityError) -> Response {
    let (status, name) = match error {
        IdentityError::Invalid { .. }
        | IdentityError::LastAdministrator(_)
        | IdentityError::SetupLink
        | IdentityError::PasswordLink
        | IdentityError::Invitation
        | IdentityError::SignUp(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
        IdentityError::Taken { .. } => (StatusCode::CONFLICT, "taken"),
        IdentityError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
        IdentityError::SigningKey(_) | IdentityError::Store(_) => {
            tracing::error!(%error, "a request to one's account failed");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    oauth_error(status, name, &error.to_string())
}

fn session_json(session: &Session, this: Option<&str>) -> Value {
    json!({
        "id": session.id,
        "kind": session.kind,
        "client_id": session.client_id,
        "agent": session.agent,
        "address": session.address,
        "created_at": rfc3339(session.created_at),
        "last_used_at": rfc3339(session.last_used_at),
        "expires_at": rfc3339(session.expires_at),
        "current": this == Some(session.id.as_str()),
    })
}

fn token_json(token: &ApiToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "created_at": rfc3339(token.created_at),
        "last_used_at": token.last_used_at.map(rfc3339),
        "expires_at": token.expires_at.map(rfc3339),
    })
}
