//! Reading: the files of a source, merged by time.

use crate::Line;
use crate::blocks::Blocks;
use crate::merge::Merge;
use crate::source::{files_of, folder, present};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// How far a file's modification time may lie before its last line's.
const SLACK: Duration = Duration::from_secs(2);

/// Which lines of a source are wanted.
#[derive(Debug, Clone)]
pub struct Query {
    /// From this nanosecond on, inclusive; may be negative.
    pub start: i64,
    /// Up to this nanosecond, exclusive.
    pub end: i64,
    /// At most so many.
    pub limit: usize,
    /// Newest first?
    pub descending: bool,
}

/// The lines of `source` that `query` wants. A missing source has none; torn lines are left out.
pub fn read(root: &Path, source: &str, query: &Query) -> std::io::Result<Vec<Line>> {
    read_where(root, source, query, |_| true)
}

/// As [`read`], of the lines that `keep` likes (a stream, a source type): `limit` counts only those.
pub fn read_where(
    root: &Path,
    source: &str,
    query: &Query,
    keep: impl Fn(&Line) -> bool,
) -> std::io::Result<Vec<Line>> {
    let Ok(folder) = folder(root, source) else { return Ok(Vec::new()) };
    let mut cursors = Vec::new();
    for path in files_of(&folder)? {
        let Some(file) = present(File::open(&path))? else { continue };
        let modified = file.metadata()?.modified()? + SLACK;
        let last = modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
        if last < i128::from(query.start) {
            continue;
        }
        cursors.push(if query.descending { Blocks::backwards(file)? } else { Blocks::forwards(file, query.start)? });
    }
    let mut merge = Merge::new(cursors, query.descending)?;
    let mut lines = Vec::new();
    while lines.len() < query.limit {
        let Some(line) = merge.next()? else { break };
        let beyond = if query.descending { line.at < query.start } else { line.at >= query.end };
        if beyond {
            break;
        }
        if line.at >= query.start && line.at < query.end && keep(&line) {
            lines.push(line);
        }
    }
    Ok(lines)
}
