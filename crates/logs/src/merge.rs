//! Several files as one sequence, by time.

use crate::Line;
use crate::blocks::Blocks;
use std::io::Result;

/// The lines of several files, ascending or descending in time; of one file and one nanosecond in the file's order.
pub(crate) struct Merge {
    heads: Vec<(Line, Blocks)>,
    descending: bool,
}

impl Merge {
    /// Of these cursors, all of which go the way `descending` says.
    pub(crate) fn new(cursors: Vec<Blocks>, descending: bool) -> Result<Self> {
        let mut heads = Vec::new();
        for mut cursor in cursors {
            if let Some(line) = cursor.next()? {
                heads.push((line, cursor));
            }
        }
        Ok(Self { heads, descending })
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> Result<Option<Line>> {
        // Sources have few files: looking at each head is quicker than a heap's bookkeeping.
        let times = self.heads.iter().enumerate().map(|(place, (line, _))| (line.at, place));
        let Some((_, place)) = (if self.descending { times.max() } else { times.min() }) else { return Ok(None) };
        let (line, cursor) = &mut self.heads[place];
        match cursor.next()? {
            Some(next) => Ok(Some(std::mem::replace(line, next))),
            // `remove` keeps the order of the others, which decides among equal times.
            None => Ok(Some(self.heads.remove(place).0)),
        }
    }
}
