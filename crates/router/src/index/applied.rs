//! The applier's side of the index: knows routes by guid and makes the next index from a change.

use super::{Balance, Endpoint, Entry, Index, Origin};
use crate::gateway::{CallChange, Calls};
use crate::{Route, Table};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The newest index and what is needed to make the next. Owned by the one task that applies changes.
pub(crate) struct Applied {
    index: Index,
    by_guid: HashMap<String, Arc<Entry>>,
    calls: Calls,
}

impl Applied {
    pub(crate) fn new() -> Self {
        Self { index: Index::empty(), by_guid: HashMap::new(), calls: Calls::default() }
    }

    /// Makes the table what `table` says. What is equal stays the same object.
    pub(crate) fn replace(&mut self, table: Table, origin: Origin) {
        let keep: HashSet<&str> = table.routes.iter().map(|route| route.guid.as_str()).collect();
        let gone: Vec<String> = self.by_guid.keys().filter(|guid| !keep.contains(guid.as_str())).cloned().collect();
        gone.iter().for_each(|guid| self.remove(guid));
        table.routes.into_iter().for_each(|route| self.upsert(route));
        self.index.origin = origin;
    }

    /// Adds or replaces one route.
    pub(crate) fn upsert(&mut self, mut route: Route) {
        route.host.make_ascii_lowercase();
        let old = self.by_guid.get(&route.guid).cloned();
        if old.as_ref().is_some_and(|old| old.route == route) {
            return;
        }
        let former = old.as_ref().map_or(&[][..], |old| old.balance.endpoints());
        let endpoints = route.backends.iter().map(|backend| {
            let same = former.iter().find(|endpoint| endpoint.backend() == Some(backend));
            same.map_or_else(|| Arc::new(Endpoint::instance(backend.clone())), Arc::clone)
        });
        let endpoints: Vec<Arc<Endpoint>> = endpoints.collect();
        let staying: HashSet<u64> = endpoints.iter().map(|endpoint| endpoint.id).collect();
        let balance = Balance::new(route.balancing.as_deref(), endpoints);
        let guid = route.guid.clone();
        let entry = Arc::new(Entry { route, balance });
        if let Some(old) = old {
            self.index.remove(&old);
            old.balance.endpoints().iter().filter(|one| !staying.contains(&one.id)).for_each(|one| one.retire());
        }
        self.index.insert(Arc::clone(&entry));
        self.by_guid.insert(guid, entry);
        self.index.routes = self.by_guid.len();
    }

    /// Removes one route, if it is there.
    pub(crate) fn remove(&mut self, guid: &str) {
        if let Some(old) = self.by_guid.remove(guid) {
            self.index.remove(&old);
            old.balance.endpoints().iter().for_each(|endpoint| endpoint.retire());
            self.index.routes = self.by_guid.len();
        }
    }

    /// What the gateway is told.
    pub(crate) fn calls(&mut self, change: CallChange) {
        self.calls.apply(change);
        self.index.calls = self.calls.index();
    }

    /// The index to publish.
    pub(crate) fn index(&mut self, revision: u64) -> Arc<Index> {
        self.index.revision = revision;
        Arc::new(self.index.clone())
    }
}
