//! Reading and following.

use crate::entry::{Object, Record};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use std::sync::Arc;
use store::{Db, FromRow, Row, StoreError};
use tokio::sync::watch;

/// Readers' handle on the ledger. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    db: Db,
    head: Arc<watch::Sender<()>>,
}

impl Ledger {
    /// The ledger in `db`.
    pub fn new(db: Db) -> Self {
        Self { db, head: Arc::new(watch::Sender::new(())) }
    }

    /// Entries after `position`, in order, at most `limit`.
    pub async fn after(&self, position: i64, limit: u64) -> Result<Vec<Record>, StoreError> {
        self.db
            .read(move |tx| {
                tx.rows(
                    select()
                        .and_where(Expr::col("position").gt(position))
                        .order_by("position", Order::Asc)
                        .limit(limit),
                )
            })
            .await
    }

    /// Wakes followers; called by [`crate::append`]'s commit.
    pub fn wake(&self) {
        self.head.send_replace(());
    }
}

pub(crate) fn select() -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            "id", "position", "at", "actor_kind", "actor_id", "actor_name", "action", "object_kind", "object_id",
            "object_name", "scope", "data", "hash",
        ])
        .from("ledger");
    select
}

impl FromRow for Record {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let scope: String = row.get("scope")?;
        let data: String = row.get("data")?;
        Ok(Self {
            position: row.get("position")?,
            id: row.get("id")?,
            at: row.get("at")?,
            actor: object(row, "actor")?,
            action: row.get("action")?,
            object: object(row, "object")?,
            scope: scope.split_whitespace().map(str::to_owned).collect(),
            data: serde_json::from_str(&data).unwrap_or_default(),
            hash: row.get("hash")?,
        })
    }
}

fn object(row: &Row, prefix: &str) -> Result<Object, StoreError> {
    Ok(Object {
        kind: row.get(&format!("{prefix}_kind"))?,
        id: row.get(&format!("{prefix}_id"))?,
        name: row.get(&format!("{prefix}_name"))?,
    })
}
