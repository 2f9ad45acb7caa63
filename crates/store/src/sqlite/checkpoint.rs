//! Moving the write-ahead log into the database file, away from the writer.

use super::batch;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Commits of this time share one checkpoint.
const GATHER: Duration = Duration::from_millis(250);
/// A passive checkpoint never stops the writer, so under unbroken load the log would grow for ever. Above this size the
/// writer waits for once.
const LARGE: u64 = 64 * 1024 * 1024;

/// Until the writer is gone. Sleeps while nothing is written.
pub(super) fn run(connection: &rusqlite::Connection, wal: &Path, due: &Receiver<()>) {
    while due.recv().is_ok() {
        let until = Instant::now() + GATHER;
        loop {
            match due.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                // The last connection that closes does it.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let large = std::fs::metadata(wal).is_ok_and(|wal| wal.len() > LARGE);
        let sql = if large { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "PRAGMA wal_checkpoint(PASSIVE)" };
        if let Err(error) = batch(connection, sql) {
            // Nothing is lost: the log stays, and the next commit tries again.
            tracing::warn!(%error, "moving SQLite's log into the database failed");
        }
    }
}
