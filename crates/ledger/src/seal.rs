//! Sealing on PostgreSQL and MySQL: giving committed entries their position and hash.
//!
//! One process holds the lease and seals. The lease is a counter that its holder moves on; who sees it stand still for
//! [`PATIENCE`] by its own clock takes it, so clocks of different machines are never compared. The lease only avoids
//! needless work: a batch counts only if the head has not moved since the batch was read, so even two sealers at once
//! could not give a position twice or fork the chain.
//!
//! Order: entries are taken as they are seen committed, those of one transaction in the order of their appends. What
//! commits late gets a later position; it cannot slip in behind a follower.

use crate::follow::Ledger;
use crate::row::{Head, Stored, select};
use crate::wake;
use sea_query::{CaseStatement, Expr, ExprTrait, Order, Query};
use std::pin::pin;
use std::time::{Duration, Instant};
use store::{DbKind, Row, StoreError, Tx};

/// How often the sealer looks for entries that other processes committed.
const LOOK: Duration = Duration::from_millis(10);
const BATCH: u64 = 100;
const BEAT: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_millis(1400);
const LEASE_LOOK: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Clone, PartialEq, Eq)]
struct Lease {
    holder: String,
    beat: i64,
}

impl Ledger {
    /// Seals until `stop` is ready, whenever this process holds the lease. Every process on an external database runs
    /// one; the others take over within 2 s of the holder's death. On SQLite appends seal themselves and this only waits.
    pub async fn run_sealer(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        if self.db.kind() == DbKind::Sqlite {
            return stop.await;
        }
        let me = uuid::Uuid::now_v7().to_string();
        let work = async {
            loop {
                if let Err(error) = self.term(&me).await {
                    tracing::warn!(%error, "sealing the ledger waits for the database");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        tokio::select! {
            () = &mut stop => {}
            () = work => {}
        }
        // So that the next one need not wait. If it fails, the next one waits.
        let release = self.db.write(move |tx| {
            let free = Query::update()
                .table("ledger_lease")
                .value("holder", "")
                .and_where(Expr::col("holder").eq(me.as_str()))
                .to_owned();
            tx.exec(&free)
        });
        let _ = tokio::time::timeout(PATIENCE, release).await;
    }

    /// Gets the lease, and seals for as long as it is held.
    async fn term(&self, me: &str) -> Result<(), StoreError> {
        let mut lease = self.obtain(me).await?;
        let (mut beaten, mut commits) = (Instant::now(), wake::commits());
        loop {
            if beaten.elapsed() >= BEAT {
                beaten = Instant::now();
                let next = Lease { holder: me.into(), beat: lease.beat + 1 };
                if !self.replace(lease, next.clone()).await? {
                    return Ok(());
                }
                lease = next;
            }
            if self.seal_batch().await? == 0 {
                let _ = tokio::time::timeout(LOOK, commits.changed()).await;
            }
        }
    }

    async fn obtain(&self, me: &str) -> Result<Lease, StoreError> {
        let mut seen = self.db.read(lease).await?;
        let mut since = Instant::now();
        loop {
            if seen.holder.is_empty() || since.elapsed() >= PATIENCE {
                let mine = Lease { holder: me.into(), beat: seen.beat + 1 };
                if self.replace(seen.clone(), mine.clone()).await? {
                    return Ok(mine);
                }
            }
            tokio::time::sleep(LEASE_LOOK).await;
            let now = self.db.read(lease).await?;
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
    }

    /// Whether the lease was still `old` and is now `new`.
    async fn replace(&self, old: Lease, new: Lease) -> Result<bool, StoreError> {
        self.db
            .write(move |tx| {
                let update = Query::update()
                    .table("ledger_lease")
                    .value("holder", new.holder.as_str())
                    .value("beat", new.beat)
                    .and_where(Expr::col("id").eq(1))
                    .and_where(Expr::col("holder").eq(old.holder.as_str()))
                    .and_where(Expr::col("beat").eq(old.beat))
                    .to_owned();
                Ok(tx.exec(&update)? == 1)
            })
            .await
    }

    /// Seals what is committed, one batch at most; answers how many.
    async fn seal_batch(&self) -> Result<usize, StoreError> {
        let any =
            Query::select().column("id").from("ledger").and_where(Expr::col("position").is_null()).limit(1).to_owned();
        if self.db.glance(&any).await?.is_none() {
            return Ok(0);
        }
        let (mut head, batch) = self
            .db
            .read(|tx| {
                let unsealed = select()
                    .and_where(Expr::col("position").is_null())
                    .order_by("id", Order::Asc)
                    .limit(BATCH)
                    .to_owned();
                Ok::<_, StoreError>((Head::read(tx)?, tx.rows::<Stored>(&unsealed)?))
            })
            .await?;
        if batch.is_empty() {
            return Ok(0);
        }
        let from = head.position;
        let mut seals = Vec::with_capacity(batch.len());
        for entry in batch {
            let position = head.position + 1;
            let hash = entry.link(&head.hash, position);
            head = Head { position, hash: hash.clone() };
            seals.push((entry.id().to_owned(), position, hash));
        }
        let count = seals.len();
        let sealed = self.db.write(move |tx| seal(tx, from, &head, &seals)).await?;
        wake::committed();
        Ok(if sealed { count } else { 0 })
    }
}

fn lease(tx: &mut Tx<'_>) -> Result<Lease, StoreError> {
    let row: Option<Row> =
        tx.row(Query::select().columns(["holder", "beat"]).from("ledger_lease").and_where(Expr::col("id").eq(1)))?;
    match row {
        Some(row) => Ok(Lease { holder: row.get("holder")?, beat: row.get("beat")? }),
        None => Err(StoreError::Other { message: "the table ledger_lease lost its row".into(), source: None }),
    }
}

/// Writes the seals unless another sealer moved the head meanwhile; answers whether it did.
fn seal(tx: &mut Tx<'_>, from: i64, head: &Head, seals: &[(String, i64, String)]) -> Result<bool, StoreError> {
    if tx.exec(&head.moved(from))? == 0 {
        return Ok(false);
    }
    if tx.kind() == DbKind::Postgres {
        // All at once: a round trip for each would take longer than everything else, and meet more of those who append.
        let own = |id: &String| Expr::col("id").eq(id.as_str());
        let (mut positions, mut hashes) = (CaseStatement::new(), CaseStatement::new());
        for (id, position, hash) in seals {
            positions = positions.case(own(id), *position);
            hashes = hashes.case(own(id), hash.as_str());
        }
        tx.exec(
            Query::update()
                .table("ledger")
                .value("position", positions)
                .value("hash", hashes)
                .and_where(Expr::col("id").is_in(seals.iter().map(|(id, _, _)| id.as_str()))),
        )?;
        return Ok(true);
    }
    for (id, position, hash) in seals {
        // One row by its key, each: a condition over many could make MySQL lock (and wait for) rows that are being appended.
        tx.exec(
            Query::update()
                .table("ledger")
                .value("position", *position)
                .value("hash", hash.as_str())
                .and_where(Expr::col("id").eq(id.as_str())),
        )?;
    }
    Ok(true)
}
