//! Control's side of the table: the current routes and everybody who follows them.
//!
//! A follower gets the whole table first and then every change, in order, without a gap: who falls behind gets the whole
//! table again. Revisions count from 1 in each control process; a follower makes no use of those of an earlier one.

mod calls;
mod followers;

use crate::feed::wire::Change;
use crate::gateway::{CallChange, Tally};
use crate::traffic::{History, Told};
use crate::{Callee, CallerEntry, Route, Table};
use bytes::Bytes;
use followers::{Follower, Followers};
use futures_util::{Stream, stream};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

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
    followers: Followers,
    /// Calls that have been reported and not yet taken.
    tally: watch::Sender<Tally>,
    /// What was asked of applications and jobs lately.
    traffic: History,
}

#[derive(Default)]
struct State {
    revision: u64,
    /// `None` before they have been read.
    routes: Option<HashMap<String, Route>>,
    calls: Option<CallState>,
}

/// What the gateway is told, by id.
#[derive(Default)]
struct CallState {
    jobs: HashMap<String, Callee>,
    callers: HashMap<String, CallerEntry>,
    closed: Option<String>,
}

impl Default for Publisher {
    fn default() -> Self {
        Self::new()
    }
}

impl Publisher {
    /// An empty table.
    pub fn new() -> Self {
        let (lines, tally) = (broadcast::channel(1024).0, watch::channel(Tally::new()).0);
        let (state, followers, traffic) = (Mutex::default(), Followers::default(), History::new(now()));
        Self { shared: Arc::new(Shared { state, lines, followers, tally, traffic }) }
    }

    /// Adds or replaces the route with `route.guid`. Nothing is sent when nothing differs.
    pub fn set(&self, route: Route) {
        let mut state = self.state();
        let routes = state.routes.get_or_insert_default();
        if routes.get(&route.guid) != Some(&route) {
            routes.insert(route.guid.clone(), route.clone());
            self.send(&mut state, Change { upsert: Some(route), ..Change::default() });
        }
    }

    /// Removes a route; does nothing when there is none.
    pub fn remove(&self, guid: &str) {
        let mut state = self.state();
        if state.routes.get_or_insert_default().remove(guid).is_some() {
            self.send(&mut state, Change { remove: Some(guid.to_owned()), ..Change::default() });
        }
    }

    /// Makes `table` the table: what control does at start, after it has read its database.
    pub fn replace_all(&self, table: Table) {
        let mut state = self.state();
        state.routes = Some(table.routes.iter().map(|route| (route.guid.clone(), route.clone())).collect());
        self.send(&mut state, Change { table: Some(table), ..Change::default() });
    }

    /// How much an application or a job was asked in the last half hour, by its name in the logs.
    /// Begins anew with control.
    pub fn traffic(&self, source: &str) -> Told {
        self.shared.traffic.of(source, now())
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
    /// Before the first [`Publisher::replace_all`] nothing is said of routes, and before the first
    /// [`Publisher::replace_calls`] nothing of jobs: a control process that has not read its database yet must not make a
    /// router forget its last table. `follower`: who reads it, if it reports what it has applied ([`Publisher::report`]).
    pub fn changes(
        &self,
        follower: Option<&str>,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static + use<> {
        let (lines, follower) =
            (self.shared.lines.subscribe(), follower.map(|name| Follower::join(&self.shared, name)));
        stream::unfold((self.clone(), lines, true, follower), |(publisher, mut lines, whole, follower)| async move {
            if whole {
                let (fresh, line) = publisher.snapshot();
                return Some((Ok(line), (publisher, fresh, false, follower)));
            }
            let line = match tokio::time::timeout(HEART_BEAT, lines.recv()).await {
                Ok(Ok(line)) => line,
                Ok(Err(RecvError::Lagged(_))) => {
                    let (fresh, line) = publisher.snapshot();
                    return Some((Ok(line), (publisher, fresh, false, follower)));
                }
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => publisher.beat(),
            };
            Some((Ok(line), (publisher, lines, false, follower)))
        })
    }

    /// The whole table, in a line for each of its parts, and a receiver of exactly what comes after it.
    fn snapshot(&self) -> (broadcast::Receiver<Bytes>, Bytes) {
        let state = self.state();
        let revision = state.revision;
        let table = state.routes.is_some().then(|| state.table());
        let mut lines = Change { revision, table, ..Change::default() }.line().to_vec();
        if let Some(calls) = &state.calls {
            let calls = Some(CallChange::Whole(calls.table()));
            lines.extend_from_slice(&Change { revision, calls, ..Change::default() }.line());
        }
        (self.shared.lines.subscribe(), lines.into())
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

/// Seconds since 1970 UTC.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl State {
    fn table(&self) -> Table {
        let mut routes: Vec<Route> = self.routes.iter().flat_map(HashMap::values).cloned().collect();
        routes.sort_by(|a, b| a.guid.cmp(&b.guid));
        Table { routes }
    }
}
