//! Tokens: made, shown once, made anew. Whoever lost one is refused on the next call: the answer waits for the gateway.

use super::access;
use super::caller::Who;
use super::user::with_cookie;
use crate::model::scope::Scope;
use crate::model::time::now;
use crate::repo::consumer::Consumer;
use crate::repo::event::note_on;
use crate::repo::job::Job;
use crate::repo::record;
use crate::repo::token::{Token, subject_of};
use crate::run::publish;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use identity::Subject;
use ledger::{Actor, Object};
use serde_json::{Value, json};
use store::{StoreError, Tx};

/// A page's token is good for so many microseconds.
const PAGE: i64 = 3_600_000_000;

/// Makes a token for `subject`, who is called `name`; the gateway knows it when this answers.
pub(super) async fn make(
    jobs: &Jobs,
    actor: Actor,
    subject: &Subject,
    name: &str,
    purpose: &'static str,
    expires_at: Option<i64>,
) -> Result<String, JobsError> {
    let text = jobs.signer.mint(subject, name).map_err(JobsError::internal)?;
    keep(jobs, actor, subject, text, purpose, expires_at).await.map(|(_, text)| text)
}

/// Keeps a token that was made; answers its row and it.
pub(super) async fn keep(
    jobs: &Jobs,
    actor: Actor,
    subject: &Subject,
    text: String,
    purpose: &'static str,
    expires_at: Option<i64>,
) -> Result<(Token, String), JobsError> {
    let (owner, made) = (subject.clone(), text.clone());
    let token = jobs
        .db
        .write(move |tx| {
            let token = Token::add(tx, &owner, &made, purpose, now(), expires_at)?;
            note(tx, &actor, "job_token.create", &owner, &token.id, json!({ "purpose": purpose, "hint": token.hint }))?;
            Ok::<_, StoreError>(token)
        })
        .await?;
    published(jobs, subject).await?;
    Ok((token, text))
}

/// Tells the ledger of somebody's tokens.
pub(super) fn note(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    subject: &Subject,
    id: &str,
    mut data: Value,
) -> Result<(), StoreError> {
    data["subject"] = json!({ "kind": subject.kind(), "id": subject.id() });
    note_on(tx, actor, action, Object::new("job_token", id, ""), Vec::new(), data)
}

/// Waits until the gateway knows how it stands with `subject` now.
pub(super) async fn published(jobs: &Jobs, subject: &Subject) -> Result<(), JobsError> {
    publish::subject(jobs, subject).await?;
    publish::applied(jobs).await;
    Ok(())
}

/// `POST /auth/token/user/regenerate`: a new one, and all others are good no more.
pub async fn regenerate_own(State(jobs): State<Jobs>, who: Who, headers: HeaderMap) -> Result<Response, JobsError> {
    who.person()?;
    let (subject, actor) = (who.caller.subject.clone(), who.actor());
    let text = jobs.signer.mint(&subject, &who.caller.name).map_err(JobsError::internal)?;
    let (owner, made) = (subject.clone(), text.clone());
    jobs.db
        .write(move |tx| {
            let token = Token::add(tx, &owner, &made, "login", now(), None)?;
            let revoked = Token::remove_of(tx, &owner, Some(&token.id))?;
            note(tx, &actor, "job_token.regenerate", &owner, &token.id, json!({ "revoked": revoked }))
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(with_cookie(Json(json!({ "new_token": text })).into_response(), &headers, &text, "/", 2_678_400))
}

/// `POST /auth/token/page`: a short-lived token for calls from the pages, also as a cookie for links to jobs.
pub async fn make_for_page(State(jobs): State<Jobs>, who: Who, headers: HeaderMap) -> Result<Response, JobsError> {
    who.person()?;
    let expires_at = now() + PAGE;
    let (subject, name) = (who.caller.subject.clone(), who.caller.name.clone());
    let text = make(&jobs, who.actor(), &subject, &name, "page", Some(expires_at)).await?;
    let body = json!({ "token": text, "expires_at": expires_at.div_euclid(1_000_000) });
    Ok(with_cookie(Json(body).into_response(), &headers, &text, "/pub", PAGE as u64 / 1_000_000))
}

/// `POST /auth/token/user/all/regenerate`: nobody's token is good any more, the caller's neither; people log in again.
pub async fn regenerate_users(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    revoke_kind(&jobs, &who, "person").await
}

/// `POST /auth/token/esc/regenerate`: consumers get new ones from an administrator.
pub async fn regenerate_consumers(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    revoke_kind(&jobs, &who, "consumer").await
}

async fn revoke_kind(jobs: &Jobs, who: &Who, kind: &'static str) -> Result<Json<Value>, JobsError> {
    let (asking, actor) = (who.clone(), who.actor());
    let subjects = jobs
        .db
        .write(move |tx| {
            access::scope(tx, &asking, Scope::CallAdminApi)?;
            let mut subjects: Vec<Subject> = Vec::new();
            for token in Token::active(tx, now())?.into_iter().filter(|token| token.subject_kind == kind) {
                record::remove::<Token>(tx, &token.id)?;
                let subject = subject_of(kind, &token.subject_id);
                if !subjects.contains(&subject) {
                    note(tx, &actor, "job_token.regenerate", &subject, &token.id, json!({}))?;
                    subjects.push(subject);
                }
            }
            Ok::<_, JobsError>(subjects)
        })
        .await?;
    for subject in &subjects {
        publish::subject(jobs, subject).await?;
    }
    publish::applied(jobs).await;
    Ok(Json(Value::Null))
}

/// `POST /auth/token/job_family/regenerate`: every running job gets a new token by being started anew beside itself; the
/// old ones are good until then, so that no job is cut off.
pub async fn regenerate_families(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    let (asking, own) = (who.clone(), jobs.clone());
    jobs.db
        .write(move |tx| {
            access::scope(tx, &asking, Scope::CallAdminApi)?;
            access::no_maintenance(tx)?;
            for (family, job) in Job::all(tx)? {
                match super::deployment::again(tx, &own, &asking, &family, &job, crate::repo::deployment::REPROVISION) {
                    // One that is being deployed gets a new one anyway.
                    Ok(_) | Err(JobsError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok::<_, JobsError>(())
        })
        .await?;
    Ok(Json(Value::Null))
}

/// `GET /auth/token/esc/{id}`: a new token of a consumer, because kept ones cannot be read again.
pub async fn make_for_consumer(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Json<Value>, JobsError> {
    let (asking, wanted) = (who.clone(), id.clone());
    let consumer: Option<Consumer> = jobs
        .db
        .read(move |tx| {
            access::scope(tx, &asking, Scope::CallAdminApi)?;
            Ok::<_, JobsError>(record::find(tx, &wanted)?)
        })
        .await?;
    let consumer = consumer.ok_or_else(|| JobsError::NotFound(format!("ESC with ID {id} was not found")))?;
    let subject = Subject::Consumer(consumer.id);
    let text = make(&jobs, who.actor(), &subject, &consumer.name, "caller", None).await?;
    Ok(Json(json!({ "token": text })))
}
