//! Control's side of the table: the current routes and everybody who follows them.
//!
//! A follower gets the whole table first and then every change, in order, without a gap: who falls behind gets the whole
//! table again. Revisions count from 1 in each control process; a follower makes no use of those of an earlier one.

use crate::feed::wire::Change;
use crate::{Route, Table};
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How often a quiet stream says that it is alive.
pub(crate) const HEART_BEAT: Duration = Duration::from_secs(5);

/// The table as control has it. Cheap to clone; all clones are one. Callable from any thread.
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    lines: broadcast::Sender<Bytes>,
}

struct State {
    revision: u64,
    routes: HashMap<String, Route>,
}

impl Default for Publisher {
    fn default() -> Self {
        Self::new()
    }
}

impl Publisher {
    /// An empty table.
    pub fn new() -> Self {
        let state = Mutex::new(State { revision: 0, routes: HashMap::new() });
        Self { shared: Arc::new(Shared { state, lines: broadcast::channel(1024).0 }) }
    }

    /// Adds or replaces the route with `route.guid`. Nothing is sent when nothing differs.
    pub fn set(&self, route: Route) {
        let mut state = self.state();
        if state.routes.get(&route.guid) != Some(&route) {
            state.routes.insert(route.guid.clone(), route.clone());
            self.send(&mut state, Change { upsert: Some(route), ..Change::default() });
        }
    }

    /// Removes a route; does nothing when there is none.
    pub fn remove(&self, guid: &str) {
        let mut state = self.state();
        if state.routes.remove(guid).is_some() {
            self.send(&mut state, Change { remove: Some(guid.to_owned()), ..Change::default() });
        }
    }

    /// Makes `table` the table: what control does at start, after it has read its database.
    pub fn replace_all(&self, table: Table) {
        let mut state = self.state();
        state.routes = table.routes.iter().map(|route| (route.guid.clone(), route.clone())).collect();
        self.send(&mut state, Change { table: Some(table), ..Change::default() });
    }

    /// The number of changes so far.
    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    /// The routes now, sorted by guid.
    pub fn table(&self) -> Table {
        self.state().table()
    }

    /// The table and its changes for ever, as lines of JSON: the body of `GET /table`. Each item is one or more lines.
    ///
    /// Before the first [`Publisher::replace_all`] nothing but heart-beats is sent: a control process that has not read
    /// its database yet must not make a router forget its last table.
    pub fn changes(&self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static + use<> {
        let lines = self.shared.lines.subscribe();
        stream::unfold((self.clone(), lines, true), |(publisher, mut lines, whole)| async move {
            if whole {
                let (fresh, line) = publisher.snapshot();
                return Some((Ok(line), (publisher, fresh, false)));
            }
            let line = match tokio::time::timeout(HEART_BEAT, lines.recv()).await {
                Ok(Ok(line)) => line,
                Ok(Err(RecvError::Lagged(_))) => {
                    let (fresh, line) = publisher.snapshot();
                    return Some((Ok(line), (publisher, fresh, false)));
                }
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => publisher.beat(),
            };
            Some((Ok(line), (publisher, lines, false)))
        })
    }

    /// The whole table and a receiver of exactly what comes after it.
    fn snapshot(&self) -> (broadcast::Receiver<Bytes>, Bytes) {
        let state = self.state();
        let table = (state.revision > 0).then(|| state.table());
        (self.shared.lines.subscribe(), Change { revision: state.revision, table, ..Change::default() }.line())
    }

    fn beat(&self) -> Bytes {
        Change { revision: self.state().revision, ..Change::default() }.line()
    }

    fn send(&self, state: &mut State, change: Change) {
        state.revision += 1;
        // Fails when nobody follows, which is fine.
        let _ = self.shared.lines.send(Change { revision: state.revision, ..change }.line());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in the critical sections panics half-way.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn table(&self) -> Table {
        let mut routes: Vec<Route> = self.routes.values().cloned().collect();
        routes.sort_by(|a, b| a.guid.cmp(&b.guid));
        Table { routes }
    }
}
