//! The table as the data path reads it: immutable, found by host and path, sharing all but the changed part with its predecessor.
//!
//! Hosts are spread over 256 maps. A change copies 256 pointers and one small map, so it costs microseconds among ten
//! thousand routes. An [`Endpoint`] whose backend did not change goes over into the next index with its counts, its
//! ejection and its pooled connections.

mod applied;
mod balance;
mod endpoint;

pub(crate) use applied::Applied;
pub(crate) use balance::Balance;
pub(crate) use endpoint::{Address, Endpoint, InFlight, Instance};

use crate::gateway::CallIndex;
use crate::{Route, Table};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

const SHARDS: usize = 256;

/// Where the table came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// Nothing is known yet.
    None,
    /// The last table, kept on disk.
    File,
    /// Control.
    Control,
}

/// One routing table.
#[derive(Clone)]
pub(crate) struct Index {
    pub(crate) revision: u64,
    pub(crate) origin: Origin,
    pub(crate) routes: usize,
    /// Jobs, and who may call them.
    pub(crate) calls: Arc<CallIndex>,
    exact: Hosts,
    /// Keyed by what follows `*.`.
    wild: Hosts,
}

/// One route, ready for use.
pub(crate) struct Entry {
    pub(crate) route: Route,
    pub(crate) balance: Balance,
}

/// What the table says about a host and a path.
pub(crate) enum Found {
    /// This route.
    Entry(Arc<Entry>),
    /// The host has routes, but none for the path.
    NoPath,
    /// The host has none.
    NoHost,
}

impl Index {
    pub(crate) fn empty() -> Self {
        let (exact, wild) = (Hosts::empty(), Hosts::empty());
        Self { revision: 0, origin: Origin::None, routes: 0, calls: Arc::default(), exact, wild }
    }

    /// The route for `host` (lower case, no port) and `path`: the exact host first, then `*.` with ever fewer labels; within
    /// a host the longest path. A host whose paths do not match gives way to the next wildcard.
    pub(crate) fn find(&self, host: &str, path: &str) -> Found {
        let mut known = false;
        let mut look = |hosts: &Hosts, host: &str| {
            let entries = hosts.get(host)?;
            known = true;
            entries.iter().find(|entry| under(path, &entry.route.path)).map(Arc::clone)
        };
        if let Some(entry) = look(&self.exact, host) {
            return Found::Entry(entry);
        }
        let mut rest = host;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(entry) = look(&self.wild, parent) {
                return Found::Entry(entry);
            }
            rest = parent;
        }
        if known { Found::NoPath } else { Found::NoHost }
    }

    /// The table it was made from, sorted by guid.
    pub(crate) fn table(&self) -> Table {
        let shards = self.exact.shards.iter().chain(&self.wild.shards);
        let entries = shards.flat_map(|shard| shard.values()).flatten();
        let mut routes: Vec<Route> = entries.map(|entry| entry.route.clone()).collect();
        routes.sort_by(|a, b| a.guid.cmp(&b.guid));
        Table { routes }
    }

    fn insert(&mut self, entry: Arc<Entry>) {
        let (hosts, host) = self.hosts(&entry.route.host);
        let list = hosts.entry(host);
        // Longest path first; of equal routes the smaller guid, so that the order of changes does not matter.
        let key = |entry: &Arc<Entry>| (usize::MAX - entry.route.path.len(), entry.route.guid.clone());
        let at = list.partition_point(|other| key(other) < key(&entry));
        list.insert(at, entry);
    }

    fn remove(&mut self, entry: &Entry) {
        let (hosts, host) = self.hosts(&entry.route.host);
        let list = hosts.entry(host);
        list.retain(|other| other.route.guid != entry.route.guid);
        if list.is_empty() {
            hosts.remove(host);
        }
    }

    fn hosts<'h>(&mut self, host: &'h str) -> (&mut Hosts, &'h str) {
        match host.strip_prefix("*.") {
            Some(parent) => (&mut self.wild, parent),
            None => (&mut self.exact, host),
        }
    }
}

/// Is `path` at or below `prefix`? Letters count as equal in either case, as in Gorouter.
fn under(path: &str, prefix: &str) -> bool {
    let (path, prefix) = (path.as_bytes(), prefix.as_bytes());
    path.len() >= prefix.len()
        && path[..prefix.len()].eq_ignore_ascii_case(prefix)
        && (prefix.is_empty() || path.len() == prefix.len() || path[prefix.len()] == b'/')
}

/// Host name to entries, in shards.
#[derive(Clone)]
struct Hosts {
    random: RandomState,
    shards: Box<[Arc<Shard>]>,
}

type Shard = HashMap<Box<str>, Vec<Arc<Entry>>>;

impl Hosts {
    fn empty() -> Self {
        let empty: Arc<Shard> = Arc::default();
        Self { random: RandomState::new(), shards: vec![empty; SHARDS].into() }
    }

    fn shard(&self, host: &str) -> usize {
        self.random.hash_one(host) as usize % SHARDS
    }

    fn get(&self, host: &str) -> Option<&Vec<Arc<Entry>>> {
        self.shards[self.shard(host)].get(host)
    }

    fn entry(&mut self, host: &str) -> &mut Vec<Arc<Entry>> {
        let shard = self.shard(host);
        Arc::make_mut(&mut self.shards[shard]).entry(host.into()).or_default()
    }

    fn remove(&mut self, host: &str) {
        let shard = self.shard(host);
        Arc::make_mut(&mut self.shards[shard]).remove(host);
    }
}
