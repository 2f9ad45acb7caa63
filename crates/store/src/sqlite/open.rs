//! Opening: refusing what is not ours before anything is written, migrations, and copies.

use super::batch;
use super::driver::map_error;
use crate::tx::Tx;
use crate::{DbKind, Migration, OpenError, StoreError, migrate};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long another process may keep a database locked.
const BUSY: Duration = Duration::from_secs(10);

pub(super) fn open(path: &Path, known: &[Migration]) -> Result<Connection, OpenError> {
    if path.exists() {
        // Read only: even switching on the write-ahead log would change a database that is not ours.
        let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| map_error(error, &path.display().to_string()))?;
        connection.busy_timeout(BUSY).map_err(|error| map_error(error, "busy_timeout"))?;
        missing(&mut connection, known)?;
    }
    let mut connection = connect(path)?;
    batch(&connection, "BEGIN IMMEDIATE")?;
    // All in one transaction: another process that starts now waits, and then finds it done.
    match migrate_all(&mut connection, known) {
        Ok(()) => batch(&connection, "COMMIT")?,
        Err(error) => {
            let _ = batch(&connection, "ROLLBACK");
            return Err(error);
        }
    }
    Ok(connection)
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|error| map_error(error, &path.display().to_string()))?;
    connection.set_prepared_statement_cache_capacity(256);
    connection.busy_timeout(BUSY).map_err(|error| map_error(error, "busy_timeout"))?;
    // Two processes that open a new database at once both want to change its mode, and SQLite lets neither wait for the
    // other then: whoever comes second is told so at once, and by the next look finds it changed.
    let until = Instant::now() + BUSY;
    while let Err(error) = batch(&connection, "PRAGMA journal_mode = WAL") {
        if !matches!(error, StoreError::Conflict(_)) || Instant::now() >= until {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    batch(&connection, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    Ok(connection)
}

fn migrate_all(connection: &mut Connection, known: &[Migration]) -> Result<(), OpenError> {
    let (ours, missing) = missing(connection, known)?;
    if !ours {
        migrate::prepare(&mut tx(connection))?;
    }
    for migration in &missing {
        migrate::apply(&mut tx(connection), migration)
            .map_err(|source| OpenError::Migration { migration: migration.name.into(), source })?;
    }
    Ok(())
}

/// Whether the database has been ours before, and what is still to be applied.
fn missing(connection: &mut Connection, known: &[Migration]) -> Result<(bool, Vec<Migration>), OpenError> {
    let tables: Vec<String> = {
        let failed = |error| map_error(error, "reading the list of tables");
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .map_err(failed)?;
        let names = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        names.collect::<Result<_, _>>().map_err(failed)?
    };
    let ours = tables.iter().any(|table| table == "pitlane_migration");
    let applied = if ours { migrate::applied(&mut tx(connection))? } else { Vec::new() };
    Ok((ours, migrate::check(&tables, &applied, known)?))
}

fn tx(connection: &mut Connection) -> Tx<'_> {
    Tx { connection, kind: DbKind::Sqlite, after_commit: Vec::new(), conflict: false }
}

/// A consistent copy by the online backup API, which appears under its name when it is complete and durable.
pub(super) fn snapshot(from: &Path, to: &Path) -> Result<(), StoreError> {
    let io = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Unavailable(format!("{}: {error}", to.display())),
    };
    if to.exists() {
        return Err(StoreError::Unavailable(format!("{} exists already: name a new file", to.display())));
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copy = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    {
        let failed = |error| map_error(error, "copying the database");
        let source = connect(from)?;
        let mut target = Connection::open(copy.path()).map_err(failed)?;
        let backup = Backup::new(&source, &mut target).map_err(failed)?;
        // All pages in one step: one read transaction, so that writers cannot make it start anew.
        while backup.step(-1).map_err(failed)? != StepResult::Done {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    copy.as_file().sync_all().map_err(io)?;
    copy.persist_noclobber(to).map_err(|error| io(error.error))?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}
