//! The snapshot as the data path reads it, and the applier's side that makes the next from a change.
//!
//! Both maps hold only pointers, so that copying them for a change costs microseconds for hundreds of jobs. A job whose
//! instances did not change keeps its connections, and a job keeps its count of calls for as long as it exists.

use super::count::Figures;
use super::{CallChange, CallTable, Callee, CallerEntry, VersionRef};
use crate::Route;
use crate::index::{Balance, Endpoint, Entry};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

/// One snapshot.
#[derive(Clone, Default)]
pub(crate) struct CallIndex {
    /// Has control said anything yet?
    pub(crate) known: bool,
    pub(crate) closed: Option<Arc<str>>,
    families: HashMap<Arc<str>, Arc<Family>>,
    callers: HashMap<Arc<str>, Arc<CallerEntry>>,
    tokens: HashMap<[u8; 32], (Arc<CallerEntry>, Option<i64>)>,
    /// Instances that no job has any more, while somebody may still be served by them.
    leaving: Vec<Weak<Endpoint>>,
}

/// All versions of a name.
pub(crate) struct Family {
    pub(crate) id: Box<str>,
    jobs: Vec<Arc<CallJob>>,
    /// What most calls ask for.
    latest: Option<Arc<CallJob>>,
}

/// One job, ready for use.
pub(crate) struct CallJob {
    pub(crate) callee: Callee,
    pub(crate) entry: Arc<Entry>,
    pub(crate) calls: Arc<LastCall>,
    pub(crate) figures: Arc<Figures>,
}

/// When a job was called last; outlives its instances and its entry.
#[derive(Default)]
pub(crate) struct LastCall {
    /// Microseconds since 1970 UTC; 0 for never.
    at: AtomicI64,
    told: AtomicI64,
}

impl LastCall {
    pub(crate) fn note(&self, at: i64) {
        self.at.fetch_max(at, Relaxed);
    }

    /// The time of the last call, if it has not been told.
    pub(crate) fn untold(&self) -> Option<i64> {
        let at = self.at.load(Relaxed);
        (at > self.told.load(Relaxed)).then_some(at)
    }

    pub(crate) fn tell(&self, at: i64) {
        self.told.fetch_max(at, Relaxed);
    }
}

impl CallIndex {
    pub(crate) fn family(&self, name: &str) -> Option<&Arc<Family>> {
        self.families.get(name)
    }

    /// Whose token this is, if it is good at `now`.
    pub(crate) fn caller(&self, hash: &[u8; 32], now: i64) -> Option<&Arc<CallerEntry>> {
        let (caller, expires_at) = self.tokens.get(hash)?;
        expires_at.is_none_or(|at| now < at).then_some(caller)
    }

    /// Everything, as it was told; `None` if nothing was.
    pub(crate) fn table(&self) -> Option<CallTable> {
        self.known.then(|| {
            let mut jobs: Vec<Callee> = self.jobs().map(|job| job.callee.clone()).collect();
            let mut callers: Vec<CallerEntry> = self.callers.values().map(|caller| (**caller).clone()).collect();
            jobs.sort_by(|a, b| a.id.cmp(&b.id));
            callers.sort_by(|a, b| a.id.cmp(&b.id));
            CallTable { jobs, callers, closed: self.closed.as_deref().map(str::to_owned) }
        })
    }

    /// Instances that get no new calls, each with those it has.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = (String, usize)> {
        let there = self.leaving.iter().filter_map(Weak::upgrade).filter(|endpoint| endpoint.in_flight() > 0);
        there.filter_map(|endpoint| Some((endpoint.backend()?.instance.clone(), endpoint.in_flight())))
    }

    /// All jobs.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Arc<CallJob>> {
        self.families.values().flat_map(|family| &family.jobs)
    }
}

impl Family {
    fn new(id: &str, jobs: Vec<Arc<CallJob>>) -> Self {
        let latest = resolve(&VersionRef::Latest, &jobs).cloned();
        Self { id: id.into(), jobs, latest }
    }

    pub(crate) fn find(&self, version: &str) -> Option<&Arc<CallJob>> {
        match VersionRef::parse(version) {
            VersionRef::Latest => self.latest.as_ref(),
            other => resolve(&other, &self.jobs),
        }
    }
}

fn resolve<'j>(version: &VersionRef, jobs: &'j [Arc<CallJob>]) -> Option<&'j Arc<CallJob>> {
    version.resolve(jobs.iter().map(|job| (job.callee.version.as_str(), job.callee.findable, job)))
}

/// What the next snapshot is made from. Owned by the one task that applies changes.
#[derive(Default)]
pub(crate) struct Calls {
    index: CallIndex,
    jobs: HashMap<String, Arc<CallJob>>,
}

impl Calls {
    pub(crate) fn apply(&mut self, change: CallChange) {
        match change {
            CallChange::Whole(table) => self.replace(table),
            CallChange::Job(job) => self.set_job(job),
            CallChange::NoJob(id) => self.remove_job(&id),
            CallChange::Caller(caller) => self.set_caller(caller),
            CallChange::NoCaller(id) => self.remove_caller(&id),
            CallChange::Closed(words) => self.index.closed = words.map(Into::into),
        }
    }

    /// The snapshot to publish.
    pub(crate) fn index(&self) -> Arc<CallIndex> {
        Arc::new(self.index.clone())
    }

    fn replace(&mut self, table: CallTable) {
        let keep: HashSet<&str> = table.jobs.iter().map(|job| job.id.as_str()).collect();
        let gone: Vec<String> = self.jobs.keys().filter(|id| !keep.contains(id.as_str())).cloned().collect();
        gone.iter().for_each(|id| self.remove_job(id));
        let keep: HashSet<&str> = table.callers.iter().map(|caller| caller.id.as_str()).collect();
        let known = self.index.callers.keys();
        let gone: Vec<Arc<str>> = known.filter(|id| !keep.contains(&***id)).cloned().collect();
        gone.iter().for_each(|id| self.remove_caller(id));
        table.jobs.into_iter().for_each(|job| self.set_job(job));
        table.callers.into_iter().for_each(|caller| self.set_caller(caller));
        self.index.closed = table.closed.map(Into::into);
        self.index.known = true;
    }

    fn set_job(&mut self, callee: Callee) {
        let old = self.jobs.get(&callee.id).cloned();
        if old.as_ref().is_some_and(|old| old.callee == callee) {
            return;
        }
        let former = old.as_ref().map_or(&[][..], |old| old.entry.balance.endpoints());
        let endpoints: Vec<Arc<Endpoint>> = callee
            .backends
            .iter()
            .map(|backend| {
                let same = former.iter().find(|endpoint| endpoint.backend() == Some(backend));
                same.map_or_else(|| Arc::new(Endpoint::instance(backend.clone())), Arc::clone)
            })
            .collect();
        let staying: HashSet<u64> = endpoints.iter().map(|endpoint| endpoint.id).collect();
        former.iter().filter(|one| !staying.contains(&one.id)).for_each(|one| retire(&mut self.index.leaving, one));
        let route = Route {
            guid: callee.id.clone(),
            host: String::new(),
            path: String::new(),
            balancing: None,
            backends: callee.backends.clone(),
        };
        // A job takes what it can do at once: the least busy instance is the right one.
        let balance = Balance::new(Some("least-connection"), endpoints);
        let (calls, figures) =
            old.as_ref().map(|old| (Arc::clone(&old.calls), Arc::clone(&old.figures))).unwrap_or_default();
        let job = Arc::new(CallJob { entry: Arc::new(Entry { route, balance }), calls, figures, callee });
        if let Some(old) = old.filter(|old| old.callee.family != job.callee.family) {
            self.change_family(&old.callee.family, &old.callee.family_id, |jobs| {
                jobs.retain(|one| one.callee.id != old.callee.id);
            });
        }
        self.jobs.insert(job.callee.id.clone(), Arc::clone(&job));
        let (name, id) = (job.callee.family.clone(), job.callee.family_id.clone());
        self.change_family(&name, &id, |jobs| {
            jobs.retain(|one| one.callee.id != job.callee.id);
            jobs.push(job);
        });
    }

    fn remove_job(&mut self, id: &str) {
        let Some(old) = self.jobs.remove(id) else { return };
        old.entry.balance.endpoints().iter().for_each(|one| retire(&mut self.index.leaving, one));
        self.change_family(&old.callee.family, &old.callee.family_id, |jobs| jobs.retain(|one| one.callee.id != id));
    }

    fn change_family(&mut self, name: &str, id: &str, change: impl FnOnce(&mut Vec<Arc<CallJob>>)) {
        let mut jobs = self.index.families.get(name).map(|family| family.jobs.clone()).unwrap_or_default();
        change(&mut jobs);
        if jobs.is_empty() {
            self.index.families.remove(name);
        } else {
            self.index.families.insert(name.into(), Arc::new(Family::new(id, jobs)));
        }
    }

    fn set_caller(&mut self, caller: CallerEntry) {
        self.remove_caller(&caller.id);
        let caller = Arc::new(caller);
        for token in &caller.tokens {
            if let Some(hash) = bytes_of(&token.hash) {
                self.index.tokens.insert(hash, (Arc::clone(&caller), token.expires_at));
            }
        }
        self.index.callers.insert(caller.id.as_str().into(), caller);
    }

    fn remove_caller(&mut self, id: &str) {
        let Some(old) = self.index.callers.remove(id) else { return };
        for hash in old.tokens.iter().filter_map(|token| bytes_of(&token.hash)) {
            self.index.tokens.remove(&hash);
        }
    }
}

/// An instance gets no new calls; those it has go on.
fn retire(leaving: &mut Vec<Weak<Endpoint>>, endpoint: &Arc<Endpoint>) {
    endpoint.retire();
    leaving.retain(|one| one.strong_count() > 0);
    leaving.push(Arc::downgrade(endpoint));
}

fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex, &mut bytes).ok()?;
    Some(bytes)
}
