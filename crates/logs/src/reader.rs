//! Reading: the files of a source, merged by time.

use crate::Line;
use std::path::Path;

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
    let folder = match std::fs::read_dir(root.join(source)) {
        Ok(folder) => folder,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut lines = Vec::new();
    for entry in folder {
        let text = match std::fs::read(entry?.path()) {
            Ok(text) => text,
            // Rotated or removed between listing and reading.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let wanted = |line: &Line| line.at >= query.start && line.at < query.end;
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        lines.extend(String::from_utf8_lossy(&text[..complete]).lines().filter_map(Line::decode).filter(wanted));
    }
    // Stable: lines of one nanosecond keep their file's order.
    lines.sort_by_key(|line| line.at);
    if query.descending {
        lines.reverse();
    }
    lines.truncate(query.limit);
    Ok(lines)
}
