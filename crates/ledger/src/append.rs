//! Appending. On SQLite, whose writer is alone, an entry is sealed at once.

use crate::entry::{Entry, Record};
use sea_query::{Expr, ExprTrait, Order, Query};
use sha2::{Digest, Sha256};
use store::{Row, StoreError, Tx};

/// Appends `entry` in the transaction of the change it tells of.
pub fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<Record, StoreError> {
    let last: Option<Row> = tx.row(
        Query::select()
            .columns(["position", "hash"])
            .from("ledger")
            .and_where(Expr::col("position").is_not_null())
            .order_by("position", Order::Desc)
            .limit(1),
    )?;
    let (position, previous) = match last {
        Some(row) => (row.get::<i64>("position")? + 1, row.get::<String>("hash")?),
        None => (1, String::new()),
    };
    let mut record = Record {
        position,
        id: uuid::Uuid::now_v7().to_string(),
        at: jiff::Timestamp::now().as_microsecond(),
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        object: entry.object.clone(),
        scope: entry.scope.clone(),
        data: entry.data.clone(),
        hash: String::new(),
    };
    record.hash = hash(&previous, &record);
    insert(tx, &record)?;
    Ok(record)
}

fn insert(tx: &mut Tx<'_>, record: &Record) -> Result<(), StoreError> {
    tx.exec(
        Query::insert()
            .into_table("ledger")
            .columns([
                "id", "position", "at", "actor_kind", "actor_id", "actor_name", "action", "object_kind", "object_id",
                "object_name", "scope", "data", "hash",
            ])
            .values_panic([
                record.id.clone().into(),
                record.position.into(),
                record.at.into(),
                record.actor.kind.clone().into(),
                record.actor.id.clone().into(),
                record.actor.name.clone().into(),
                record.action.clone().into(),
                record.object.kind.clone().into(),
                record.object.id.clone().into(),
                record.object.name.clone().into(),
                record.scope.join(" ").into(),
                record.data.to_string().into(),
                record.hash.clone().into(),
            ]),
    )
    .map(|_| ())
}

/// The chain: SHA-256 over the predecessor's hash and the entry as JSON without its own hash.
pub(crate) fn hash(previous: &str, record: &Record) -> String {
    let body = serde_json::json!([
        record.position, record.id, record.at, record.actor, record.action, record.object, record.scope, record.data
    ]);
    hex::encode(Sha256::new().chain_update(previous).chain_update(body.to_string()).finalize())
}
