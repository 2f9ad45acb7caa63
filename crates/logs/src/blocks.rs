//! A file's complete lines, forwards or backwards, a block at a time.

use crate::{Line, MAX_PAYLOAD};
use std::fs::File;
use std::io::Result;
use std::os::unix::fs::FileExt;

const BLOCK: usize = 64 * 1024;
/// What is longer was not written by us.
const LONGEST: usize = MAX_PAYLOAD + 4096;

/// A cursor in one file. `at..end` of the file is still to be read when going forwards, `0..at` when backwards.
pub(crate) struct Blocks {
    file: File,
    backwards: bool,
    /// The next byte (forwards) or the end of what is left (backwards).
    at: u64,
    /// What was complete when it was opened; lines written since are the next reader's.
    end: u64,
    /// Bytes read and not yet given out; whole lines but for the edge that lies towards what is unread.
    buffer: Vec<u8>,
    /// How much of the buffer has been given out, going forwards.
    given: usize,
}

impl Blocks {
    /// Backwards from the file's end.
    pub(crate) fn backwards(file: File) -> Result<Self> {
        let end = file.metadata()?.len();
        let mut blocks = Self { file, backwards: true, at: end, end, buffer: Vec::new(), given: 0 };
        // The torn last line, if any, is being written at this moment.
        blocks.fill()?;
        while !blocks.buffer.contains(&b'\n') && blocks.at > 0 {
            blocks.fill()?;
            if blocks.buffer.len() > LONGEST {
                blocks.buffer.clear();
            }
        }
        let complete = blocks.buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        blocks.buffer.truncate(complete);
        Ok(blocks)
    }

    /// Forwards from the first line whose time is not before `start`, by halving.
    pub(crate) fn forwards(file: File, start: i64) -> Result<Self> {
        let end = file.metadata()?.len();
        let mut blocks = Self { file, backwards: false, at: 0, end, buffer: Vec::new(), given: 0 };
        let (mut low, mut high) = (0, end);
        while high - low > BLOCK as u64 {
            let middle = low + (high - low) / 2;
            match blocks.time_after(middle)? {
                Some(at) if at < start => low = middle,
                _ => high = middle,
            }
        }
        blocks.at = low;
        if low > 0 {
            // `low` lies inside a line that is too early, or at its start: dropping it loses nothing wanted.
            blocks.skip_line()?;
        }
        Ok(blocks)
    }

    /// The next line that can be read; torn and foreign ones are passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Line>> {
        loop {
            let Some(text) = (if self.backwards { self.last_line()? } else { self.first_line()? }) else {
                return Ok(None);
            };
            if let Some(line) = Line::decode(&String::from_utf8_lossy(&text)) {
                return Ok(Some(line));
            }
        }
    }

    fn last_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            // The buffer ends with a line end; the line before it begins after the one before that.
            let body = self.buffer.len().saturating_sub(1);
            match self.buffer[..body].iter().rposition(|byte| *byte == b'\n') {
                Some(before) => {
                    let mut line = self.buffer.split_off(before + 1);
                    line.pop();
                    return Ok(Some(line));
                }
                None if self.at == 0 && self.buffer.is_empty() => return Ok(None),
                None if self.at == 0 => {
                    let mut line = std::mem::take(&mut self.buffer);
                    line.pop();
                    return Ok(Some(line));
                }
                None if self.buffer.len() > LONGEST => {
                    self.buffer.clear();
                    self.buffer.push(b'\n');
                    self.fill()?;
                }
                None => self.fill()?,
            }
        }
    }

    fn first_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let rest = &self.buffer[self.given..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest[..end].to_vec();
                self.given += end + 1;
                return Ok(Some(line));
            }
            if self.at >= self.end {
                return Ok(None);
            }
            let longest = rest.len() > LONGEST;
            self.buffer.drain(..if longest { self.buffer.len() } else { self.given });
            self.given = 0;
            self.fill()?;
        }
    }

    fn skip_line(&mut self) -> Result<()> {
        self.first_line().map(|_| ())
    }

    /// One more block into the buffer, at the side that faces what is unread.
    fn fill(&mut self) -> Result<()> {
        if self.backwards {
            let size = self.at.min(BLOCK as u64);
            self.at -= size;
            let mut block = self.read(self.at, size as usize)?;
            block.append(&mut self.buffer);
            self.buffer = block;
        } else {
            let size = (self.end - self.at).min(BLOCK as u64);
            let block = self.read(self.at, size as usize)?;
            self.at += size;
            self.buffer.extend(block);
        }
        Ok(())
    }

    fn read(&self, at: u64, size: usize) -> Result<Vec<u8>> {
        let mut block = vec![0; size];
        self.file.read_exact_at(&mut block, at)?;
        Ok(block)
    }

    /// The time of the first line that begins after byte `at`; `None` if none does within the longest line's reach.
    fn time_after(&self, at: u64) -> Result<Option<i64>> {
        let block = self.read(at, (self.end - at).min(LONGEST as u64 + 32) as usize)?;
        let lines = block.split(|byte| *byte == b'\n').skip(1);
        Ok(lines
            .filter_map(|line| std::str::from_utf8(line.split(|byte| *byte == b' ').next()?).ok()?.parse().ok())
            .next())
    }
}
