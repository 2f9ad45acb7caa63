//! Appending.
//!
//! On SQLite, whose writer is alone, an entry is sealed (given its position and hash) at once. On PostgreSQL and MySQL
//! transactions commit side by side, so position and hash are the sealer's to give, after the commit.

use crate::entry::{Entry, Record};
use crate::row::{Head, Stored};
use crate::wake;
use store::{DbKind, StoreError, Tx};

/// Appends `entry` in the transaction of the change it tells of, and wakes followers when that is committed.
///
/// The answer has its position and hash on SQLite; elsewhere they are 0 and empty until it is sealed, moments after the commit.
pub fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<Record, StoreError> {
    let mut stored = Stored::new(entry)?;
    if tx.kind() == DbKind::Sqlite {
        let head = Head::read(tx)?;
        stored.position = head.position + 1;
        stored.hash = stored.link(&head.hash, stored.position);
        tx.exec(&Head { position: stored.position, hash: stored.hash.clone() }.moved(head.position))?;
    }
    stored.insert(tx)?;
    tx.after_commit(wake::committed);
    Ok(stored.record())
}
