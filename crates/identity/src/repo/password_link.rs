//! Links with which a person sets a new password: made by an administrator, good once and for a while.

use crate::clock::micros;
use crate::model::password::PasswordHash;
use crate::repo::note;
use crate::repo::person::{Person, PersonState, person_get, person_set_password};
use crate::{IdentityError, secret};
use ledger::Actor;
use sea_query::{Expr, ExprTrait, OnConflict, Query};
use serde_json::json;
use std::time::Duration;
use store::{StoreError, Tx};

/// How long a link is good.
pub const PASSWORD_LINK: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a link for `person` in place of any made before; answers its token, which is nowhere else, and when it ends.
pub fn password_link_create(
    tx: &mut Tx<'_>,
    actor: &Actor,
    person: &Person,
    now: i64,
) -> Result<(String, i64), StoreError> {
    let (token, expires_at) = (secret::random(""), now + micros(PASSWORD_LINK));
    tx.exec(
        Query::insert()
            .into_table("password_link")
            .columns(["person_id", "token_hash", "created_at", "expires_at"])
            .values_panic([person.id.as_str().into(), secret::hash(&token).into(), now.into(), expires_at.into()])
            .on_conflict(
                OnConflict::column("person_id").update_columns(["token_hash", "created_at", "expires_at"]).to_owned(),
            ),
    )?;
    note(tx, actor, "person.password_link", person.object(), json!({ "expires_at": expires_at }))?;
    Ok((token, expires_at))
}

/// Whose link this is, if it is still good.
pub(crate) fn password_link_person(tx: &mut Tx<'_>, token: &str, now: i64) -> Result<Option<Person>, StoreError> {
    let id: Option<String> = tx.value(
        Query::select()
            .column("person_id")
            .from("password_link")
            .and_where(Expr::col("token_hash").eq(secret::hash(token)))
            .and_where(Expr::col("expires_at").gt(now)),
    )?;
    match id {
        Some(id) => person_get(tx, &id),
        None => Ok(None),
    }
}

/// Uses the link up: sets the password and ends every session of the person.
pub(crate) fn password_link_use(
    tx: &mut Tx<'_>,
    token: &str,
    hash: &PasswordHash,
    now: i64,
) -> Result<Person, IdentityError> {
    let person = password_link_person(tx, token, now)?.ok_or(IdentityError::PasswordLink)?;
    // Whoever deletes the row has the link; a second one at the same time waits for it and then deletes nothing.
    let used = tx
        .exec(Query::delete().from_table("password_link").and_where(Expr::col("token_hash").eq(secret::hash(token))))?;
    if used == 0 || person.state == PersonState::Suspended {
        return Err(IdentityError::PasswordLink);
    }
    person_set_password(tx, &person.object(), &person.id, hash, None)?;
    Ok(person)
}
