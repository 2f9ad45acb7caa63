//! The reconciler: makes what runs equal to what should run, level-triggered.
//!
//! Each pass over a workload compares what is desired with what [`Engine::list`] shows and with what this process
//! remembers (crashes, health), and plans: a pure function in `plan`. Actions run beside each other and beside later
//! passes; each ends with another pass. So no workload waits for another, and whatever was missed is seen 30 s later.
//!
//! Invariants: an instance leaves routing before it is told to stop; of one index at most one instance is kept, the
//! newest; nothing is stopped because its row could not be read. That an instance is well is noted beside it before it may
//! be routed to, and taken back before it leaves routing; so running instances are adopted as what they were, and a table
//! made after the first pass has everybody whom the last table of the process before had. All other memory (crashes in a
//! row, back-off) is lost with the process and needed by nobody.
//! Negative: tasks and staging runs are not touched.

mod act;
mod book;
mod handle;
mod monitor;
mod pass;
mod plan;
mod sources;

pub use handle::Handle;
pub use sources::{Source, Sources};

use crate::{Budget, Engine, Exit, InstanceId, NetProber, Prober, Workload};
use futures_util::future::{BoxFuture, FutureExt};
use std::sync::Arc;
use std::time::Duration;

/// What should run, from whoever knows.
pub trait Desired: Send + Sync + 'static {
    /// All workloads that should run. May leave out one whose row cannot be read: [`Desired::workload`] answers an
    /// error for such a one, and its instances are left as they are.
    fn workloads(&self) -> BoxFuture<'_, Result<Vec<Workload>, String>>;

    /// One workload; `None` if it should not run (any more).
    fn workload<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Workload>, String>>;
}

/// An instance that ended without being told to, did not get well, or could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// Whose.
    pub workload: String,
    /// Which index.
    pub index: u32,
    /// Which start.
    pub instance: InstanceId,
    /// How it ended.
    pub exit: Exit,
    /// The how manieth crash in a row.
    pub crashes: u32,
    /// How it ended, in words.
    pub reason: String,
    /// The workload's version.
    pub version: String,
}

/// Hears what the reconciler sees. Called from its tasks: answer soon.
pub trait Observer: Send + Sync + 'static {
    /// An instance crashed. Heard once for each start.
    fn crashed(&self, crash: Crash) -> BoxFuture<'_, ()>;

    /// Which of a workload's instances may receive requests has changed. Before a routable instance is told to stop
    /// this is waited for, at most two seconds: an implementation that answers once the front door knows makes stops
    /// lose no request. May be called more than once for one change.
    fn routable_changed<'a>(&'a self, workload: &'a str) -> BoxFuture<'a, ()> {
        let _ = workload;
        std::future::ready(()).boxed()
    }
}

/// How the reconciler works.
#[derive(Clone)]
pub struct Options {
    /// Instances whose container is set up at the same time.
    pub parallel_starts: usize,
    /// Memory that running instances share; without one there is no bound.
    pub budget: Option<Budget>,
    /// Between two looks at everything.
    pub full_pass: Duration,
    /// How health is probed.
    pub prober: Arc<dyn Prober>,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            parallel_starts: 2 * cores,
            budget: None,
            full_pass: Duration::from_secs(30),
            prober: Arc::new(NetProber),
        }
    }
}

/// The service. It runs in tasks of its own until [`Handle::stop`].
pub struct Reconciler;

impl Reconciler {
    /// Starts with default [`Options`].
    pub fn start(engine: Arc<dyn Engine>, desired: Arc<dyn Desired>, observer: Arc<dyn Observer>) -> Handle {
        Self::start_with(Options::default(), engine, desired, observer)
    }

    /// Starts it: one pass over everything at once, then on every [`Handle::kick`], change and [`Options::full_pass`].
    pub fn start_with(
        options: Options,
        engine: Arc<dyn Engine>,
        desired: Arc<dyn Desired>,
        observer: Arc<dyn Observer>,
    ) -> Handle {
        let shared = book::Shared::new(options, engine, desired, observer);
        pass::spawn(&shared);
        Handle::new(shared)
    }
}
