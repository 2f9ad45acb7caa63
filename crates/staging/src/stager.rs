//! One staging from beginning to end.

mod collect;
mod container;
mod request;
mod scratch;
mod stage;

pub use stage::Stage;

pub use request::{Selection, StagedBuildpack, StagedDroplet, StagerOptions, StagingRequest};

use crate::StagingError;
use engine::{Ask, InstanceId, Place, Purpose};
use scratch::Scratch;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Stages, as many at a time as its budget admits. Cheap to clone.
#[derive(Clone)]
pub struct Stager {
    inner: Arc<Inner>,
}

struct Inner {
    options: StagerOptions,
    builtin: PathBuf,
}

impl Stager {
    /// Lays out its folders below `options.work`; touches nothing else. Call [`Stager::sweep`] before the first staging.
    pub fn new(options: StagerOptions) -> std::io::Result<Self> {
        scratch::lay_out(&options.work)?;
        let builtin = crate::buildpack::lay_out_builtin(&options.work)?;
        Ok(Self { inner: Arc::new(Inner { options, builtin }) })
    }

    /// Ends and forgets staging containers of an earlier process and removes what it left on disk. Nobody waits for their droplets.
    pub async fn sweep(&self) -> Result<(), StagingError> {
        let engine = &self.inner.options.engine;
        let failed = |error: engine::EngineError| StagingError::failed(format!("sweeping up old stagings: {error}"));
        for old in engine.list().await.map_err(failed)? {
            if old.spec.purpose == Purpose::Staging {
                container::remove(engine.as_ref(), &old.id).await;
            }
        }
        scratch::sweep(&self.inner.options.work, &self.inner.builtin)
            .map_err(StagingError::io("sweeping", &self.inner.options.work))
    }

    /// Removes an application's cache.
    pub fn forget_app(&self, app_guid: &str) -> std::io::Result<()> {
        match std::fs::remove_dir_all(scratch::app_cache(&self.inner.options.work, app_guid)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Stages one package. Waits for its share of the budget first, and says so by the request's callbacks.
    ///
    /// Ends early when `cancel` is cancelled or the future is dropped; in every case the container is gone and the scratch
    /// folder removed. The droplet is removed with the returned value.
    pub async fn stage(
        &self,
        request: StagingRequest,
        cancel: &CancellationToken,
    ) -> Result<StagedDroplet, StagingError> {
        // In a task of its own, so that a caller who goes away does not leave a container behind.
        let cancel = cancel.child_token();
        let _dropped = cancel.clone().drop_guard();
        let stager = self.clone();
        let work = tokio::spawn(async move { stager.admit(request, &cancel).await });
        work.await.unwrap_or_else(|error| Err(StagingError::failed(format!("staging broke off: {error}"))))
    }

    async fn admit(
        &self,
        mut request: StagingRequest,
        cancel: &CancellationToken,
    ) -> Result<StagedDroplet, StagingError> {
        request.timeout = request.timeout.min(self.inner.options.timeout);
        request.check()?;
        let what = format!("staging of {}", request.app_guid);
        let ask = Ask { what, memory_bytes: request.limits.memory_bytes, staging: true };
        let ticket = self.inner.options.budget.ask(ask);
        let ticket =
            ticket.map_err(|error| StagingError::InsufficientResources { reason: format!("the build {error}") })?;
        let on_place = |place: Place| {
            (request.line)(&format!("The build {place}"));
            (request.place)(Some(place));
        };
        let lease = tokio::select! {
            lease = ticket.admitted(on_place) => lease,
            () = cancel.cancelled() => return Err(StagingError::Cancelled),
        };
        (request.place)(None);
        let result = self.run(&request, cancel).await;
        drop(lease);
        result
    }

    async fn run(&self, request: &StagingRequest, cancel: &CancellationToken) -> Result<StagedDroplet, StagingError> {
        let scratch = Arc::new(Scratch::create(&self.inner.options.work, &request.app_guid)?);
        let mounts = self.prepare(request, &scratch).await?;
        let id = InstanceId::random();
        let ran = container::run(&self.inner.options, request, &scratch, &id, mounts, cancel).await;
        container::remove(self.inner.options.engine.as_ref(), &id).await;
        ran?;
        let selection = request.selection.buildpacks().to_vec();
        let line = request.line.clone();
        let stack = request.stack.clone();
        let limit = request.limits.disk_bytes;
        blocking(move || collect::collect(&scratch, &selection, &stack, limit, &*line)).await
    }
}

/// Runs disk work where it does not hold up anything else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StagingError> + Send + 'static,
) -> Result<T, StagingError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StagingError::failed(format!("staging broke off: {error}"))))
}
