//! The queue to the writing thread, and that thread.

use crate::stats::Stats;
use logs::{Line, Stream, Writer};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Batches that may wait. One holds at most [`Batch::FULL`] lines, so about 64 × 512 lines of 500 bytes: 16 MiB at worst.
const QUEUE: usize = 64;

/// Files open at a time, and how long an unused one stays open.
const OPEN_FILES: usize = 256;
const UNUSED: Duration = Duration::from_secs(30);

/// A line and whose it is.
pub(crate) struct Entry {
    pub(crate) app: Arc<str>,
    pub(crate) line: Line,
}

/// Lines of one thread, on their way.
pub(crate) struct Batch {
    lines: Vec<Entry>,
    sink: SyncSender<Vec<Entry>>,
    stats: Arc<Stats>,
}

impl Batch {
    /// Lines that are handed over at once.
    const FULL: usize = 512;

    /// Adds a line; hands over when full.
    pub(crate) fn push(&mut self, app: Arc<str>, line: Line) {
        self.lines.push(Entry { app, line });
        if self.lines.len() >= Self::FULL {
            self.hand_over();
        }
    }

    /// Hands over what is there. Never waits.
    pub(crate) fn hand_over(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let count = lines.len() as u64;
        if self.sink.try_send(lines).is_err() {
            self.stats.dropped_lines.fetch_add(count, Relaxed);
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// The writing thread.
pub(crate) struct Sink {
    root: PathBuf,
    limit: u64,
    queue: Receiver<Vec<Entry>>,
    stats: Arc<Stats>,
    writers: HashMap<Arc<str>, (Writer, Instant)>,
}

impl Sink {
    /// The thread's body and, for each serving thread, a [`Batch`].
    pub(crate) fn new(root: PathBuf, limit: u64, stats: Arc<Stats>, batches: usize) -> (Self, Vec<Batch>) {
        let (sender, queue) = sync_channel(QUEUE);
        let batch = |_| Batch { lines: Vec::new(), sink: sender.clone(), stats: Arc::clone(&stats) };
        let batches = (0..batches).map(batch).collect();
        (Self { root, limit, queue, stats, writers: HashMap::new() }, batches)
    }

    /// Writes until every batch is gone.
    pub(crate) fn run(mut self) {
        loop {
            match self.queue.recv_timeout(UNUSED) {
                Ok(entries) => self.write(entries),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.writers.retain(|_, (_, used)| used.elapsed() < UNUSED);
        }
    }

    fn write(&mut self, entries: Vec<Entry>) {
        let mut by_app: HashMap<Arc<str>, Vec<Line>> = HashMap::new();
        entries.into_iter().for_each(|entry| by_app.entry(entry.app).or_default().push(entry.line));
        for (app, lines) in by_app {
            if let Err(error) = self.append(&app, &lines) {
                tracing::warn!(app = %app, %error, "access log lines cannot be written");
                self.writers.remove(&app);
                self.stats.dropped_lines.fetch_add(lines.len() as u64, Relaxed);
            }
        }
    }

    fn append(&mut self, app: &Arc<str>, lines: &[Line]) -> std::io::Result<()> {
        if !self.writers.contains_key(app) {
            if self.writers.len() >= OPEN_FILES {
                let oldest = self.writers.iter().min_by_key(|(_, (_, used))| *used).map(|(app, _)| Arc::clone(app));
                oldest.and_then(|oldest| self.writers.remove(&oldest));
            }
            let writer = Writer::open(&self.root, app, "router", self.limit)?;
            self.writers.insert(Arc::clone(app), (writer, Instant::now()));
        }
        let (writer, used) = self.writers.get_mut(app).expect("opened just above");
        *used = Instant::now();
        writer.write_all(lines)
    }
}

/// A line of the access log.
pub(crate) fn line(at: i64, instance: u32, payload: String) -> Line {
    Line { at, stream: Stream::Out, source_type: "RTR".to_owned(), instance: instance.to_string(), payload }
}
