//! The last table on disk, so that a router that starts while control is away knows the applications.
//!
//! Written whole to a temporary file, synced, renamed: after a crash there is the old one or the new one.

use crate::Table;
use crate::gateway::CallTable;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

#[derive(Serialize, Deserialize)]
struct Kept<T, C> {
    /// Of this file's form.
    version: u32,
    table: T,
    calls: Option<C>,
}

const VERSION: u32 = 1;

/// The table kept at `path`; `None` if there is none or it cannot be used, which is logged.
pub(crate) fn load(path: &Path) -> Option<(Table, Option<CallTable>)> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the last routing table cannot be read; waiting for control's");
            return None;
        }
    };
    match serde_json::from_reader::<_, Kept<Table, CallTable>>(BufReader::new(file)) {
        Ok(kept) if kept.version == VERSION => Some((kept.table, kept.calls)),
        Ok(kept) => {
            tracing::warn!(path = %path.display(), version = kept.version, "the last routing table is of another version; waiting for control's");
            None
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the last routing table is damaged; waiting for control's");
            None
        }
    }
}

/// Replaces the table at `path`, durably.
pub(crate) fn save(path: &Path, table: &Table, calls: Option<&CallTable>) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Of this process: while one router replaces another, both keep what they have.
    let fresh = path.with_extension(format!("json.new-{}", std::process::id()));
    let mut out = BufWriter::new(File::create(&fresh)?);
    serde_json::to_writer(&mut out, &Kept { version: VERSION, table, calls })?;
    out.flush()?;
    out.get_ref().sync_all()?;
    std::fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}
