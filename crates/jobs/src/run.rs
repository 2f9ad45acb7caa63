//! What makes it all run: desired workloads for the reconciler, deployments, and what the gateway is told.
//!
//! Everything here follows the ledger: a request changes rows and is done; what must happen then is seen by [`follow`].
//! At start everything is looked at once. Negative: nothing here is authorised, because what stands in the tables has been.

pub(crate) mod async_call;
mod build;
pub(crate) mod call;
mod deploy;
pub(crate) use deploy::note;
mod desired;
mod follow;
mod git;
mod leave;
mod observe;
mod probe;
mod provision;
pub mod publish;
mod retire;
mod runner;
mod timed;

use crate::{Jobs, JobsError};
use engine::{Engine, Handle, InstanceState, Layers, Source};
use logs::Journal;
use staging::Stage;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use store::{StoreError, Tx};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Between two tries of what waits for the database.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// The rooms below that the face drives.
#[derive(Clone)]
pub struct Rooms {
    /// Runs instances.
    pub engine: Arc<dyn Engine>,
    /// Unpacks what was built.
    pub layers: Arc<dyn Layers>,
    /// Builds.
    pub stager: Arc<dyn Stage>,
    /// The front door's table.
    pub publisher: router::Publisher,
    /// Control's own lines in logs.
    pub journal: Journal,
}

/// The running part of the face. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    rooms: Rooms,
    handle: OnceLock<Handle>,
    /// Deployments under way, by id.
    under_way: Mutex<HashMap<String, CancellationToken>>,
    /// How instances of deployments under way ended, by workload.
    fallen: Mutex<HashMap<String, String>>,
    fell: tokio::sync::Notify,
    /// One building of a runner at a time.
    runners: tokio::sync::Mutex<()>,
    leaving: leave::Leaving,
    /// Some deployment serves no more.
    replaced: tokio::sync::Notify,
    /// Some asynchronous call has ended.
    calls_ended: tokio::sync::Notify,
    /// One publication at a time.
    publishing: tokio::sync::Mutex<()>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Runtime {
    pub(crate) fn new(rooms: Rooms) -> Self {
        Self {
            inner: Arc::new(Inner {
                rooms,
                handle: OnceLock::new(),
                under_way: Mutex::default(),
                fallen: Mutex::default(),
                fell: tokio::sync::Notify::new(),
                runners: tokio::sync::Mutex::default(),
                leaving: leave::Leaving::default(),
                replaced: tokio::sync::Notify::new(),
                calls_ended: tokio::sync::Notify::new(),
                publishing: tokio::sync::Mutex::default(),
                stopping: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        }
    }

    /// The rooms.
    pub fn rooms(&self) -> &Rooms {
        &self.inner.rooms
    }

    /// The reconciler, once it runs.
    pub fn reconciler(&self) -> Option<&Handle> {
        self.inner.handle.get()
    }

    /// What is known of a workload's instances.
    pub fn states(&self, workload: &str) -> Vec<InstanceState> {
        self.reconciler().map(|handle| handle.states(workload)).unwrap_or_default()
    }

    /// Runs `work` unless something of this id is under way already; the token stops it.
    fn begin<F, Fut>(&self, id: &str, work: F)
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let token = self.inner.stopping.child_token();
        let mut under_way = lock(&self.inner.under_way);
        if self.inner.stopping.is_cancelled() || under_way.contains_key(id) {
            return;
        }
        under_way.insert(id.to_owned(), token.clone());
        let (runtime, id, work) = (self.clone(), id.to_owned(), work(token));
        self.inner.tasks.spawn(async move {
            work.await;
            lock(&runtime.inner.under_way).remove(&id);
        });
    }

    fn cancel(&self, id: &str) {
        if let Some(token) = lock(&self.inner.under_way).get(id) {
            token.cancel();
        }
    }

    /// An instance of `deployment` has ended by itself.
    fn note_end(&self, deployment: &str, workload: &str, why: &str) {
        if lock(&self.inner.under_way).contains_key(deployment) {
            lock(&self.inner.fallen).insert(workload.to_owned(), why.to_owned());
            self.inner.fell.notify_waiters();
        }
    }

    /// How an instance of a workload ended, which its next start may hide from [`Runtime::states`] already.
    async fn last_end(&self, workload: &str) -> Option<String> {
        let told = async {
            loop {
                let news = self.inner.fell.notified();
                if let Some(why) = lock(&self.inner.fallen).remove(workload) {
                    return why;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), told).await.ok()
    }

    /// Something serves no more.
    fn replaced(&self) {
        self.inner.replaced.notify_one();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.inner.stopping.is_cancelled()
    }

    /// Comes when the platform is told to stop.
    pub(crate) async fn stopping(&self) {
        self.inner.stopping.cancelled().await;
    }

    pub(crate) async fn shutdown(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        let _ = tokio::time::timeout(Duration::from_secs(10), self.inner.tasks.wait()).await;
    }
}

/// A write that nobody would do again before the next start: while the database is away it waits, until the platform stops.
async fn write_at_last<T, F>(jobs: &Jobs, work: F) -> Result<T, JobsError>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, JobsError> + Clone + Send + 'static,
{
    loop {
        let error = match jobs.db.write(work.clone()).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let passes =
            matches!(error, JobsError::Store(StoreError::Unavailable(_) | StoreError::Conflict(_) | StoreError::Full));
        let stopping = &jobs.run.inner.stopping;
        if !passes || stopping.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await.is_none() {
            return Err(error);
        }
    }
}

/// What the reconciler is to know of jobs.
pub(crate) fn source(jobs: &Jobs) -> Source {
    Source {
        owns: |workload| crate::repo::deployment::Deployment::of_workload(workload).is_some(),
        desired: Arc::new(desired::DesiredJobs::new(jobs)),
        observer: Arc::new(observe::Observing::new(jobs)),
    }
}

/// Starts everything; see [`Jobs::start_background`].
pub(crate) async fn start(jobs: &Jobs, reconciler: &Handle, position: i64) -> Result<(), StoreError> {
    let inner = &jobs.run.inner;
    let _ = inner.handle.set(reconciler.clone());
    reconciler.settled().await;
    observe::look_at_all(jobs).await?;
    publish::all(jobs).await?;
    inner.tasks.spawn(follow::follow(jobs.clone(), position));
    inner.tasks.spawn(follow::note_calls(jobs.clone()));
    inner.tasks.spawn(follow::sweep(jobs.clone()));
    inner.tasks.spawn(retire::run(jobs.clone()));
    jobs.run.replaced();
    deploy::resume(jobs).await?;
    async_call::resume(jobs).await?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in these critical sections panics half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
