//! Reading and following.
//!
//! While there are followers, one task of the process watches the head: woken by this process's own commits, and looking
//! every few milliseconds for those of others (one row by its key). Positions appear in order and without gaps, so a
//! follower that goes on after the last position it saw can neither miss nor repeat an entry.

use crate::entry::Record;
use crate::row::{Head, select};
use crate::wake;
use futures_util::stream::{self, Stream};
use sea_query::{Expr, ExprTrait, Order};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Db, DbKind, StoreError};
use tokio::sync::watch;

/// How often the head is looked at for the sake of other processes' commits, where several share a database.
const LOOK: Duration = Duration::from_millis(10);
/// The same on SQLite, where others write seldom (a command on the shell while no server ran).
const LOOK_ALONE: Duration = Duration::from_millis(500);
const PAGE: u64 = 256;
/// How long a follower waits after the database failed it.
const PAUSE: Duration = Duration::from_millis(200);

/// Readers' handle on the ledger. Cheap to clone; clones share one watcher of the head.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) db: Db,
    head: Arc<watch::Sender<i64>>,
    /// Whether the watcher runs.
    watched: Arc<Mutex<bool>>,
}

impl Ledger {
    /// The ledger in `db`.
    pub fn new(db: Db) -> Self {
        Self { db, head: Arc::new(watch::Sender::new(0)), watched: Arc::default() }
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

    /// The last position; 0 if there is no entry. Following from here gives what is new.
    pub async fn head(&self) -> Result<i64, StoreError> {
        let row = self.db.glance(&Head::select()).await?;
        row.map_or(Ok(0), |row| row.get("position"))
    }

    /// Every entry after `position`, each once and in order, the existing ones first and then each as it comes. Never
    /// ends, unless the store is closed. While the database is away it waits.
    pub fn follow(&self, position: i64) -> impl Stream<Item = Record> + Send + use<> {
        let head = self.head.subscribe();
        self.watch();
        stream::unfold(
            (self.clone(), head, position, Vec::new().into_iter()),
            |(ledger, mut head, mut position, mut page)| async move {
                loop {
                    if let Some(record) = page.next() {
                        let record: Record = record;
                        position = record.position;
                        return Some((record, (ledger, head, position, page)));
                    }
                    match ledger.after(position, PAGE).await {
                        Ok(more) if more.is_empty() => {
                            // Fails only if the sender were gone, which `ledger` holds.
                            let _ = head.wait_for(|head| *head > position).await;
                        }
                        Ok(more) => page = more.into_iter(),
                        Err(StoreError::Closed) => return None,
                        Err(error) => {
                            tracing::warn!(%error, "a follower of the ledger waits for the database");
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                }
            },
        )
    }

    /// Makes followers look at once. [`crate::append`] does so by itself when it is committed.
    pub fn wake(&self) {
        wake::committed();
    }

    /// Starts the watcher of the head unless it runs. It ends with the last follower.
    fn watch(&self) {
        let mut watched = self.watched.lock().expect("no one panics while holding this");
        if std::mem::replace(&mut *watched, true) {
            return;
        }
        let (ledger, mut commits) = (self.clone(), wake::commits());
        let look = if self.db.kind() == DbKind::Sqlite { LOOK_ALONE } else { LOOK };
        tokio::spawn(async move {
            loop {
                match ledger.head().await {
                    Ok(now) => {
                        ledger.head.send_if_modified(|head| std::mem::replace(head, now) != now);
                    }
                    Err(StoreError::Closed) => {
                        // Every follower looks once more, and ends.
                        ledger.head.send_replace(i64::MAX);
                        return;
                    }
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
                if ledger.head.receiver_count() == 0 && ledger.unwatch_if_alone() {
                    return;
                }
                let _ = tokio::time::timeout(look, commits.changed()).await;
            }
        });
    }

    /// Under the lock, so that a follower who comes now either is counted or starts a new watcher.
    fn unwatch_if_alone(&self) -> bool {
        let mut watched = self.watched.lock().expect("no one panics while holding this");
        let alone = self.head.receiver_count() == 0;
        *watched = !alone;
        alone
    }
}
