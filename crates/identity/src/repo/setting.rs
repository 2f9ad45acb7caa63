//! Settings of identity, kept in the database: all servers that share it go by the same.

use crate::model::sign_up::SignUp;
use crate::repo::note;
use ledger::{Actor, Object};
use sea_query::{Expr, ExprTrait, OnConflict, Query};
use serde_json::json;
use store::{StoreError, Tx};

const SIGN_UP: &str = "signup";

/// Whether newcomers may make an account themselves.
pub fn sign_up(tx: &mut Tx<'_>) -> Result<SignUp, StoreError> {
    let value: Option<String> =
        tx.value(Query::select().column("value").from("identity_setting").and_where(Expr::col("name").eq(SIGN_UP)))?;
    // What this version does not know must not let anybody in.
    Ok(value.map_or_else(SignUp::default, |value| value.parse().unwrap_or(SignUp::Closed)))
}

/// Changes that; answers whether it was another one before.
pub fn sign_up_set(tx: &mut Tx<'_>, actor: &Actor, mode: SignUp) -> Result<bool, StoreError> {
    let before = sign_up(tx)?;
    if before == mode {
        return Ok(false);
    }
    tx.exec(
        Query::insert()
            .into_table("identity_setting")
            .columns(["name", "value"])
            .values_panic([SIGN_UP.into(), mode.as_str().into()])
            .on_conflict(OnConflict::column("name").update_column("value").to_owned()),
    )?;
    note(
        tx,
        actor,
        "setting.update",
        Object::new("setting", SIGN_UP, "sign-up"),
        json!({ "before": before, "after": mode }),
    )?;
    Ok(true)
}
