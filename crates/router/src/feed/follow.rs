//! Follows control: connects, applies what comes, publishes the new index, has the table kept; for ever.
//!
//! A lost or silent stream is opened again after a short back-off; the last table stays in force meanwhile. Lines that are
//! there together are applied together, so that a burst of changes costs one swap.

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
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// A line longer than this is no table of ours: 256 MiB is half a million routes.
const LONGEST_LINE: usize = 256 << 20;

/// After a change the table is kept at most this much later; changes in between are kept with it.
const KEEP_AFTER: Duration = Duration::from_millis(200);

/// The following side, with all it needs.
pub(crate) struct Follower {
    pub(crate) socket: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) index: Arc<ArcSwap<Index>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) applied: Applied,
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

    /// Runs until dropped.
    pub(crate) async fn run(mut self) {
        let (to_keep, kept) = watch::channel(self.index.load_full());
        let keeper = tokio::spawn(keep_changes(kept, self.file.clone()));
        let mut pause = Duration::from_millis(20);
        loop {
            match self.follow(&to_keep, &mut pause).await {
                Ok(()) => tracing::info!("control ended the table's stream; going on with the last table"),
                // Once, not at every attempt: control may be away for hours.
                Err(error) if self.stats.table_connected.load(Relaxed) || pause == Duration::from_millis(20) => {
                    tracing::warn!(socket = %self.socket.display(), %error, "no table from control; going on with the last one");
                }
                Err(_) => {}
            }
            self.stats.table_connected.store(false, Relaxed);
            if keeper.is_finished() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
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
                *pause = Duration::from_millis(20);
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
        result
    }
}

/// Writes the newest table, a moment after it changed and on a thread where a slow disk disturbs nobody.
async fn keep_changes(mut tables: watch::Receiver<Arc<Index>>, file: PathBuf) {
    while tables.changed().await.is_ok() {
        tokio::time::sleep(KEEP_AFTER).await;
        let index = Arc::clone(&tables.borrow_and_update());
        let path = file.clone();
        let saved = tokio::task::spawn_blocking(move || keep::save(&path, &index.table(), index.calls.table().as_ref())).await;
        if let Ok(Err(error)) = saved {
            warn_once_a_change(&file, &error);
            // The disk may be full; the next change, or this one a little later, tries again.
            tokio::time::sleep(Duration::from_secs(5)).await;
            tables.mark_changed();
        }
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
