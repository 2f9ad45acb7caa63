//! Single-use codes that stand for a person for a minute (`cf ssh`).

use crate::repo::person::{Person, PersonState, person_get};
use crate::secret;
use sea_query::{Expr, ExprTrait, Query};
use store::{Row, StoreError, Tx};

/// Makes a code with which `client_id` may once act for the person, and removes those that expired.
pub(crate) fn auth_code_create(
    tx: &mut Tx<'_>,
    client_id: &str,
    person_id: &str,
    now: i64,
    expires_at: i64,
) -> Result<String, StoreError> {
    tx.exec(Query::delete().from_table("auth_code").and_where(Expr::col("expires_at").lte(now)))?;
    let code = secret::random("");
    tx.exec(
        Query::insert()
            .into_table("auth_code")
            .columns(["code_hash", "client_id", "person_id", "expires_at"])
            .values_panic([secret::hash(&code).into(), client_id.into(), person_id.into(), expires_at.into()]),
    )?;
    Ok(code)
}

/// The active person that `code` stands for, once: the second use finds nobody.
pub fn auth_code_redeem(tx: &mut Tx<'_>, client_id: &str, code: &str, now: i64) -> Result<Option<Person>, StoreError> {
    let hash = secret::hash(code);
    let row: Option<Row> = tx.row(
        Query::select()
            .column("person_id")
            .from("auth_code")
            .and_where(Expr::col("code_hash").eq(hash.as_str()))
            .and_where(Expr::col("client_id").eq(client_id))
            .and_where(Expr::col("expires_at").gt(now)),
    )?;
    let Some(row) = row else { return Ok(None) };
    // Whoever deletes it has it; a second one at the same time deletes nothing.
    if tx.exec(Query::delete().from_table("auth_code").and_where(Expr::col("code_hash").eq(hash)))? == 0 {
        return Ok(None);
    }
    Ok(person_get(tx, &row.get::<String>("person_id")?)?.filter(|person| person.state == PersonState::Active))
}
