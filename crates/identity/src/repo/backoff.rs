//! Failed sign-ins in a row, per account and per address, and how long the next has to wait.
//!
//! Kept in the database, so that a restart forgets nothing and several processes count together. What was typed as a
//! name is kept as a hash only: people type passwords there.

use crate::clock::micros;
use crate::secret;
use sea_query::{Expr, ExprTrait, Func, OnConflict, Query};
use std::time::Duration;
use store::{StoreError, Tx};

/// So many failures in a row cost nothing.
const FREE: i64 = 5;
/// From one address there may be more: many people share one behind a proxy.
const FREE_FROM_ADDRESS: i64 = 50;
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Counts without a failure for so long are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// What failures are counted by.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    id: String,
    free: i64,
}

/// Failures of this account, client, address…
pub(crate) fn key(kind: &str, value: &str) -> Key {
    let free = if kind == "address" { FREE_FROM_ADDRESS } else { FREE };
    Key { id: secret::hash(&format!("{kind}:{}", value.to_lowercase())), free }
}

/// How long, after `failures` in a row of which `free` cost nothing, the next attempt must wait.
fn wait(failures: i64, free: i64) -> Duration {
    match failures - free {
        ..0 => Duration::ZERO,
        over => LONGEST.min(FIRST.saturating_mul(1 << Ord::min(over, 20))),
    }
}

/// Until when any of `keys` is blocked; none: not at all.
pub(crate) fn blocked_until(tx: &mut Tx<'_>, keys: &[Key], now: i64) -> Result<Option<i64>, StoreError> {
    let latest: Option<Option<i64>> = tx.value(
        Query::select()
            .expr(Func::max(Expr::col("blocked_until")))
            .from("login_backoff")
            .and_where(Expr::col("id").is_in(keys.iter().map(|key| key.id.clone())))
            .and_where(Expr::col("blocked_until").gt(now)),
    )?;
    Ok(latest.flatten())
}

/// Counts a failure under each of `keys`; answers whether the first of them is blocked from now on.
pub(crate) fn failed(tx: &mut Tx<'_>, keys: &[Key], now: i64) -> Result<bool, StoreError> {
    let old = now - micros(FORGOTTEN);
    tx.exec(Query::delete().from_table("login_backoff").and_where(Expr::col("updated_at").lt(old)))?;
    let mut waits = Vec::new();
    for key in keys {
        let mine = || Expr::col("id").eq(key.id.as_str());
        // Two first failures at once both insert; neither must fail for it.
        tx.exec(
            Query::insert()
                .into_table("login_backoff")
                .columns(["id", "failures", "blocked_until", "updated_at"])
                .values_panic([key.id.as_str().into(), 0i64.into(), 0i64.into(), now.into()])
                .on_conflict(OnConflict::column("id").do_nothing_on(["id"]).to_owned()),
        )?;
        tx.exec(
            Query::update()
                .table("login_backoff")
                .value("failures", Expr::col("failures").add(1))
                .value("updated_at", now)
                .and_where(mine()),
        )?;
        let failures = tx.value::<i64>(Query::select().column("failures").from("login_backoff").and_where(mine()))?;
        let wait = wait(failures.unwrap_or(1), key.free);
        tx.exec(Query::update().table("login_backoff").value("blocked_until", now + micros(wait)).and_where(mine()))?;
        waits.push(wait);
    }
    Ok(waits.first().is_some_and(|wait| !wait.is_zero()))
}

/// Forgets the failures under `keys`.
pub(crate) fn succeeded(tx: &mut Tx<'_>, keys: &[Key]) -> Result<(), StoreError> {
    tx.exec(
        Query::delete()
            .from_table("login_backoff")
            .and_where(Expr::col("id").is_in(keys.iter().map(|key| key.id.clone()))),
    )
    .map(|_| ())
}
