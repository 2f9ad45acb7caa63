//! Sealing everything of this face anew after the master key was rotated.

use crate::state::ENVIRONMENT;
use sea_query::{Expr, ExprTrait, Order, Query};
use store::{Db, Row, SecretError, Secrets, StoreError};

/// A sealed column: table, key column, sealed column, and what it is sealed for.
const SEALED: &[(&str, &str, &str, &str)] = &[
    ("app", "guid", "environment", ENVIRONMENT),
    ("revision", "guid", "environment", super::revision::ENVIRONMENT),
    ("environment_variable_group", "name", "variables", super::setting::PURPOSE),
];

/// A row could not be sealed anew; those before it have been.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// It does not open with the keys at hand.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals every row anew that is sealed with an old key. Repeatable; rows changed meanwhile are left as they are, for their
/// writer used the new key.
pub async fn reseal(db: &Db, secrets: &Secrets) -> Result<(), ResealError> {
    for &(table, key, column, purpose) in SEALED {
        let rows: Vec<Row> = db
            .read::<_, StoreError, _>(move |tx| {
                tx.rows(Query::select().columns([key, column]).from(table).order_by(key, Order::Asc))
            })
            .await?;
        for row in rows {
            let (id, old): (String, String) = (row.get(key)?, row.get(column)?);
            let Some(new) = secrets.reseal(purpose, &id, &old)? else { continue };
            db.write::<_, StoreError, _>(move |tx| {
                tx.exec(
                    Query::update()
                        .table(table)
                        .value(column, new.clone())
                        .and_where(Expr::col(key).eq(id.clone()))
                        .and_where(Expr::col(column).eq(old.clone())),
                )
            })
            .await?;
        }
    }
    Ok(())
}
