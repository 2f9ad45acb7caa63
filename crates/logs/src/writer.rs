//! Writing: one writer a file, two files at most.

use crate::Line;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Appends lines; when the file has grown to `limit` bytes it becomes `.log.1` and a new one begins.
pub struct Writer {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    buffer: Vec<u8>,
}

impl Writer {
    /// Opens `<root>/<source>/<name>.log`.
    pub fn open(root: &Path, source: &str, name: &str, limit: u64) -> std::io::Result<Self> {
        let folder = root.join(source);
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, limit, buffer: Vec::new() })
    }

    /// Appends one line with one write.
    pub fn write(&mut self, line: &Line) -> std::io::Result<()> {
        self.write_all(std::slice::from_ref(line))
    }

    /// Appends several lines with one write.
    pub fn write_all(&mut self, lines: &[Line]) -> std::io::Result<()> {
        self.buffer.clear();
        lines.iter().for_each(|line| line.encode(&mut self.buffer));
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
