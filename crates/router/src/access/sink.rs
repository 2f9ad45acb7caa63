//! The queue to the writing thread, and that thread.

use super::Outcome;
use crate::stats::Stats;
use crate::traffic::Counted;
use logs::{Line, Stream, Writer};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Batches that may wait: of [`FULL`] bytes each, 8 MiB.
const QUEUE: usize = 128;

/// A batch of so many bytes is handed over at once. One allocation of this size serves a hundred requests and more.
const FULL: usize = 64 * 1024;

/// Files open at a time, and how long an unused one stays open.
const OPEN_FILES: usize = 256;
const UNUSED: Duration = Duration::from_secs(30);

/// Lines on their way: their text in one piece, and where in it each one ends.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    app: Arc<str>,
    index: u32,
    at: i64,
    status: u16,
    took: Duration,
    end: usize,
}

/// Lines of one thread, being gathered.
pub(crate) struct Batch {
    lines: Lines,
    sink: SyncSender<Lines>,
    stats: Arc<Stats>,
}

impl Batch {
    /// Adds a line; hands over when full.
    pub(crate) fn push(&mut self, outcome: &Outcome<'_>) {
        let lines = &mut self.lines;
        if lines.text.capacity() == 0 {
            // Some room for the line that overruns; longer ones make their own.
            lines.text.reserve(FULL + 2048);
        }
        outcome.write(&mut lines.text);
        lines.entries.push(Entry {
            app: Arc::clone(&outcome.instance.source),
            index: outcome.instance.backend.index,
            at: outcome.at,
            status: outcome.status,
            took: outcome.whole,
            end: lines.text.len(),
        });
        if lines.text.len() >= FULL {
            self.hand_over();
        }
    }

    /// Hands over what is there. Never waits.
    pub(crate) fn hand_over(&mut self) {
        if self.lines.entries.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let count = lines.entries.len() as u64;
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
    queue: Receiver<Lines>,
    stats: Arc<Stats>,
    counted: Counted,
    writers: HashMap<Arc<str>, (Writer, Instant)>,
    /// Used again and again.
    lines: Vec<Line>,
}

impl Sink {
    /// The thread's body and, for each serving thread, a [`Batch`].
    pub(crate) fn new(
        root: PathBuf,
        limit: u64,
        stats: Arc<Stats>,
        counted: Counted,
        batches: usize,
    ) -> (Self, Vec<Batch>) {
        let (sender, queue) = sync_channel(QUEUE);
        let batch = |_| Batch { lines: Lines::default(), sink: sender.clone(), stats: Arc::clone(&stats) };
        let batches = (0..batches).map(batch).collect();
        (Self { root, limit, queue, stats, counted, writers: HashMap::new(), lines: Vec::new() }, batches)
    }

    /// Writes until every batch is gone.
    pub(crate) fn run(mut self) {
        loop {
            match self.queue.recv_timeout(UNUSED) {
                Ok(lines) => self.write(&lines),
                Err(RecvTimeoutError::Timeout) => self.lines = Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.writers.retain(|_, (_, used)| used.elapsed() < UNUSED);
        }
    }

    fn write(&mut self, lines: &Lines) {
        let starts = std::iter::once(0).chain(lines.entries.iter().map(|entry| entry.end));
        let mut entries: Vec<(&Entry, &[u8])> =
            lines.entries.iter().zip(starts).map(|(entry, start)| (entry, &lines.text[start..entry.end])).collect();
        // Stable: an application's lines keep their order.
        entries.sort_by(|(a, _), (b, _)| a.app.cmp(&b.app));
        for of_one in entries.chunk_by(|(a, _), (b, _)| a.app == b.app) {
            let app = &of_one[0].0.app;
            self.counted.count(app, of_one.iter().map(|(entry, _)| (entry.status, entry.took)));
            if let Err(error) = self.append(app, of_one) {
                tracing::warn!(app = %app, %error, "access log lines cannot be written");
                self.writers.remove(app);
                self.stats.dropped_lines.fetch_add(of_one.len() as u64, Relaxed);
            }
        }
    }

    fn append(&mut self, app: &Arc<str>, entries: &[(&Entry, &[u8])]) -> std::io::Result<()> {
        self.lines.resize_with(self.lines.len().max(entries.len()), empty);
        for (line, (entry, text)) in self.lines.iter_mut().zip(entries) {
            line.at = entry.at;
            line.payload.clear();
            // Nearly always, and much quicker to find out than to look for what is none.
            match std::str::from_utf8(text) {
                Ok(text) => line.payload.push_str(text),
                Err(_) => line.payload.push_str(&String::from_utf8_lossy(text)),
            }
            line.instance.clear();
            // Writing to a String cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut line.instance, format_args!("{}", entry.index));
        }
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
        writer.write_all(&self.lines[..entries.len()])
    }
}

fn empty() -> Line {
    let (source_type, instance, payload) = ("RTR".to_owned(), String::new(), String::new());
    Line { at: 0, stream: Stream::Out, source_type, instance, payload }
}
