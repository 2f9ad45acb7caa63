//! One's own sessions and API tokens.

use super::bar::bar;
use super::program::program;
use super::when::{When, when};
use super::{failure, form, go, page, signed_in};
use crate::http::authenticate::cross_site;
use crate::http::{base, cookie};
use crate::model::origin::is_own;
use crate::verify::Credential;
use crate::{
    ApiToken, Authentication, Caller, Identity, IdentityError, Session, SessionKind, api_token_create, api_token_list,
    api_token_revoke, person_get, session_list, session_revoke,
};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{Extensions, StatusCode};

pub(super) const HERE: &str = "/account/sessions";
/// The query with which one comes back from a new password.
pub(super) const CHANGED: &str = "changed";
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    who: String,
    bar: String,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    said: Said,
}

/// What the page says of what was just asked for.
#[derive(Default)]
pub(super) struct Said {
    /// A token that was made just now; shown this once.
    pub(super) fresh: Option<String>,
    pub(super) token_name: String,
    pub(super) token_error: Option<String>,
    /// A new password holds.
    pub(super) changed: bool,
    pub(super) old_error: Option<String>,
    pub(super) password_error: Option<String>,
    pub(super) again_error: Option<String>,
}

struct SessionRow {
    id: String,
    what: String,
    agent: String,
    /// The agent in words.
    program: String,
    address: String,
    created: When,
    used: When,
    expires: When,
    this: bool,
}

struct TokenRow {
    id: String,
    name: String,
    prefix: String,
    created: When,
    used: Option<When>,
    expires: Option<When>,
    expired: bool,
}

/// `GET /account/sessions`.
pub(super) async fn show_sessions(State(identity): State<Identity>, request: Request) -> Response {
    match signed_in(request.extensions(), HERE) {
        Ok((caller, id)) => {
            let parts = (caller.clone(), id.to_owned(), this_session(request.extensions()));
            let said = Said { changed: request.uri().query() == Some(CHANGED), ..Said::default() };
            show(&identity, parts, StatusCode::OK, said).await
        }
        Err(answer) => answer,
    }
}

/// The page, for the caller, their id and their session.
pub(super) async fn show(
    identity: &Identity,
    (caller, id, this): (Caller, String, Option<String>),
    status: StatusCode,
    said: Said,
) -> Response {
    let now = identity.now();
    let found = identity
        .db()
        .read(move |tx| Ok::<_, IdentityError>((session_list(tx, &id, now)?, api_token_list(tx, &id)?)))
        .await;
    let (sessions, tokens) = match found {
        Ok(found) => found,
        Err(error) => return failure(&error),
    };
    let sessions = sessions.into_iter().map(|session| session_row(session, this.as_deref(), now)).collect();
    let tokens = tokens.into_iter().map(|token| token_row(token, now)).collect();
    page(
        status,
        &Account {
            bar: bar(Some(&Authentication::Caller(caller.clone())), HERE),
            who: caller.name,
            sessions,
            tokens,
            said,
        },
    )
}

fn session_row(session: Session, this: Option<&str>, now: i64) -> SessionRow {
    SessionRow {
        this: this == Some(session.id.as_str()),
        what: match (session.kind, session.client_id) {
            (SessionKind::Page, _) => "Browser".into(),
            (_, Some(client)) => format!("Command line ({client})"),
            (_, None) => "Command line".into(),
        },
        program: program(&session.agent),
        agent: if session.agent.is_empty() { "unknown program".into() } else { session.agent },
        address: session.address,
        created: when(session.created_at, now),
        used: when(session.last_used_at, now),
        expires: when(session.expires_at, now),
        id: session.id,
    }
}

fn token_row(token: ApiToken, now: i64) -> TokenRow {
    TokenRow {
        created: when(token.created_at, now),
        used: token.last_used_at.map(|at| when(at, now)),
        expires: token.expires_at.map(|at| when(at, now)),
        expired: token.expires_at.is_some_and(|at| at <= now),
        id: token.id,
        name: token.name,
        prefix: token.prefix,
    }
}

pub(super) fn this_session(extensions: &Extensions) -> Option<String> {
    match extensions.get::<Credential>() {
        Some(Credential::Session { id, .. }) => Some(id.clone()),
        _ => None,
    }
}

/// `POST /account/sessions/ID/revoke`.
pub(super) async fn revoke_session(State(identity): State<Identity>, Path(id): Path<String>, parts: Parts) -> Response {
    let (actor, person) = match may_change(&parts) {
        Ok((caller, person)) => (caller.actor(), person),
        Err(answer) => return answer,
    };
    let this = this_session(&parts.extensions).as_deref() == Some(&*id);
    let revoked = identity.db().write(move |tx| session_revoke(tx, &actor, &id, Some(&person))).await;
    match revoked {
        Ok(()) if this => {
            let mut response = go("/signin");
            response.headers_mut().append(SET_COOKIE, cookie::clear(&parts.headers));
            response
        }
        // Gone already is what was wanted.
        Ok(()) | Err(IdentityError::NotFound(_)) => go(HERE),
        Err(error) => failure(&error),
    }
}

/// `POST /account/tokens` with `name` and `days` (empty: until revoked). The answer shows the token, this once.
pub(super) async fn create_token(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    let (caller, person) = match may_change(&parts) {
        Ok((caller, person)) => (caller.clone(), person),
        Err(answer) => return answer,
    };
    let form = form(&body);
    let name = form.get("name").cloned().unwrap_or_default();
    let now = identity.now();
    let expires_at = match form.get("days").map_or("", String::as_str) {
        "" => None,
        days => match days.parse::<u16>() {
            Ok(days) => Some(now + i64::from(days) * DAY),
            Err(_) => {
                return failure(&IdentityError::Invalid {
                    field: "days",
                    problem: format!("{days:?} is no number of days"),
                });
            }
        },
    };
    let (actor, wanted, id) = (caller.actor(), name.clone(), person.clone());
    let made = identity
        .db()
        .write(move |tx| {
            let person = person_get(tx, &id)?.ok_or(IdentityError::NotFound("person"))?;
            api_token_create(tx, &actor, &person, &wanted, now, expires_at)
        })
        .await;
    let whose = (caller, person, this_session(&parts.extensions));
    match made {
        Ok((_, text)) => {
            show(&identity, whose, StatusCode::CREATED, Said { fresh: Some(text), ..Said::default() }).await
        }
        Err(error @ IdentityError::Invalid { .. }) => {
            let IdentityError::Invalid { problem, .. } = &error else { return failure(&error) };
            let said = Said { token_name: name, token_error: Some(problem.clone()), ..Said::default() };
            show(&identity, whose, StatusCode::UNPROCESSABLE_ENTITY, said).await
        }
        Err(error) => failure(&error),
    }
}

/// `POST /account/tokens/ID/revoke`.
pub(super) async fn revoke_token(State(identity): State<Identity>, Path(id): Path<String>, parts: Parts) -> Response {
    let (actor, person) = match may_change(&parts) {
        Ok((caller, person)) => (caller.actor(), person),
        Err(answer) => return answer,
    };
    match identity.db().write(move |tx| api_token_revoke(tx, &actor, &id, &person)).await {
        Ok(()) | Err(IdentityError::NotFound(_)) => go(HERE),
        Err(error) => failure(&error),
    }
}

/// The signed-in person on one of our own pages.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
pub(super) fn may_change(parts: &Parts) -> Result<(&Caller, String), Response> {
    if !is_own(&parts.headers, base::scheme(&parts.headers)) {
        return Err(cross_site(&parts.headers));
    }
    signed_in(&parts.extensions, HERE).map(|(caller, id)| (caller, id.to_owned()))
}
