//! Staging as its users see it, so that their tests need no container.

use super::{StagedDroplet, Stager, StagingRequest};
use crate::StagingError;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

/// Stages; [`Stager`] does.
pub trait Stage: Send + Sync + 'static {
    /// As [`Stager::stage`].
    fn stage<'a>(
        &'a self,
        request: StagingRequest,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<StagedDroplet, StagingError>>;

    /// Removes an app's cache.
    fn forget_app(&self, app: &str) -> std::io::Result<()>;
}

impl Stage for Stager {
    fn stage<'a>(
        &'a self,
        request: StagingRequest,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<StagedDroplet, StagingError>> {
        Box::pin(Stager::stage(self, request, cancel))
    }

    fn forget_app(&self, app: &str) -> std::io::Result<()> {
        Stager::forget_app(self, app)
    }
}
