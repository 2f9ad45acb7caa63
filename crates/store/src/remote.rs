//! PostgreSQL and MySQL/MariaDB: a pool of connections, and closures on blocking threads that talk through them.
//!
//! A write is serialisable, as on SQLite, so check-then-insert is right everywhere; when the database finds that two met,
//! the whole closure runs again. This is the one place that retries. A connection that failed or fell silent is thrown
//! away, so the pool recovers by itself when the database is back.

mod mysql;
mod postgres;
mod session;

use crate::tx::Tx;
use crate::{DbKind, Migration, OpenError, Row, StoreError, migrate};
use sea_query::Values;
use session::{Live, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::RwLock;

pub(crate) use session::validate;

/// Connections a process; PostgreSQL's default is 100 in all.
const CONNECTIONS: u32 = 16;
/// Waiting for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// One statement. The server is told to give up at the same time; this one counts if it cannot be heard.
const STATEMENT: Duration = Duration::from_secs(30);
/// Waiting for another unit of work's lock.
const LOCK: Duration = Duration::from_secs(10);
/// Conflicts and dead connections are met with another try for so long.
const PERSISTENCE: Duration = Duration::from_secs(15);
/// Waiting for another process that applies migrations.
const MIGRATING: Duration = Duration::from_secs(300);

pub(crate) struct Remote {
    pool: Pool,
    closed: AtomicBool,
    /// Held for reading by every unit of work.
    running: RwLock<()>,
}

enum Outcome<T, E> {
    Done(Result<T, E>),
    /// Two changes met.
    Conflict(StoreError),
    /// The pooled connection was dead before anything ran.
    Stale(StoreError),
}

impl Remote {
    pub(crate) async fn open(kind: DbKind, url: &str, migrations: &[Migration]) -> Result<Self, OpenError> {
        let pool = Pool::open(kind, url)?;
        let session = pool.acquire().await?;
        let (runtime, migrations) = (Handle::current(), migrations.to_vec());
        tokio::task::spawn_blocking(move || migrate_all(Live::new(runtime, session), &migrations))
            .await
            .map_err(|_| StoreError::Panicked)??;
        Ok(Self { pool, closed: AtomicBool::new(false), running: RwLock::new(()) })
    }

    pub(crate) fn kind(&self) -> DbKind {
        self.pool.kind()
    }

    pub(crate) async fn run<T, E, F>(&self, write: bool, mut work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let _running = self.running.read().await;
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed.into());
        }
        let begun = Instant::now();
        let (mut conflicts, mut stale) = (0, 0);
        loop {
            let session = self.pool.acquire().await?;
            let runtime = Handle::current();
            let attempt = tokio::task::spawn_blocking(move || {
                let outcome = attempt(Live::new(runtime, session), write, &work);
                (work, outcome)
            });
            let outcome;
            (work, outcome) = attempt.await.map_err(|_| StoreError::Panicked)?;
            match outcome {
                Outcome::Done(result) => return result,
                // The database was restarted: every idle connection may be dead, but not one more than there are.
                Outcome::Stale(_) if stale <= CONNECTIONS && begun.elapsed() < PERSISTENCE => stale += 1,
                Outcome::Conflict(_) if begun.elapsed() < PERSISTENCE => {
                    conflicts += 1;
                    let most = 1_u64 << conflicts.min(8);
                    tokio::time::sleep(Duration::from_micros(rand::random_range(500..=most * 1000))).await;
                }
                Outcome::Stale(error) | Outcome::Conflict(error) => return Err(error.into()),
            }
        }
    }

    /// One statement in a transaction of its own, without a thread.
    pub(crate) async fn glance(&self, sql: &str, values: &Values) -> Result<Option<Row>, StoreError> {
        let _running = self.running.read().await;
        let (begun, mut stale) = (Instant::now(), 0);
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(StoreError::Closed);
            }
            match self.pool.acquire().await?.glance(sql, values).await {
                // As in `run`: idle connections that died with an earlier server.
                Err(StoreError::Unavailable(_)) if stale <= CONNECTIONS && begun.elapsed() < PERSISTENCE => stale += 1,
                answer => return answer,
            }
        }
    }

    /// Waits for the units of work that run or wait, refuses new ones, closes the connections.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        drop(self.running.write().await);
        self.pool.close().await;
    }
}

/// One run of the closure in one transaction.
fn attempt<T, E, F>(mut live: Live, write: bool, work: &F) -> Outcome<T, E>
where
    E: From<StoreError>,
    F: Fn(&mut Tx<'_>) -> Result<T, E>,
{
    match live.begin(write) {
        Ok(()) => {}
        Err(error @ StoreError::Unavailable(_)) => return Outcome::Stale(error),
        Err(error) => return Outcome::Done(Err(error.into())),
    }
    let kind = live.kind();
    let mut tx = Tx { connection: &mut live, kind, after_commit: Vec::new(), conflict: false };
    let result = catch_unwind(AssertUnwindSafe(|| work(&mut tx)));
    let (effects, conflict) = (tx.after_commit, tx.conflict);
    if conflict {
        live.rollback();
        return Outcome::Conflict(StoreError::Conflict(
            "the same rows are being changed again and again: try later".into(),
        ));
    }
    let value = match result {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            live.rollback();
            return Outcome::Done(Err(error));
        }
        Err(_) => {
            live.rollback();
            return Outcome::Done(Err(StoreError::Panicked.into()));
        }
    };
    match live.commit() {
        Ok(()) => {
            drop(live);
            for effect in effects {
                // The change stands, whatever its effect does.
                let _ = catch_unwind(AssertUnwindSafe(effect));
            }
            Outcome::Done(Ok(value))
        }
        Err(error @ StoreError::Conflict(_)) => Outcome::Conflict(error),
        Err(StoreError::Unavailable(why)) if write => Outcome::Done(Err(StoreError::Unavailable(format!(
            "{why}; it went away during the commit, so this change may or may not have been made"
        ))
        .into())),
        Err(error) => Outcome::Done(Err(error.into())),
    }
}

/// Under a lock of the whole database, because several processes may start at once. The lock goes with the connection.
fn migrate_all(mut live: Live, known: &[Migration]) -> Result<(), OpenError> {
    live.discard_when_done();
    let deadline = Instant::now() + MIGRATING;
    while !live.try_lock_database()? {
        if Instant::now() > deadline {
            return Err(
                StoreError::Unavailable("another process has been applying migrations for 5 minutes".into()).into()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let tables = live.tables()?;
    let ours = tables.iter().any(|table| table == "pitlane_migration");
    let applied = if ours { unit(&mut live, migrate::applied)? } else { Vec::new() };
    let missing = migrate::check(&tables, &applied, known)?;
    if !ours {
        unit(&mut live, migrate::prepare)?;
    }
    for migration in &missing {
        unit(&mut live, |tx| migrate::apply(tx, migration))
            .map_err(|source| OpenError::Migration { migration: migration.name.into(), source })?;
    }
    Ok(())
}

/// One transaction; for opening only.
fn unit<T>(live: &mut Live, work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    live.begin(true)?;
    let kind = live.kind();
    let result = work(&mut Tx { connection: live, kind, after_commit: Vec::new(), conflict: false });
    match result {
        Ok(value) => live.commit().map(|()| value),
        Err(error) => {
            live.rollback();
            Err(error)
        }
    }
}

/// A driver's error that is not the database's own answer.
fn other(error: sqlx::Error, context: &str) -> StoreError {
    use sqlx::Error;
    match error {
        Error::PoolClosed => StoreError::Closed,
        Error::PoolTimedOut => StoreError::Unavailable(format!(
            "no connection within {} s: it cannot be reached, or all {CONNECTIONS} connections are busy",
            ACQUIRE.as_secs()
        )),
        Error::Io(_) | Error::Tls(_) | Error::WorkerCrashed | Error::BeginFailed | Error::Protocol(_) => {
            StoreError::Unavailable(error.to_string())
        }
        other => {
            StoreError::Other { message: format!("{other} (in {context})"), source: Some(std::sync::Arc::new(other)) }
        }
    }
}
