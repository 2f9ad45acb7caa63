//! External service consumers and their tokens.

use super::body::Body;
use super::caller::Who;
use super::token::{keep, note, published};
use crate::model::time::{now, seconds};
use crate::model::token::caller_token;
use crate::repo::consumer::Consumer;
use crate::repo::event::note_on;
use crate::repo::record;
use crate::repo::token::Token;
use crate::repo::{grant, new_id};
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Path, State};
use identity::Subject;
use ledger::Object;
use sea_query::{Cond, Expr, ExprTrait};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use store::Tx;

/// `GET /escs`.
pub async fn list_consumers(State(jobs): State<Jobs>, who: Who) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let all = jobs.db.read(|tx| Consumer::all(tx).map_err(JobsError::from)).await?;
    Ok(Json(all.iter().map(|one| json!({ "name": one.name, "id": one.id })).collect()))
}

/// A consumer to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    name: String,
    id: Option<String>,
}

/// `POST /escs`: the answer also has its first token, in both forms, which are shown in no other answer: `token`, and
/// `caller_token`, which `base64 -d` reads.
pub async fn create_consumer(
    State(jobs): State<Jobs>,
    who: Who,
    Body(new): Body<New>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let id = new.id.clone().unwrap_or_else(new_id);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > 36 || !id.bytes().all(plain) {
        return Err(JobsError::Invalid(format!("id: {id:?} cannot be an ID: letters, digits, dashes, 36 at most")));
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 191 || new.name.chars().any(char::is_control) {
        return Err(JobsError::Invalid("name: give a name of 191 visible characters at most".into()));
    }
    let (actor, consumer) = (who.actor(), Consumer { id, name: new.name, created_at: now() });
    let made = consumer.clone();
    jobs.db
        .write(move |tx| {
            if record::find::<Consumer>(tx, &made.id)?.is_some() {
                return Err(JobsError::Exists("ESC with given ID already exists".into()));
            }
            record::insert(tx, &made)?;
            let object = Object::new("job_consumer", &made.id, made.name.clone());
            Ok(note_on(tx, &actor, "job_consumer.create", object, Vec::new(), json!({ "name": made.name }))?)
        })
        .await?;
    let (token, caller) = both_forms(&jobs, &who, &consumer, None).await?;
    Ok(Json(json!({
        "name": consumer.name,
        "id": consumer.id,
        "token": token.1,
        "caller_token": caller.1,
    })))
}

type Made = (Token, String);

/// One token in each form: signed, and as older callers have it.
async fn both_forms(
    jobs: &Jobs,
    who: &Who,
    consumer: &Consumer,
    until: Option<i64>,
) -> Result<(Made, Made), JobsError> {
    let subject = Subject::Consumer(consumer.id.clone());
    let signed = jobs.signer.mint(&subject, &consumer.name).map_err(JobsError::internal)?;
    let token = keep(jobs, who.actor(), &subject, signed, "caller", until).await?;
    let caller = keep(jobs, who.actor(), &subject, caller_token(&consumer.id), "caller", until).await?;
    Ok((token, caller))
}

fn find(tx: &mut Tx<'_>, id: &str) -> Result<Consumer, JobsError> {
    record::find(tx, id)?.ok_or_else(|| JobsError::NotFound(format!("ESC with ID {id} was not found")))
}

/// `DELETE /escs/{id}`.
pub async fn delete_consumer(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let subject = Subject::Consumer(id.clone());
    let owner = subject.clone();
    jobs.db
        .write(move |tx| {
            let consumer = find(tx, &id)?;
            Token::remove_of(tx, &owner, None)?;
            let held =
                Cond::all().add(Expr::col("subject_kind").eq(owner.kind())).add(Expr::col("subject_id").eq(owner.id()));
            grant::forget(tx, held)?;
            record::remove::<Consumer>(tx, &id)?;
            let object = Object::new("job_consumer", &id, consumer.name.clone());
            Ok::<_, JobsError>(note_on(tx, &who.actor(), "job_consumer.delete", object, Vec::new(), json!({}))?)
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(Json(Value::Null))
}

fn show(token: &Token, text: Option<&str>) -> Value {
    json!({
        "id": token.id,
        // Shown when it is made, and never again.
        "token": text.unwrap_or(&token.hint),
        "expiry_time": token.expires_at.map(seconds),
        "active": token.active,
        "last_use_time": token.last_used_at.map(seconds),
    })
}

/// `GET /escs/{id}/auth_data`: of each token only its end.
pub async fn show_auth_data(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let shown = jobs.db.read(move |tx| {
        let consumer = find(tx, &id)?;
        let tokens = Token::of(tx, &Subject::Consumer(consumer.id.clone()))?;
        let tokens: Vec<Value> = tokens.iter().map(|token| show(token, None)).collect();
        Ok::<_, JobsError>(json!({ "id": consumer.id, "name": consumer.name, "tokens": tokens }))
    });
    shown.await.map(Json)
}

/// The body of `POST /escs/{id}/auth_token`; the key must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    #[serde(deserialize_with = "there")]
    expiry_time: Option<i64>,
    /// `caller`: in the form of older callers.
    form: Option<String>,
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::deserialize(deserializer)
}

/// `POST /escs/{id}/auth_token`.
pub async fn make_token(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<String>,
    Body(new): Body<NewToken>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let consumer = jobs.db.read(move |tx| find(tx, &id)).await?;
    let subject = Subject::Consumer(consumer.id.clone());
    let until = new.expiry_time.map(|seconds| seconds.saturating_mul(1_000_000));
    if until.is_some_and(|until| until <= now()) {
        return Err(JobsError::Invalid("expiry_time: it lies in the past: give seconds since 1970, or null".into()));
    }
    let text = match new.form.as_deref() {
        None => jobs.signer.mint(&subject, &consumer.name).map_err(JobsError::internal)?,
        Some("caller") => caller_token(&consumer.id),
        Some(other) => {
            return Err(JobsError::Invalid(format!("form: \"{other}\" is unknown: leave it out, or \"caller\"")));
        }
    };
    let (token, text) = keep(&jobs, who.actor(), &subject, text, "caller", until).await?;
    Ok(Json(show(&token, Some(&text))))
}

/// `DELETE /escs/{id}/auth_token/{token}`: refused on the next call.
pub async fn revoke_token(
    State(jobs): State<Jobs>,
    who: Who,
    Path((id, token)): Path<(String, String)>,
) -> Result<Json<Value>, JobsError> {
    who.staff()?;
    let subject = Subject::Consumer(id.clone());
    let owner = subject.clone();
    jobs.db
        .write(move |tx| {
            find(tx, &id)?;
            let found: Option<Token> = record::find(tx, &token)?;
            let found = found.filter(|found| found.subject_kind == owner.kind() && found.subject_id == id);
            let found = found.ok_or_else(|| JobsError::NotFound(format!("token with ID {token} was not found")))?;
            record::remove::<Token>(tx, &found.id)?;
            Ok::<_, JobsError>(note(
                tx,
                &who.actor(),
                "job_token.revoke",
                &owner,
                &found.id,
                json!({ "hint": found.hint }),
            )?)
        })
        .await?;
    published(&jobs, &subject).await?;
    Ok(Json(Value::Null))
}
