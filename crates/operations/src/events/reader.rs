//! One open stream.

use super::hub::{Hub, Published};
use super::places::Place;
use crate::repo::sight::sight;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use identity::{Authentication, Caller, Proof};
use ledger::{Filter, Record, Sight};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use store::{StoreError, Tx};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, timeout_at};

/// What a browser waits before it connects again.
const RETRY: &str = "retry: 2000\n";
const PAGE: u64 = 256;
/// How long a stream waits after the database failed it.
const PAUSE: Duration = Duration::from_millis(200);

/// Which entries a stream is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those after this position; none: from now on.
    pub after: Option<i64>,
    /// Those in one of these scopes; empty: in any.
    pub scopes: Vec<String>,
}

/// A stream's state.
pub struct Reader {
    hub: Hub,
    listener: broadcast::Receiver<Arc<Published>>,
    proof: Proof,
    wanted: Wanted,
    /// Everything up to here was sent, or is not for these eyes.
    position: i64,
    /// Something up to the head may be unread.
    behind: bool,
    /// What may be seen; none: everything.
    sight: Option<Sight>,
    /// The age of entries that these rights were judged for.
    age: u64,
    waiting: VecDeque<Bytes>,
    beat: Instant,
    over: bool,
    _place: Place,
}

/// Rights and entries of one moment.
struct Seen {
    sight: Option<Sight>,
    head: i64,
    page: Vec<Record>,
}

impl Reader {
    pub(super) fn new(
        hub: Hub,
        listener: broadcast::Receiver<Arc<Published>>,
        proof: Proof,
        wanted: Wanted,
        head: i64,
        place: Place,
    ) -> Self {
        let position = wanted.after.unwrap_or(head).min(head);
        let mut first = format!("{RETRY}id: {position}\n");
        if wanted.after.is_some_and(|after| after > head) {
            // The ledger is shorter than the reader knew it: another database, or one restored from a backup.
            first.push_str(&format!("event: reset\ndata: {}\n", json!({ "position": head })));
        }
        let beat = Instant::now() + hub.inner.heart_beat;
        Self {
            hub,
            listener,
            proof,
            wanted,
            position,
            behind: true,
            // Rights are judged with the first page; nothing is seen before.
            sight: Some(Sight::default()),
            age: 0,
            waiting: VecDeque::from([Bytes::from(first + "\n")]),
            beat,
            over: false,
            _place: place,
        }
    }

    /// The pieces of the answer's body, until the caller's rights or the server end.
    pub fn pieces(self) -> impl Stream<Item = Bytes> + Send {
        let stop = self.hub.inner.stop.clone();
        let pieces = stream::unfold(self, |mut reader| async move {
            let piece = reader.next().await?;
            reader.beat = Instant::now() + reader.hub.inner.heart_beat;
            Some((piece, reader))
        });
        pieces.take_until(stop.cancelled_owned())
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Some(piece);
            }
            if self.over {
                return None;
            }
            if self.behind {
                self.catch_up().await?;
            } else if self.beat <= Instant::now() {
                self.heart_beat().await?;
            } else {
                match timeout_at(self.beat, self.listener.recv()).await {
                    Ok(Ok(entry)) => self.hear(&entry).await?,
                    Ok(Err(RecvError::Lagged(_))) => self.behind = true,
                    Ok(Err(RecvError::Closed)) => return None,
                    Err(_) => {}
                }
            }
        }
    }

    /// Takes an entry as it comes.
    async fn hear(&mut self, entry: &Published) -> Option<()> {
        if entry.age != self.age {
            self.judge(0).await?;
            self.age = entry.age;
        }
        let (record, next) = (&entry.record, self.position + 1);
        if self.over || record.position < next {
            return Some(());
        }
        if record.position > next {
            self.behind = true;
            return Some(());
        }
        self.position = record.position;
        let scopes = &self.wanted.scopes;
        let wanted = scopes.is_empty() || record.scope.iter().any(|scope| scopes.contains(scope));
        if wanted && self.sight.as_ref().is_none_or(|sight| sight.sees(record)) {
            self.waiting.push_back(entry.event.clone());
        }
        Some(())
    }

    /// Reads one page of what is unread, with the rights of that moment.
    async fn catch_up(&mut self) -> Option<()> {
        let (head, page) = self.judge(PAGE).await?;
        self.behind = page.len() as u64 == PAGE;
        self.position = match page.last() {
            Some(last) if self.behind => last.position,
            _ => head.max(self.position),
        };
        self.waiting.extend(page.iter().map(Record::event));
        Some(())
    }

    async fn heart_beat(&mut self) -> Option<()> {
        self.judge(0).await?;
        if !self.over {
            // An event without data is none to a browser, but the position is kept.
            self.waiting.push_back(Bytes::from(format!(": all is well\nid: {}\n\n", self.position)));
        }
        Some(())
    }

    /// Judges rights again and reads up to `limit` entries in the same snapshot; answers its head and them. If there are no
    /// rights any more, the stream says why and is over. None when the store is closed.
    async fn judge(&mut self, limit: u64) -> Option<(i64, Vec<Record>)> {
        loop {
            let (identity, proof, wanted) = (self.hub.inner.identity.clone(), self.proof.clone(), self.wanted.clone());
            let position = self.position;
            let read = self.hub.inner.identity.db().read(move |tx| {
                Ok::<_, StoreError>(match identity.judge_again(tx, &proof)? {
                    Authentication::Caller(caller) => Ok(look(tx, &caller, &wanted, position, limit)?),
                    Authentication::Refused(reason) => Err(reason),
                    Authentication::Anonymous => Err("sign in".into()),
                })
            });
            match read.await {
                Ok(Ok(seen)) => {
                    self.sight = seen.sight;
                    return Some((seen.head, seen.page));
                }
                Ok(Err(reason)) => {
                    self.over = true;
                    let end = format!("event: end\ndata: {}\n\n", json!({ "reason": reason }));
                    self.waiting.push_back(Bytes::from(end));
                    return Some((self.position, Vec::new()));
                }
                Err(StoreError::Closed) => return None,
                Err(error) => {
                    tracing::warn!(%error, "a live stream waits for the database");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn look(tx: &mut Tx<'_>, caller: &Caller, wanted: &Wanted, position: i64, limit: u64) -> Result<Seen, StoreError> {
    let sight = sight(tx, caller)?;
    let head = ledger::last_position(tx)?;
    let scopes = if wanted.scopes.is_empty() { Vec::new() } else { vec![wanted.scopes.clone()] };
    let filter = Filter { sight: sight.clone(), scopes, beyond: Some(position), limit, ..Filter::default() };
    let page = if limit > 0 && head > position { ledger::page(tx, &filter)? } else { Vec::new() };
    Ok(Seen { sight, head, page })
}
