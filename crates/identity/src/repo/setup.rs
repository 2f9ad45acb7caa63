//! The link that creates the first administrator. It works once, and only while there is no administrator.

use crate::clock::now;
use crate::model::password::PasswordHash;
use crate::repo::administrator::{createsuperuser, has_administrator};
use crate::repo::person::Person;
use crate::{Caller, IdentityError, secret};
use sea_query::{Expr, ExprTrait, OnConflict, Query};
use store::{Db, StoreError, Tx};

/// A token for `/setup?token=…` if nobody can administer the platform yet. It replaces any token made before.
pub async fn setup_link(db: &Db) -> Result<Option<String>, StoreError> {
    let token = secret::random("");
    let hash = secret::hash(&token);
    let needed = db
        .write(move |tx| {
            if has_administrator(tx)? {
                tx.exec(Query::delete().from_table("setup_link"))?;
                return Ok::<_, StoreError>(false);
            }
            tx.exec(
                Query::insert()
                    .into_table("setup_link")
                    .columns(["id", "token_hash", "created_at"])
                    .values_panic([1i64.into(), hash.as_str().into(), now().into()])
                    .on_conflict(OnConflict::column("id").update_columns(["token_hash", "created_at"]).to_owned()),
            )?;
            Ok(true)
        })
        .await?;
    Ok(needed.then_some(token))
}

/// Would [`setup_use`] accept this token?
pub(crate) fn setup_valid(tx: &mut Tx<'_>, token: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value(
        Query::select().column("id").from("setup_link").and_where(Expr::col("token_hash").eq(secret::hash(token))),
    )?;
    Ok(found.is_some() && !has_administrator(tx)?)
}

/// Uses the link up and creates the first administrator.
pub(crate) fn setup_use(
    tx: &mut Tx<'_>,
    token: &str,
    user_name: &str,
    email: Option<&str>,
    hash: &PasswordHash,
) -> Result<Person, IdentityError> {
    // Whoever deletes the row has the link; a second one at the same time waits for it and then deletes nothing.
    let used =
        tx.exec(Query::delete().from_table("setup_link").and_where(Expr::col("token_hash").eq(secret::hash(token))))?;
    if used == 0 || has_administrator(tx)? {
        return Err(IdentityError::SetupLink);
    }
    createsuperuser(tx, &Caller::system().actor(), user_name, email, hash)
}
