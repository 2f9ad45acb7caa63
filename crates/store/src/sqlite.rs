//! SQLite: one writer thread that commits many waiting units of work at once (a savepoint each), several readers, and a
//! thread that moves the write-ahead log into the database file.

mod checkpoint;
mod driver;
mod job;
mod open;

use crate::tx::{AfterCommit, Tx};
use crate::{DbKind, Migration, OpenError, StoreError};
use driver::map_error;
use job::{Job, Unit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// So many waiting units of work share one commit at most.
const GROUP: usize = 256;
const READERS: usize = 4;

pub(crate) struct Sqlite {
    path: PathBuf,
    /// None when closed.
    queues: RwLock<Option<Queues>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Queues {
    writer: Sender<Box<dyn Job>>,
    readers: Sender<Box<dyn Job>>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, migrations: &[Migration]) -> Result<Self, OpenError> {
        let mut connection = open::open(path, migrations)?;
        let mut threads = Vec::new();

        let (checkpoints, due) = sync_channel(1);
        let checkpointer = open::connect(path)?;
        let wal = PathBuf::from(format!("{}-wal", path.display()));
        threads.push(spawn("store-checkpoint", move || checkpoint::run(&checkpointer, &wal, &due))?);

        // The checkpointer does it; the writer need not stop for it.
        batch(&connection, "PRAGMA wal_autocheckpoint = 0")?;
        let (writer, jobs) = channel();
        threads.push(spawn("store-writer", move || write_loop(&mut connection, &jobs, &checkpoints))?);

        let (readers, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for index in 0..READERS {
            let mut connection = open::connect(path)?;
            batch(&connection, "PRAGMA query_only = ON")?;
            let jobs = Arc::clone(&jobs);
            threads.push(spawn(&format!("store-reader-{index}"), move || read_loop(&mut connection, &jobs))?);
        }
        let queues = RwLock::new(Some(Queues { writer, readers }));
        Ok(Self { path: path.into(), queues, threads: Mutex::new(threads) })
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.submit(|queues| &queues.readers, work).await
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.submit(|queues| &queues.writer, work).await
    }

    /// Ends the queues; the threads work off what is in them and go. The last connection to close moves the log into the file.
    pub(crate) async fn close(&self) {
        let queues = self.queues.write().expect("no one panics while holding the queues").take();
        drop(queues);
        let threads = std::mem::take(&mut *self.threads.lock().expect("no one panics while holding the threads"));
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joined.await;
    }

    pub(crate) async fn snapshot(&self, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), to.to_owned());
        tokio::task::spawn_blocking(move || open::snapshot(&from, &to)).await.map_err(|_| StoreError::Panicked)?
    }

    async fn submit<T, E, F>(&self, queue: fn(&Queues) -> &Sender<Box<dyn Job>>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Unit { work, result: None, reply });
        match &*self.queues.read().expect("no one panics while holding the queues") {
            Some(queues) => queue(queues).send(job).map_err(|_| StoreError::Closed)?,
            None => return Err(StoreError::Closed.into()),
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(body);
    thread.map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

fn write_loop(connection: &mut rusqlite::Connection, jobs: &Receiver<Box<dyn Job>>, checkpoints: &SyncSender<()>) {
    while let Ok(first) = jobs.recv() {
        let mut done: Vec<Box<dyn Job>> = Vec::new();
        let mut effects: Vec<AfterCommit> = Vec::new();
        let mut failure = batch(connection, "BEGIN IMMEDIATE").map_err(waited).err();
        let mut next = Some(first);
        while let Some(mut job) = next.take() {
            if failure.is_none() {
                failure = run_in_savepoint(connection, job.as_mut(), &mut effects).err();
            }
            done.push(job);
            if done.len() < GROUP && failure.is_none() {
                next = jobs.try_recv().ok();
            }
        }
        let commit = match failure {
            None => batch(connection, "COMMIT"),
            Some(error) => Err(error),
        };
        if commit.is_err() {
            // A failed COMMIT may or may not have left the transaction open.
            let _ = batch(connection, "ROLLBACK");
        } else {
            // Full only if a checkpoint is due already.
            let _ = checkpoints.try_send(());
            for effect in effects {
                // A panicking effect must not take the writer with it.
                let _ = catch_unwind(AssertUnwindSafe(effect));
            }
        }
        for job in done {
            job.finish(commit.clone());
        }
    }
}

/// Another process holds the write lock for longer than `busy_timeout`.
fn waited(error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict(why) => StoreError::Unavailable(format!("another process keeps it locked: {why}")),
        error => error,
    }
}

fn run_in_savepoint(
    connection: &mut rusqlite::Connection,
    job: &mut dyn Job,
    effects: &mut Vec<AfterCommit>,
) -> Result<(), StoreError> {
    batch(connection, "SAVEPOINT unit")?;
    let mut tx = Tx { connection, kind: DbKind::Sqlite, after_commit: Vec::new(), conflict: false };
    let keep = job.run(&mut tx);
    let after = tx.after_commit;
    if connection.is_autocommit() {
        // SQLite rolled back the whole group by itself: https://sqlite.org/lang_transaction.html, "response to errors".
        return Err(StoreError::Full);
    }
    if keep {
        effects.extend(after);
        batch(connection, "RELEASE unit")
    } else {
        batch(connection, "ROLLBACK TO unit; RELEASE unit")
    }
}

fn read_loop(connection: &mut rusqlite::Connection, jobs: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        let Ok(Ok(mut job)) = jobs.lock().map(|jobs| jobs.recv()) else { return };
        let begun = batch(connection, "BEGIN");
        if begun.is_ok() {
            job.run(&mut Tx { connection, kind: DbKind::Sqlite, after_commit: Vec::new(), conflict: false });
            let _ = batch(connection, "ROLLBACK");
        }
        job.finish(begun);
    }
}

fn batch(connection: &rusqlite::Connection, sql: &str) -> Result<(), StoreError> {
    for part in sql.split("; ") {
        let mut statement = connection.prepare_cached(part).map_err(|error| map_error(error, part))?;
        // A PRAGMA answers rows, which nobody needs.
        statement.query([]).and_then(|mut rows| while_rows(&mut rows)).map_err(|error| map_error(error, part))?;
    }
    Ok(())
}

fn while_rows(rows: &mut rusqlite::Rows<'_>) -> rusqlite::Result<()> {
    while rows.next()?.is_some() {}
    Ok(())
}
