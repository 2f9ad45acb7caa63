//! `/api/platform/invitations`: links with which newcomers make an account and are active at once (row T24). A link is in
//! the answer that makes it and in no other.

use crate::api::body::Body;
use crate::api::caller::Administrator;
use crate::api::shape;
use crate::{ApiError, Operations};
use axum::Json;
use axum::extract::{Path, State};
use http::{StatusCode, request::Parts};
use identity::{IdentityError, Invitation, SignUp};
use serde::Deserialize;
use serde_json::{Value, json};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;
const DAYS: i64 = 7;
const MOST_DAYS: i64 = 90;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBody {
    /// The address that the account will have; without it the newcomer says one.
    email: Option<String>,
    /// How long the link is good; 7 if not given.
    days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenewBody {
    days: Option<i64>,
}

/// `GET /api/platform/invitations`: those that were not used, newest first.
pub(super) async fn list_invitations(
    State(operations): State<Operations>,
    _: Administrator,
) -> Result<Json<Value>, ApiError> {
    let now = operations.now();
    let all = operations.db.read(identity::invitation_list).await?;
    let all: Vec<Value> = all.iter().map(|invitation| shape::invitation(invitation, now)).collect();
    Ok(Json(json!({ "invitations": all })))
}

/// `POST /api/platform/invitations`.
pub(super) async fn create_invitation(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    parts: Parts,
    Body(body): Body<NewBody>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (now, expires_at) = (operations.now(), end(operations.now(), body.days)?);
    let email = body.email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty());
    let (invitation, token) = operations
        .db
        .write(move |tx| {
            if identity::sign_up(tx)? == SignUp::Closed {
                let words = "Sign-up is closed: an invitation could not be used. Change the setting signup first, or make the account yourself.";
                return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "sign_up_closed", words));
            }
            Ok(identity::invitation_create(tx, &caller.actor(), email.as_deref(), now, expires_at)?)
        })
        .await?;
    Ok((StatusCode::CREATED, with_link(&invitation, &token, now, &parts)))
}

/// `POST /api/platform/invitations/ID/renew`: a new link in place of the old one.
pub(super) async fn renew_invitation(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
    parts: Parts,
    Body(body): Body<RenewBody>,
) -> Result<Json<Value>, ApiError> {
    let (now, expires_at) = (operations.now(), end(operations.now(), body.days)?);
    let renewed = operations.db.write(move |tx| identity::invitation_renew(tx, &caller.actor(), &id, expires_at)).await;
    let (invitation, token) = renewed.map_err(|error: IdentityError| ApiError::from(error))?;
    Ok(with_link(&invitation, &token, now, &parts))
}

/// `DELETE /api/platform/invitations/ID`: withdraws it.
pub(super) async fn delete_invitation(
    State(operations): State<Operations>,
    Administrator(caller): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    operations.db.write(move |tx| identity::invitation_delete(tx, &caller.actor(), &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn end(now: i64, days: Option<i64>) -> Result<i64, ApiError> {
    match days.unwrap_or(DAYS) {
        days @ 1..=MOST_DAYS => Ok(now + days * DAY),
        days => Err(ApiError::bad("days", format!("days: {days} is not from 1 to {MOST_DAYS}."))),
    }
}

fn with_link(invitation: &Invitation, token: &str, now: i64, parts: &Parts) -> Json<Value> {
    let mut shown = shape::invitation(invitation, now);
    shown["url"] = format!("{}/signup?invitation={token}", identity::http::base_url(parts)).into();
    Json(shown)
}
