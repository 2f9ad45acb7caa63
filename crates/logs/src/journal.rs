//! One process's own lines in many sources, such as control's: `API`, `STG`, `CELL`.

use crate::{Line, Stream, Writer};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of one file of control's lines of one app.
const LIMIT: u64 = 1 << 20;
/// Files kept open; beyond it all are closed once.
const OPEN: usize = 64;

/// Writes lines. Cheap to clone; there is one a process, because a log file has one writer.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    writers: Mutex<HashMap<String, Writer>>,
}

impl Journal {
    /// Below `root`, as all of this crate.
    pub fn new(root: PathBuf) -> Self {
        Self { inner: Arc::new(Inner { root, writers: Mutex::default() }) }
    }

    /// Appends one line. A log that cannot be written is no reason to fail what it tells of: said in the platform's log.
    pub fn say(&self, source: &str, source_type: &str, instance: &str, payload: &str) {
        let line = Line {
            at: i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX),
            stream: Stream::Out,
            source_type: source_type.into(),
            instance: instance.into(),
            payload: payload.into(),
        };
        let mut writers = self.writers();
        if !writers.contains_key(source) {
            if writers.len() >= OPEN {
                writers.clear();
            }
            match Writer::open(&self.inner.root, source, "control", LIMIT) {
                Ok(writer) => drop(writers.insert(source.into(), writer)),
                Err(error) => return tracing::warn!(source, %error, "an application log cannot be opened"),
            }
        }
        if let Some(Err(error)) = writers.get_mut(source).map(|writer| writer.write(&line)) {
            writers.remove(source);
            tracing::warn!(source, %error, "a line could not be written to an application log");
        }
    }

    /// All sources that have lines.
    pub fn sources(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.inner.root).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Closes and removes all of a source's lines.
    pub fn remove(&self, source: &str) {
        self.writers().remove(source);
        if let Err(error) = crate::remove(&self.inner.root, source) {
            tracing::warn!(source, %error, "the log of what is gone is left behind");
        }
    }

    fn writers(&self) -> MutexGuard<'_, HashMap<String, Writer>> {
        // Nothing in these critical sections panics half-way.
        self.inner.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
