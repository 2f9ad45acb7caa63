//! SQLite: one writer thread that commits many waiting units of work at once (a savepoint each), several readers.

use crate::migrate;
use crate::row::{Cell, Row};
use crate::tx::{AfterCommit, Connection, Tx};
use crate::{DbKind, Migration, OpenError, StoreError};
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use sea_query::{Value, Values};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// So many waiting units of work share one commit at most.
const GROUP: usize = 256;
const READERS: usize = 4;

pub(crate) struct Sqlite {
    writer: Sender<Box<dyn Job>>,
    readers: Sender<Box<dyn Job>>,
}

/// A unit of work with its closure's types erased.
trait Job: Send {
    /// Runs the closure; answers whether its work is to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells the caller, once the commit is known.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Unit<T, E, F> {
    work: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Unit<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let result =
            catch_unwind(AssertUnwindSafe(|| (self.work)(tx))).unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (self.result, commit) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(StoreError::Closed.into()),
        };
        // The caller may have gone; its work stands all the same.
        let _ = self.reply.send(result);
    }
}

impl Sqlite {
    pub(crate) fn open(path: &Path, migrations: &[Migration]) -> Result<Self, OpenError> {
        let mut connection = connect(path)?;
        migrate_all(&mut connection, migrations)?;
        let (writer, jobs) = channel();
        spawn("store-writer", move || write_loop(&mut connection, &jobs))?;
        let (readers, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for index in 0..READERS {
            let mut connection = connect(path)?;
            connection.execute_batch("PRAGMA query_only = ON").map_err(|error| map_error(error, "PRAGMA"))?;
            let jobs = Arc::clone(&jobs);
            spawn(&format!("store-reader-{index}"), move || read_loop(&mut connection, &jobs))?;
        }
        Ok(Self { writer, readers })
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        submit(&self.readers, work).await
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        submit(&self.writer, work).await
    }
}

async fn submit<T, E, F>(queue: &Sender<Box<dyn Job>>, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    queue.send(Box::new(Unit { work, result: None, reply })).map_err(|_| StoreError::Closed)?;
    answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map(|_| ())
        .map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

fn connect(path: &Path) -> Result<rusqlite::Connection, StoreError> {
    let connection = rusqlite::Connection::open(path).map_err(|error| map_error(error, &path.display().to_string()))?;
    connection.set_prepared_statement_cache_capacity(256);
    connection
        .execute_batch(
            "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        )
        .map_err(|error| map_error(error, "PRAGMA"))?;
    Ok(connection)
}

fn migrate_all(connection: &mut rusqlite::Connection, known: &[Migration]) -> Result<(), OpenError> {
    let tables: Vec<String> = {
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .map_err(|error| map_error(error, "sqlite_master"))?;
        let names = statement.query_map([], |row| row.get(0)).map_err(|error| map_error(error, "sqlite_master"))?;
        names.collect::<Result<_, _>>().map_err(|error| map_error(error, "sqlite_master"))?
    };
    let ours = tables.iter().any(|table| table == "pitlane_migration");
    let applied = if ours { unit(connection, migrate::applied)? } else { Vec::new() };
    let missing = migrate::check(&tables, &applied, known)?;
    if !ours {
        unit(connection, migrate::prepare)?;
    }
    for migration in &missing {
        unit(connection, |tx| migrate::apply(tx, migration))
            .map_err(|source| OpenError::Migration { migration: migration.name.into(), source })?;
    }
    Ok(())
}

/// One transaction on this thread; for opening only.
fn unit<T>(
    connection: &mut rusqlite::Connection,
    work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    batch(connection, "BEGIN IMMEDIATE")?;
    let mut tx = Tx { connection, kind: DbKind::Sqlite, after_commit: Vec::new(), conflict: false };
    match work(&mut tx) {
        Ok(value) => batch(connection, "COMMIT").map(|()| value),
        Err(error) => {
            let _ = batch(connection, "ROLLBACK");
            Err(error)
        }
    }
}

fn write_loop(connection: &mut rusqlite::Connection, jobs: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut done: Vec<Box<dyn Job>> = Vec::new();
        let mut effects: Vec<AfterCommit> = Vec::new();
        let mut failure = batch(connection, "BEGIN IMMEDIATE").err();
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
            for effect in effects {
                effect();
            }
        }
        for job in done {
            job.finish(commit.clone());
        }
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
    if keep {
        effects.extend(after);
        batch(connection, "RELEASE unit")
    } else {
        // A full disk may have rolled the whole transaction back already; then this fails and so does the group.
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
        statement.execute([]).map_err(|error| map_error(error, part))?;
    }
    Ok(())
}

impl Connection for rusqlite::Connection {
    fn execute(&mut self, sql: &str, values: &Values) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(|error| map_error(error, sql))?;
        let count = statement.execute(rusqlite::params_from_iter(values.0.iter().map(Bound)));
        count.map(|count| count as u64).map_err(|error| map_error(error, sql))
    }

    fn query(&mut self, sql: &str, values: &Values) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare_cached(sql).map_err(|error| map_error(error, sql))?;
        let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement
            .query(rusqlite::params_from_iter(values.0.iter().map(Bound)))
            .map_err(|error| map_error(error, sql))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|error| map_error(error, sql))? {
            let cells = (0..columns.len())
                .map(|index| row.get_ref(index).map(cell))
                .collect::<Result<_, _>>()
                .map_err(|error| map_error(error, sql))?;
            out.push(Row { columns: Arc::clone(&columns), cells });
        }
        Ok(out)
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Real(value),
        ValueRef::Text(bytes) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
    }
}

struct Bound<'v>(&'v Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let int = |value: Option<i64>| value.map_or(SqlValue::Null, SqlValue::Integer);
        let owned = match self.0 {
            Value::Bool(value) => int(value.map(i64::from)),
            Value::TinyInt(value) => int(value.map(i64::from)),
            Value::SmallInt(value) => int(value.map(i64::from)),
            Value::Int(value) => int(value.map(i64::from)),
            Value::BigInt(value) => int(*value),
            Value::TinyUnsigned(value) => int(value.map(i64::from)),
            Value::SmallUnsigned(value) => int(value.map(i64::from)),
            Value::Unsigned(value) => int(value.map(i64::from)),
            Value::BigUnsigned(value) => int(value.map(|value| value as i64)),
            Value::Float(value) => value.map_or(SqlValue::Null, |value| SqlValue::Real(value.into())),
            Value::Double(value) => value.map_or(SqlValue::Null, SqlValue::Real),
            Value::String(Some(text)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Bytes(Some(bytes)) => return Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            Value::Char(Some(char)) => SqlValue::Text(char.to_string()),
            _ => SqlValue::Null,
        };
        Ok(ToSqlOutput::Owned(owned))
    }
}

fn map_error(error: rusqlite::Error, context: &str) -> StoreError {
    use rusqlite::ErrorCode;
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return StoreError::Other { message: format!("{error} (in {context})"), source: Some(Arc::new(error)) };
    };
    let text = message.clone().unwrap_or_else(|| failure.to_string());
    match failure.code {
        ErrorCode::ConstraintViolation if matches!(failure.extended_code, 2067 | 1555 | 2579) => {
            StoreError::Duplicate { constraint: text }
        }
        ErrorCode::ConstraintViolation => StoreError::Reference(text),
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Conflict(text),
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied | ErrorCode::ReadOnly => {
            StoreError::Unavailable(format!("{text} ({context})"))
        }
        _ => StoreError::Other { message: format!("{text} (in {context})"), source: Some(Arc::new(error)) },
    }
}
