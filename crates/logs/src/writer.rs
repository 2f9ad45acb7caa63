//! Writing: one writer a file, two files at most.

use crate::blocks::Blocks;
use crate::line::encode;
use crate::source::folder;
use crate::{Line, MAX_PAYLOAD};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A clock that went back by no more than this is smoothed over; by more, it was set.
const JITTER: i64 = 1_000_000_000;

/// Appends lines; when the file has grown to `limit` bytes it becomes `.log.1` and a new one begins.
pub struct Writer {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    last: i64,
    buffer: Vec<u8>,
}

impl Writer {
    /// Opens `<root>/<source>/<name>.log`.
    pub fn open(root: &Path, source: &str, name: &str, limit: u64) -> std::io::Result<Self> {
        let folder = folder(root, source)?;
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.log"));
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        let last = Blocks::backwards(File::open(&path)?)?.next()?.map_or(i64::MIN, |line| line.at);
        // Whoever wrote here before was killed in the middle of a line: it must not swallow our first one.
        if size > 0 && !ends_complete(&path, size)? {
            file.write_all(b"\n")?;
        }
        Ok(Self { path, file, size, limit, last, buffer: Vec::new() })
    }

    /// Appends one line with one write.
    pub fn write(&mut self, line: &Line) -> std::io::Result<()> {
        self.write_all(std::slice::from_ref(line))
    }

    /// Appends several lines with one write. A payload longer than [`MAX_PAYLOAD`] becomes several lines.
    pub fn write_all(&mut self, lines: &[Line]) -> std::io::Result<()> {
        self.buffer.clear();
        for line in lines {
            // Two outputs read by turns may come a little out of order; readers search by time.
            let at = if line.at < self.last && self.last - line.at <= JITTER { self.last } else { line.at };
            self.last = at;
            pieces(&line.payload).for_each(|payload| encode(line, at, payload, &mut self.buffer));
        }
        if self.size > 0 && self.size + self.buffer.len() as u64 > self.limit {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            self.size = 0;
        }
        self.file.write_all(&self.buffer)?;
        self.size += self.buffer.len() as u64;
        Ok(())
    }
}

fn pieces(payload: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(payload);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let (piece, more) = text.split_at(text.floor_char_boundary(MAX_PAYLOAD));
        rest = (!more.is_empty()).then_some(more);
        Some(piece)
    })
}

fn ends_complete(path: &Path, size: u64) -> std::io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let mut byte = [0];
    File::open(path)?.read_exact_at(&mut byte, size - 1)?;
    Ok(byte[0] == b'\n')
}
