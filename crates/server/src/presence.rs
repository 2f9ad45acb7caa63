//! Which servers use one external database, and where each is reached.
//!
//! A row a server, made before it opens anything sealed, removed when it ends in order. While it lives it moves its beat
//! on; who wants to know whether another one lives watches that beat by its own clock, so clocks of different machines are
//! never compared. Negative: whose beat stands still is not thereby dead for good, and nothing is taken from it.

use crate::owner::Signature;
use sea_query::{ColumnDef, Expr, ExprTrait, Query, Table};
use std::collections::HashMap;
use std::time::Duration;
use store::{Db, DbKind, Migration, Row, Schema, StoreError, Tx};
use tokio_util::sync::CancellationToken;

pub(crate) const MIGRATION: Migration = Migration { name: "server/0002-server", up: table };

const BEAT: Duration = Duration::from_secs(1);
/// Whose beat has not moved for so long is away.
const PATIENCE: Duration = Duration::from_millis(3500);

fn table(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("server")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            // For people: host and data folder.
            .col(ColumnDef::new("place").string_len(191).not_null())
            // Where the other servers reach it.
            .col(ColumnDef::new("url").string_len(191).not_null())
            .col(ColumnDef::new("beat").big_integer().not_null()),
    )
}

/// Enters this server; what an earlier process of it left is replaced.
pub(crate) async fn enter(db: &Db, me: &Signature) -> Result<(), StoreError> {
    if db.kind() == DbKind::Sqlite {
        return Ok(());
    }
    let me = me.clone();
    db.write(move |tx| {
        let before: Option<i64> =
            tx.value(Query::select().column("beat").from("server").and_where(Expr::col("id").eq(me.id.as_str())))?;
        tx.exec(Query::delete().from_table("server").and_where(Expr::col("id").eq(me.id.as_str())))?;
        tx.exec(Query::insert().into_table("server").columns(["id", "place", "url", "beat"]).values_panic([
            me.id.as_str().into(),
            me.place.as_str().into(),
            me.url.as_str().into(),
            (before.unwrap_or(0) + 1).into(),
        ]))?;
        Ok(())
    })
    .await
}

/// Moves the beat on until `stop`, then leaves.
pub(crate) async fn stay(db: Db, me: Signature, stop: CancellationToken) {
    if db.kind() == DbKind::Sqlite {
        return;
    }
    while stop.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_some() {
        let id = me.id.clone();
        let beaten = db.write(move |tx| {
            let beat = Expr::col("beat").add(1);
            tx.exec(Query::update().table("server").value("beat", beat).and_where(Expr::col("id").eq(id.as_str())))
        });
        // While the database is away, everybody's beat stands still.
        if matches!(beaten.await, Ok(0)) {
            let _ = enter(&db, &me).await;
        }
    }
    let id = me.id.clone();
    let left =
        db.write(move |tx| tx.exec(Query::delete().from_table("server").and_where(Expr::col("id").eq(id.as_str()))));
    match tokio::time::timeout(2 * BEAT, left).await {
        Ok(Ok(_)) => {}
        _ => tracing::warn!("that this server has ended is not noted; others see it by its silence"),
    }
}

/// Where another server that lives is, in words; none if this one is alone. Waits where another one has ever been and has not
/// left in order.
pub(crate) async fn another(db: &Db, me: &str) -> Result<Option<String>, StoreError> {
    let me = me.to_owned();
    let others = move |tx: &mut Tx<'_>| {
        let select = Query::select()
            .columns(["id", "place", "beat"])
            .from("server")
            .and_where(Expr::col("id").ne(me.as_str()))
            .order_by("id", sea_query::Order::Asc)
            .take();
        let rows: Vec<Row> = tx.rows(&select)?;
        rows.iter().map(|row| Ok((row.get("id")?, (row.get("place")?, row.get("beat")?)))).collect()
    };
    let before: HashMap<String, (String, i64)> = db.read::<_, StoreError, _>(others.clone()).await?;
    if before.is_empty() {
        return Ok(None);
    }
    tokio::time::sleep(PATIENCE).await;
    let after: HashMap<String, (String, i64)> = db.read::<_, StoreError, _>(others).await?;
    Ok(after.into_iter().find(|(id, now)| before.get(id) != Some(now)).map(|(_, (place, _))| place))
}

/// Where the server `id` is reached, if it ever was there and has not left.
pub(crate) async fn url_of(db: &Db, id: &str) -> Result<Option<String>, StoreError> {
    let select = Query::select().column("url").from("server").and_where(Expr::col("id").eq(id)).take();
    db.glance(&select).await?.map(|row| row.get("url")).transpose()
}
