//! Invitations: links with which newcomers make an account and are active at once. Good once and for a while; they can be
//! renewed, and withdrawn.

use crate::model::name;
use crate::repo::note;
use crate::repo::person::{NewPerson, Person, person_register};
use crate::{IdentityError, secret};
use ledger::{Actor, Object};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde::Serialize;
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx};

/// An invitation as lists show it: all but its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invitation {
    /// UUID.
    pub id: String,
    /// The address that the account will have; none: the newcomer says it.
    pub email: Option<String>,
    /// User name of who invited.
    pub invited_by: String,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Microseconds since 1970 UTC.
    pub expires_at: i64,
}

impl Invitation {
    fn object(&self) -> Object {
        Object::new("invitation", &self.id, self.email.clone().unwrap_or_else(|| "a newcomer".into()))
    }
}

/// Invites; answers the token of the link, which is nowhere else. `Taken` if somebody has the address already.
pub fn invitation_create(
    tx: &mut Tx<'_>,
    actor: &Actor,
    email: Option<&str>,
    now: i64,
    expires_at: i64,
) -> Result<(Invitation, String), IdentityError> {
    if let Some(email) = email {
        name::check_email(email)?;
        crate::repo::person::email_free(tx, email)?;
    }
    let invitation = Invitation {
        id: uuid::Uuid::new_v4().to_string(),
        email: email.map(str::to_owned),
        invited_by: actor.name.clone(),
        created_at: now,
        expires_at,
    };
    let token = secret::random("");
    tx.exec(
        Query::insert()
            .into_table("invitation")
            .columns(["id", "email", "invited_by", "token_hash", "created_at", "expires_at"])
            .values_panic([
                invitation.id.as_str().into(),
                invitation.email.clone().into(),
                invitation.invited_by.as_str().into(),
                secret::hash(&token).into(),
                now.into(),
                expires_at.into(),
            ]),
    )?;
    note(tx, actor, "invitation.create", invitation.object(), json!({ "expires_at": expires_at }))?;
    Ok((invitation, token))
}

/// A new link in place of the old one, good until `expires_at`.
pub fn invitation_renew(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: &str,
    expires_at: i64,
) -> Result<(Invitation, String), IdentityError> {
    let found: Option<Invitation> = tx.row(select().and_where(Expr::col("id").eq(id)))?;
    let invitation = Invitation { expires_at, ..found.ok_or(IdentityError::NotFound("invitation"))? };
    let token = secret::random("");
    tx.exec(
        Query::update()
            .table("invitation")
            .value("token_hash", secret::hash(&token))
            .value("expires_at", expires_at)
            .and_where(Expr::col("id").eq(id)),
    )?;
    note(tx, actor, "invitation.renew", invitation.object(), json!({ "expires_at": expires_at }))?;
    Ok((invitation, token))
}

/// Withdraws an invitation: its link is not good any more.
pub fn invitation_delete(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<Invitation, IdentityError> {
    let found: Option<Invitation> = tx.row(select().and_where(Expr::col("id").eq(id)))?;
    let invitation = found.ok_or(IdentityError::NotFound("invitation"))?;
    tx.exec(Query::delete().from_table("invitation").and_where(Expr::col("id").eq(id)))?;
    note(tx, actor, "invitation.delete", invitation.object(), json!({}))?;
    Ok(invitation)
}

/// Those that were not used yet, newest first; expired ones too.
pub fn invitation_list(tx: &mut Tx<'_>) -> Result<Vec<Invitation>, StoreError> {
    tx.rows(select().order_by("created_at", Order::Desc).order_by("id", Order::Asc))
}

/// The invitation of this link, if it is still good.
pub(crate) fn invitation_by_token(tx: &mut Tx<'_>, token: &str, now: i64) -> Result<Option<Invitation>, StoreError> {
    tx.row(
        select().and_where(Expr::col("token_hash").eq(secret::hash(token))).and_where(Expr::col("expires_at").gt(now)),
    )
}

/// Uses the invitation up and makes the account.
pub(crate) fn invitation_use(tx: &mut Tx<'_>, token: &str, new: &NewPerson, now: i64) -> Result<Person, IdentityError> {
    let invitation = invitation_by_token(tx, token, now)?.ok_or(IdentityError::Invitation)?;
    // As with every link: whoever deletes the row has it.
    if tx.exec(Query::delete().from_table("invitation").and_where(Expr::col("id").eq(invitation.id.as_str())))? == 0 {
        return Err(IdentityError::Invitation);
    }
    let email = invitation.email.clone().or_else(|| new.email.clone());
    person_register(tx, &NewPerson { email, ..new.clone() }, Some(&invitation.id))
}

fn select() -> SelectStatement {
    let mut select = Query::select();
    select.columns(["id", "email", "invited_by", "created_at", "expires_at"]).from("invitation");
    select
}

impl FromRow for Invitation {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            invited_by: row.get("invited_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}
