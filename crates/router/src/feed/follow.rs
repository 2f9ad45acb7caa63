//! Follows control: connects, applies what comes, publishes the new index, has the table kept; for ever.
//!
//! A lost or silent stream is opened again after a short back-off; the last table stays in force meanwhile. Lines that are
//! there together are applied together, so that a burst of changes costs one swap. What is kept on disk is never older than
//! [`KEEP_EVERY`], and the very last table once this router has stopped, so that the next one begins where this one was.

use super::{keep, wire::Change};
use crate::gateway::CallChange;
use crate::index::{Applied, Index, Origin};
use crate::publisher::HEART_BEAT;
use crate::stats::Stats;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// A line longer than this is no table of ours: 256 MiB is half a million routes.
const LONGEST_LINE: usize = 256 << 20;

/// A change is kept at once, unless the one before was so short a time ago; changes in between are kept together.
const KEEP_EVERY: Duration = Duration::from_millis(200);

/// Between two attempts to reach control, the shortest and the longest. A control process that has just started is waited for.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// The following side, with all it needs.
pub(crate) struct Follower {
    pub(crate) socket: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) index: Arc<ArcSwap<Index>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) applied: Applied,
    /// Dropped as soon as it is known whether control has a table, and if so, the table is in force.
    pub(crate) first: Option<mpsc::Sender<()>>,
    /// Who this is, to control.
    pub(crate) follower: String,
    /// The revision in force, for the report.
    pub(crate) revision: watch::Sender<u64>,
}

impl Follower {
    /// Takes the kept table, if there is one. Called before the first request is served.
    pub(crate) fn start_from_file(&mut self) {
        if let Some((table, calls)) = keep::load(&self.file) {
            self.applied.replace(table, Origin::File);
            calls.into_iter().for_each(|calls| self.applied.calls(CallChange::Whole(calls)));
            self.index.store(self.applied.index(0));
        }
    }

    /// Runs until `stop` says so, and keeps the last table before it returns.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (to_keep, kept) = watch::channel(self.index.load_full());
        let keeper = tokio::spawn(keep_changes(kept, self.file.clone(), stop.clone()));
        tokio::select! {
            () = self.follow_for_ever(&to_keep) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        drop(to_keep);
        if keeper.await.is_err() {
            tracing::error!("keeping the routing table broke off");
        }
    }

    async fn follow_for_ever(&mut self, to_keep: &watch::Sender<Arc<Index>>) {
        let mut pause = PAUSES.0;
        loop {
            match self.follow(to_keep, &mut pause).await {
                Ok(()) => tracing::info!("control ended the table's stream; going on with the last table"),
                // Once, not at every attempt: control may be away for hours.
                Err(error) if self.stats.table_connected.load(Relaxed) || pause == PAUSES.0 => {
                    tracing::warn!(socket = %self.socket.display(), %error, "no table from control; going on with the last one");
                }
                Err(_) => {}
            }
            self.first = None;
            self.stats.table_connected.store(false, Relaxed);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// One connection's life.
    async fn follow(&mut self, to_keep: &watch::Sender<Arc<Index>>, pause: &mut Duration) -> io::Result<()> {
        let stream = timeout(Duration::from_secs(2), UnixStream::connect(&self.socket)).await??;
        let handshake = hyper::client::conn::http1::Builder::new().handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(io::Error::other)?;
        let connection = AbortOnDrop(tokio::spawn(connection));
        let request = http::Request::get(format!("/table?follower={}", self.follower));
        let request = request.header("host", "router").body(Empty::<Bytes>::new());
        let request = request.expect("the request's parts are constant");
        let response =
            timeout(Duration::from_secs(10), sender.send_request(request)).await?.map_err(io::Error::other)?;
        if !response.status().is_success() {
            return Err(io::Error::other(format!("control answers {} to GET /table", response.status())));
        }
        let mut body = response.into_body();
        let mut waiting = Vec::new();
        while let Some(frame) = timeout(HEART_BEAT * 3, body.frame()).await? {
            let frame = frame.map_err(io::Error::other)?;
            let Ok(data) = frame.into_data() else { continue };
            // Only the new bytes are searched: a table arrives in many pieces.
            let end = data.iter().rposition(|byte| *byte == b'\n');
            let searched = waiting.len();
            waiting.extend_from_slice(&data);
            if let Some(end) = end {
                let rest = waiting.split_off(searched + end + 1);
                self.apply(&waiting, to_keep)?;
                waiting = rest;
                *pause = PAUSES.0;
                self.stats.table_connected.store(true, Relaxed);
            } else if waiting.len() > LONGEST_LINE {
                return Err(io::Error::other("control sends a line of more than 256 MiB"));
            }
        }
        drop(connection);
        Ok(())
    }

    /// Applies whole lines; all or, if one of them cannot be read, those before it.
    fn apply(&mut self, lines: &[u8], to_keep: &watch::Sender<Arc<Index>>) -> io::Result<()> {
        let mut newest = None;
        let mut result = Ok(());
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let change: Change = match serde_json::from_slice(line) {
                Ok(change) => change,
                Err(error) => {
                    result = Err(io::Error::other(format!("control sends a line that is no change: {error}")));
                    break;
                }
            };
            let changes = change.table.is_some() || change.upsert.is_some() || change.remove.is_some();
            let changes = changes || change.calls.is_some();
            change.table.into_iter().for_each(|table| self.applied.replace(table, Origin::Control));
            change.upsert.into_iter().for_each(|route| self.applied.upsert(route));
            change.remove.into_iter().for_each(|guid| self.applied.remove(&guid));
            change.calls.into_iter().for_each(|change| self.applied.calls(change));
            newest = changes.then_some(change.revision).or(newest);
        }
        if let Some(revision) = newest {
            let index = self.applied.index(revision);
            self.index.store(Arc::clone(&index));
            to_keep.send_replace(index);
            self.revision.send_replace(revision);
        }
        self.first = None;
        result
    }
}

/// Writes the newest table, on a thread where a slow disk disturbs nobody. Ends with the sender, after the last table.
async fn keep_changes(mut tables: watch::Receiver<Arc<Index>>, file: PathBuf, mut stop: watch::Receiver<bool>) {
    while tables.changed().await.is_ok() {
        let index = Arc::clone(&tables.borrow_and_update());
        let path = file.clone();
        let saved =
            tokio::task::spawn_blocking(move || keep::save(&path, &index.table(), index.calls.table().as_ref())).await;
        let mut pause = KEEP_EVERY;
        if let Ok(Err(error)) = saved {
            warn_once_a_change(&file, &error);
            if *stop.borrow() {
                return;
            }
            // The disk may be full; the next change, or this one a little later, tries again.
            pause = Duration::from_secs(5);
            tables.mark_changed();
        }
        let _ = timeout(pause, stop.wait_for(|stop| *stop)).await;
    }
}

fn warn_once_a_change(file: &Path, error: &io::Error) {
    tracing::warn!(path = %file.display(), %error, "the routing table cannot be kept on disk; a router that starts while control is away would not know it");
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
