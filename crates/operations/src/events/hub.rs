//! The one follower, and whoever listens to it.

use super::places::Places;
use super::reader::{Reader, Wanted};
use crate::ApiError;
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use identity::{Caller, Identity, Proof};
use ledger::{Ledger, Record};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use store::StoreError;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Entries that wait for slow listeners; who falls further behind reads by pages.
const WAITING: usize = 512;
/// Entries that are judged together.
const BATCH: usize = 256;
/// How long the follower waits after the database failed it.
const PAUSE: Duration = Duration::from_millis(200);

/// An entry on its way to all listeners.
pub(super) struct Published {
    pub(super) record: Record,
    /// The whole event, serialised once.
    pub(super) event: Bytes,
    /// Grows whenever rights may have changed.
    pub(super) age: u64,
}

/// The live streams of this process. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) identity: Identity,
    ledger: Ledger,
    places: Places,
    sender: broadcast::Sender<Arc<Published>>,
    /// Whether the follower runs. It begins with the first stream.
    follows: Mutex<bool>,
    pub(super) heart_beat: Duration,
    pub(super) stop: CancellationToken,
}

impl Hub {
    pub(crate) fn new(identity: Identity, ledger: Ledger, heart_beat: Duration, stop: CancellationToken) -> Self {
        let (sender, _) = broadcast::channel(WAITING);
        let (places, follows) = (Places::default(), Mutex::new(false));
        Self { inner: Arc::new(Inner { identity, ledger, places, sender, follows, heart_beat, stop }) }
    }

    /// Opens a stream for `caller`, who proved themselves by `proof`.
    ///
    /// # Errors
    /// 429 if they have too many already; 503 while the database is away.
    pub async fn open(&self, caller: &Caller, proof: Proof, wanted: Wanted) -> Result<Reader, ApiError> {
        let place = self.inner.places.take(&caller.subject).ok_or_else(|| {
            let words = format!("You have {} live streams open, as many as one caller may: close some.", super::MOST);
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", words).retry_after(15)
        })?;
        let head = self.inner.ledger.head().await?;
        let mut follows = self.inner.follows.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *follows, true) {
            tokio::spawn(follow(self.inner.ledger.clone(), head, Arc::downgrade(&self.inner), self.inner.stop.clone()));
        }
        drop(follows);
        // Listens before it reads, so that nothing comes between the two.
        let listener = self.inner.sender.subscribe();
        Ok(Reader::new(self.clone(), listener, proof, wanted, head, place))
    }
}

/// Publishes every entry after `head`, until the server stops or nobody holds the hub any more.
async fn follow(ledger: Ledger, head: i64, hub: Weak<Inner>, stop: CancellationToken) {
    let entries = ledger.follow(head).take_until(stop.cancelled_owned());
    let mut batches = Box::pin(entries.ready_chunks(BATCH));
    let (mut mark, mut age) = (None, 0);
    while let Some(batch) = batches.next().await {
        let Some(hub) = hub.upgrade() else { return };
        let Some(now) = hub.mark().await else { return };
        if mark != Some(now) || batch.iter().any(changes_who_is_who) {
            (mark, age) = (Some(now), age + 1);
        }
        for record in batch {
            let event = record.event();
            // Fails only if nobody listens.
            let _ = hub.sender.send(Arc::new(Published { record, event, age }));
        }
    }
}

impl Inner {
    /// The mark of all grants, once the database gives it; none when it is closed.
    async fn mark(&self) -> Option<(i64, Option<i64>)> {
        loop {
            let row = self.identity.db().glance(&identity::grants_mark()).await;
            match row.and_then(|row| row.map(|row| Ok((row.at(0)?, row.at(1)?))).transpose()) {
                Ok(mark) => return Some(mark.unwrap_or_default()),
                Err(StoreError::Closed) => return None,
                Err(error) => {
                    tracing::warn!(%error, "live streams wait for the database");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Identity's own entries after which somebody may be signed in no more, or be somebody else.
fn changes_who_is_who(record: &Record) -> bool {
    matches!(record.object.kind.as_str(), "person" | "session" | "token" | "client")
        && !record.action.ends_with(".create")
}
