//! What makes it all run: desired workloads for the reconciler, routes for the front door, builds, tasks, deployments.
//!
//! Everything here follows the ledger: a request changes rows and is done; what must happen then is seen by
//! [`follow`]. At start everything is looked at once, so nothing depends on an entry having been seen.
//!
//! Negative: no handler waits for a container; nothing here is authorised, because what stands in the tables has been.

pub mod build;
pub mod buildpack;
mod deployment;
pub mod desired;
mod dress;
mod follow;
mod observe;
pub mod route;
pub mod task;

use crate::{ApiError, Apps};
use engine::{Budget, Engine, Handle, InstanceId, InstanceState, Layers, Source, Usage};
use logs::Journal;
use staging::Stage;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use store::{StoreError, Tx};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Between two tries of what waits for the database.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// The rooms below that the face drives.
#[derive(Clone)]
pub struct Rooms {
    /// Runs instances.
    pub engine: Arc<dyn Engine>,
    /// Unpacks droplets.
    pub layers: Arc<dyn Layers>,
    /// Makes droplets.
    pub stager: Arc<dyn Stage>,
    /// The front door's table.
    pub publisher: router::Publisher,
    /// Control's own lines in application logs.
    pub journal: Journal,
    /// What admits tasks, as it does instances and builds; none: all are admitted.
    pub budget: Option<Budget>,
}

/// The running part of the face. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    rooms: Rooms,
    cell: dress::Cell,
    handle: OnceLock<Handle>,
    /// Builds and tasks under way, by guid.
    under_way: Mutex<HashMap<String, CancellationToken>>,
    /// Last reading of an instance's processor time, to make a share of it.
    readings: Mutex<HashMap<InstanceId, (Instant, Usage)>>,
    /// Changes of readiness that are still to be told, the first one being told.
    turns: Mutex<VecDeque<dress::Turned>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Runtime {
    pub(crate) fn new(rooms: Rooms) -> Self {
        Self {
            inner: Arc::new(Inner {
                cell: dress::Cell::new(rooms.journal.clone()),
                rooms,
                handle: OnceLock::new(),
                under_way: Mutex::default(),
                readings: Mutex::default(),
                turns: Mutex::default(),
                stopping: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        }
    }

    /// Writes application logs.
    pub fn journal(&self) -> &Journal {
        &self.inner.rooms.journal
    }

    pub(crate) fn rooms(&self) -> &Rooms {
        &self.inner.rooms
    }

    /// The reconciler, once it runs.
    pub fn reconciler(&self) -> Option<&Handle> {
        self.inner.handle.get()
    }

    /// Exactly `instances` states of a process, `DOWN` where nothing is known.
    pub fn states(&self, process: &str, instances: u32) -> Vec<InstanceState> {
        match self.reconciler() {
            Some(handle) => handle.states_of(process, instances),
            None => (0..instances).map(|index| unknown(process, index)).collect(),
        }
    }

    /// Waits (shortly) until the reconciler has planned by what is stored now.
    pub async fn reconcile(&self, process: &str) {
        if let Some(handle) = self.reconciler() {
            handle.reconcile(process).await;
        }
    }

    /// Ends one instance so that it begins anew; `false` if there is none.
    pub fn restart_instance(&self, process: &str, index: u32) -> bool {
        self.reconciler().is_some_and(|handle| handle.restart_instance(process, index))
    }

    /// What an instance uses, with its share of one core since the last reading.
    pub async fn usage(&self, id: &InstanceId) -> Option<(Usage, f64)> {
        let usage = self.inner.rooms.engine.usage(id).await.ok()?;
        let now = Instant::now();
        let mut readings = lock(&self.inner.readings);
        let share = match readings.get(id) {
            Some((at, before)) if now.duration_since(*at) > Duration::from_millis(50) => {
                usage.cpu.saturating_sub(before.cpu).as_secs_f64() / now.duration_since(*at).as_secs_f64()
            }
            _ => 0.0,
        };
        // Readings of instances that have gone are of no use to anybody.
        readings.retain(|_, (at, _)| now.duration_since(*at) < Duration::from_secs(600));
        readings.insert(id.clone(), (now, usage));
        Some((usage, share))
    }

    /// Removes what staging keeps for an app.
    pub async fn clear_cache(&self, app: &str) -> std::io::Result<()> {
        let (stager, app) = (self.inner.rooms.stager.clone(), app.to_owned());
        tokio::task::spawn_blocking(move || stager.forget_app(&app))
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    /// Runs `work` unless something of this guid is under way already; the token stops it.
    fn begin<F, Fut>(&self, guid: &str, work: F)
    where
        F: FnOnce(CancellationToken) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let token = self.inner.stopping.child_token();
        let mut under_way = lock(&self.inner.under_way);
        if self.inner.stopping.is_cancelled() || under_way.contains_key(guid) {
            return;
        }
        under_way.insert(guid.to_owned(), token.clone());
        let (runtime, guid, work) = (self.clone(), guid.to_owned(), work(token));
        self.inner.tasks.spawn(async move {
            work.await;
            lock(&runtime.inner.under_way).remove(&guid);
        });
    }

    /// Stops what is under way for `guid`.
    fn cancel(&self, guid: &str) {
        if let Some(token) = lock(&self.inner.under_way).get(guid) {
            token.cancel();
        }
    }

    /// Is the platform stopping?
    fn is_stopping(&self) -> bool {
        self.inner.stopping.is_cancelled()
    }

    pub(crate) async fn shutdown(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        let _ = tokio::time::timeout(Duration::from_secs(10), self.inner.tasks.wait()).await;
    }
}

/// A write that nobody would do again before the next start: while the database is away, or its disk full, it waits, until
/// the platform stops. `work` may be done twice, if the database went away during a commit.
async fn write_at_last<T, F>(apps: &Apps, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, ApiError> + Clone + Send + 'static,
{
    loop {
        let error = match apps.db.write(work.clone()).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let passes =
            matches!(error.cause(), Some(StoreError::Unavailable(_) | StoreError::Conflict(_) | StoreError::Full));
        let stopping = &apps.run.inner.stopping;
        if !passes || stopping.run_until_cancelled(tokio::time::sleep(DATABASE_PAUSE)).await.is_none() {
            return Err(error);
        }
    }
}

/// The engine that the reconciler is to drive, for what is an app's.
pub(crate) fn dressed(apps: &Apps) -> Arc<dyn Engine> {
    let cell = apps.run.inner.cell.clone();
    Arc::new(dress::Dressed { engine: apps.run.rooms().engine.clone(), cell, apps: apps.clone() })
}

/// What the reconciler is to know of processes.
pub(crate) fn source(apps: &Apps) -> Source {
    Source {
        owns: |workload| uuid::Uuid::parse_str(workload).is_ok(),
        desired: Arc::new(desired::DesiredApps::new(apps)),
        observer: Arc::new(observe::Observing::new(apps)),
    }
}

/// Starts everything; see [`Apps::start_background`].
pub(crate) async fn start(apps: &Apps, reconciler: &Handle, position: i64) -> Result<(), StoreError> {
    let inner = &apps.run.inner;
    let _ = inner.handle.set(reconciler.clone());
    reconciler.settled().await;
    route::publish_all(apps).await?;
    inner.tasks.spawn(follow::follow(apps.clone(), position));
    build::resume(apps).await?;
    task::resume(apps).await?;
    deployment::resume(apps).await?;
    build::sweep_logs(apps).await?;
    Ok(())
}

fn unknown(process: &str, index: u32) -> InstanceState {
    InstanceState {
        workload: process.into(),
        index,
        instance: None,
        phase: engine::Phase::Down,
        since: crate::model::time::now(),
        routable: false,
        address: None,
        port: None,
        crashes: 0,
        details: None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in these critical sections panics half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
