//! Several who know what should run, as one: each face has workloads of its own.
//!
//! Invariants: a workload has one owner, told by its id alone, so that what runs of a deleted one still finds it; what nobody
//! owns should not run; while one of them cannot answer, nothing of any is stopped.

use super::{Crash, Desired, Observer};
use crate::Workload;
use futures_util::future::{BoxFuture, FutureExt};
use std::sync::Arc;

/// One who knows workloads.
#[derive(Clone)]
pub struct Source {
    /// Is a workload of this id one of its own, whether it exists or not?
    pub owns: fn(&str) -> bool,
    /// Says which of them should run.
    pub desired: Arc<dyn Desired>,
    /// Hears of them alone.
    pub observer: Arc<dyn Observer>,
}

/// All of them: to the reconciler one [`Desired`] and one [`Observer`].
pub struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// The first that owns an id has it.
    pub fn new(all: Vec<Source>) -> Arc<Self> {
        Arc::new(Self { all })
    }

    fn owner(&self, workload: &str) -> Option<&Source> {
        self.all.iter().find(|source| (source.owns)(workload))
    }
}

impl Desired for Sources {
    fn workloads(&self) -> BoxFuture<'_, Result<Vec<Workload>, String>> {
        async move {
            let mut workloads = Vec::new();
            for source in &self.all {
                workloads.extend(source.desired.workloads().await?);
            }
            Ok(workloads)
        }
        .boxed()
    }

    fn workload<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Workload>, String>> {
        match self.owner(id) {
            Some(source) => source.desired.workload(id),
            None => std::future::ready(Ok(None)).boxed(),
        }
    }
}

impl Observer for Sources {
    fn crashed(&self, crash: Crash) -> BoxFuture<'_, ()> {
        match self.owner(&crash.workload) {
            Some(source) => source.observer.crashed(crash),
            None => std::future::ready(()).boxed(),
        }
    }

    fn routable_changed<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, ()> {
        match self.owner(workload) {
            Some(source) => source.observer.routable_changed(workload),
            None => std::future::ready(()).boxed(),
        }
    }
}
