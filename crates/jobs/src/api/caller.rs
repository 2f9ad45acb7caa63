//! Who is asking: by a token in a header, or signed in to the pages.

use crate::model::time::now;
use crate::repo::consumer::Consumer;
use crate::repo::family::Family;
use crate::repo::record;
use crate::repo::token::Token;
use crate::{Jobs, JobsError, model::token::caller_of};
use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use identity::{Authentication, Caller, PersonState, Subject, is_administrator, person_get};
use store::{StoreError, Tx};

/// Where a token is looked for, in this order.
const HEADERS: [&str; 3] = ["x-racetrack-auth", "x-racetrack-user-auth", "x-racetrack-esc-auth"];

/// Somebody with good credentials. No handler that takes one is reached without.
#[derive(Debug, Clone)]
pub struct Who {
    /// Who they are.
    pub caller: Caller,
    /// The token they sent, if they sent one.
    pub token: Option<String>,
}

impl Who {
    /// As the ledger names them.
    pub fn actor(&self) -> ledger::Actor {
        self.caller.actor()
    }

    /// As refusals name them.
    pub fn described(&self) -> String {
        match &self.caller.subject {
            Subject::Person(_) => format!("User {}", self.caller.name),
            Subject::Consumer(_) => format!("ESC {}", self.caller.name),
            Subject::Family(_) => format!("Job family {}", self.caller.name),
            Subject::Client(_) | Subject::System => format!("Service {}", self.caller.name),
        }
    }

    /// Their person's guid, or why a person is needed.
    pub fn person(&self) -> Result<&str, JobsError> {
        match &self.caller.subject {
            Subject::Person(id) => Ok(id),
            other => Err(JobsError::Unauthorized(format!(
                "wrong subject type to do this operation: auth subject type \"{}\" is not one of required types: ['user']",
                crate::model::token::kind(other)
            ))),
        }
    }

    /// That they are of the staff: an active person who administers the platform.
    pub fn staff(&self) -> Result<&str, JobsError> {
        let person = self.person()?;
        if self.caller.admin {
            return Ok(person);
        }
        Err(JobsError::Unauthorized(format!("User {} is not a staff member", self.caller.name)))
    }
}

impl FromRequestParts<Jobs> for Who {
    type Rejection = JobsError;

    async fn from_request_parts(parts: &mut Parts, jobs: &Jobs) -> Result<Self, JobsError> {
        who(jobs, parts)
            .await?
            .ok_or_else(|| JobsError::Unauthorized("auth token not found in a header X-Racetrack-Auth".into()))
    }
}

/// Somebody, or nobody; bad credentials are refused all the same.
pub struct Anybody(pub Option<Who>);

impl FromRequestParts<Jobs> for Anybody {
    type Rejection = JobsError;

    async fn from_request_parts(parts: &mut Parts, jobs: &Jobs) -> Result<Self, JobsError> {
        who(jobs, parts).await.map(Self)
    }
}

async fn who(jobs: &Jobs, parts: &Parts) -> Result<Option<Who>, JobsError> {
    if let Some(token) = token(&parts.headers) {
        return verify(jobs, token).await.map(Some);
    }
    match parts.extensions.get::<Authentication>() {
        Some(Authentication::Caller(caller)) => Ok(Some(Who { caller: caller.clone(), token: None })),
        Some(Authentication::Refused(reason)) => Err(JobsError::Unauthorized(reason.clone())),
        Some(Authentication::Anonymous) | None => Ok(None),
    }
}

/// The token of a request.
fn token(headers: &HeaderMap) -> Option<String> {
    let found = HEADERS.iter().find_map(|name| headers.get(*name))?;
    Some(found.to_str().unwrap_or_default().trim().to_owned()).filter(|token| !token.is_empty())
}

/// Whose token this is. A refusal never repeats it.
pub async fn verify(jobs: &Jobs, text: String) -> Result<Who, JobsError> {
    let refuse = |words: &str| Err(JobsError::Unauthorized(words.to_owned()));
    let (wanted, at) = (text.clone(), now());
    let found = jobs
        .db
        .read(move |tx| {
            let Some(token) = Token::of_text(tx, &wanted)? else { return Ok(None) };
            let caller = if token.is_good(at) { caller(tx, &token.subject())? } else { None };
            Ok::<_, StoreError>(Some((token, caller)))
        })
        .await?;
    let Some((token, caller)) = found else {
        if let Err(reason) = jobs.signer.read(&text)
            && caller_of(&text).is_none()
        {
            return Err(JobsError::Unauthorized(format!("invalid JWT token: {reason}")));
        }
        return refuse("wrong credentials: token is unknown: token was not found in the database");
    };
    if !token.active {
        return refuse("given access token has been revoked");
    }
    if !token.is_good(at) {
        return refuse("given access token has expired");
    }
    let caller = caller
        .ok_or_else(|| JobsError::Unauthorized("the token's owner is not active or does not exist any more".into()))?;
    if token.is_stale(at) {
        let id = token.id.clone();
        if let Err(error) = jobs.db.write(move |tx| Token::touch(tx, &id, at)).await {
            tracing::warn!(%error, "the use of a token could not be noted");
        }
    }
    Ok(Who { caller, token: Some(text) })
}

/// A subject as somebody who may ask; `None` for who is no more or may not act.
fn caller(tx: &mut Tx<'_>, subject: &Subject) -> Result<Option<Caller>, StoreError> {
    let made =
        |name: String, admin: bool| Caller { subject: subject.clone(), name, email: None, admin, scopes: Vec::new() };
    Ok(match subject {
        Subject::Person(id) => match person_get(tx, id)?.filter(|person| person.state == PersonState::Active) {
            Some(person) => {
                let admin = is_administrator(tx, subject)?;
                Some(Caller { email: person.email, ..made(person.user_name, admin) })
            }
            None => None,
        },
        Subject::Consumer(id) => record::find::<Consumer>(tx, id)?.map(|consumer| made(consumer.name, false)),
        Subject::Family(id) => record::find::<Family>(tx, id)?.map(|family| made(family.name, false)),
        Subject::Client(name) => Some(made(name.clone(), true)),
        Subject::System => None,
    })
}
