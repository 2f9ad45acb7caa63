//! The key that signs access tokens, sealed under the master key.

use crate::clock::now;
use crate::repo::note;
use ledger::Object;
use sea_query::{Expr, ExprTrait, Query};
use serde_json::json;
use store::{Row, StoreError, Tx};

/// `(kid, sealed)` of the key for `purpose`.
pub(crate) fn signing_key_get(tx: &mut Tx<'_>, purpose: &str) -> Result<Option<(String, String)>, StoreError> {
    let row: Option<Row> = tx.row(
        Query::select().columns(["kid", "sealed"]).from("signing_key").and_where(Expr::col("purpose").eq(purpose)),
    )?;
    row.map(|row| Ok((row.get("kid")?, row.get("sealed")?))).transpose()
}

/// Keeps a new key. `Duplicate` if another process was faster.
pub(crate) fn signing_key_create(tx: &mut Tx<'_>, purpose: &str, kid: &str, sealed: &str) -> Result<(), StoreError> {
    tx.exec(
        Query::insert().into_table("signing_key").columns(["purpose", "kid", "sealed", "created_at"]).values_panic([
            purpose.into(),
            kid.into(),
            sealed.into(),
            now().into(),
        ]),
    )?;
    note(
        tx,
        &crate::Caller::system().actor(),
        "signing_key.create",
        Object::new("signing_key", kid, purpose),
        json!({}),
    )
}

/// Replaces the sealed form of the key, which stays the same.
pub(crate) fn signing_key_reseal(tx: &mut Tx<'_>, kid: &str, sealed: &str) -> Result<(), StoreError> {
    tx.exec(Query::update().table("signing_key").value("sealed", sealed).and_where(Expr::col("kid").eq(kid)))?;
    note(tx, &crate::Caller::system().actor(), "signing_key.reseal", Object::new("signing_key", kid, kid), json!({}))
}
