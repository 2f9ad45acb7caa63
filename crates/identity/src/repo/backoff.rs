//! Failed sign-ins in a row, per account and per address, and how long the next has to wait.
//!
//! Kept in the database, so that a restart forgets nothing and several processes count together. What was typed as a
//! name is kept as a hash only: people type passwords there.

use crate::clock::micros;
use crate::secret;
use sea_query::{Expr, ExprTrait, Func, Query};
use std::time::Duration;
use store::{StoreError, Tx};

/// So many failures in a row cost nothing.
const FREE: i64 = 5;
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Counts without a failure for so long are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// What failures are counted by.
pub(crate) fn key(kind: &str, value: &str) -> String {
    secret::hash(&format!("{kind}:{}", value.to_lowercase()))
}

/// How long, after `failures` in a row, the next attempt must wait.
pub(crate) fn wait(failures: i64) -> Duration {
    match failures - FREE {
        ..0 => Duration::ZERO,
        over => LONGEST.min(FIRST.saturating_mul(1 << Ord::min(over, 20))),
    }
}

/// Until when any of `keys` is blocked; none: not at all.
pub(crate) fn blocked_until(tx: &mut Tx<'_>, keys: &[String], now: i64) -> Result<Option<i64>, StoreError> {
    let latest: Option<Option<i64>> = tx.value(
        Query::select()
            .expr(Func::max(Expr::col("blocked_until")))
            .from("login_backoff")
            .and_where(Expr::col("id").is_in(keys.iter().cloned()))
            .and_where(Expr::col("blocked_until").gt(now)),
    )?;
    Ok(latest.flatten())
}

/// Counts a failure under each of `keys`; answers whether one of them is blocked from now on.
pub(crate) fn failed(tx: &mut Tx<'_>, keys: &[String], now: i64) -> Result<bool, StoreError> {
    let old = now - micros(FORGOTTEN);
    tx.exec(Query::delete().from_table("login_backoff").and_where(Expr::col("updated_at").lt(old)))?;
    let mut blocked = false;
    for key in keys {
        let known: Option<i64> = tx.value(
            Query::select().column("failures").from("login_backoff").and_where(Expr::col("id").eq(key.as_str())),
        )?;
        let failures = known.unwrap_or(0) + 1;
        let wait = wait(failures);
        blocked |= !wait.is_zero();
        let until = now + micros(wait);
        match known {
            Some(_) => tx.exec(
                Query::update()
                    .table("login_backoff")
                    .value("failures", failures)
                    .value("blocked_until", until)
                    .value("updated_at", now)
                    .and_where(Expr::col("id").eq(key.as_str())),
            )?,
            None => tx.exec(
                Query::insert()
                    .into_table("login_backoff")
                    .columns(["id", "failures", "blocked_until", "updated_at"])
                    .values_panic([key.as_str().into(), failures.into(), until.into(), now.into()]),
            )?,
        };
    }
    Ok(blocked)
}

/// Forgets the failures under `keys`.
pub(crate) fn succeeded(tx: &mut Tx<'_>, keys: &[String]) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("login_backoff").and_where(Expr::col("id").is_in(keys.iter().cloned())))
        .map(|_| ())
}
