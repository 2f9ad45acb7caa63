//! An engine that gives each instance what it alone must know: its guid and index in its environment and its log tag.
//! The engine itself knows nothing of such names.

use crate::model::environment;
use engine::{Engine, EngineError, Exit, Facts, InstanceId, InstanceSpec, Observed, Purpose, Usage};
use futures_util::future::BoxFuture;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Wraps the engine that runs processes and tasks.
pub(super) struct Dressed(pub(super) Arc<dyn Engine>);

impl Engine for Dressed {
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        let mut spec = spec.clone();
        let index = (spec.purpose == Purpose::Process).then_some(spec.index);
        environment::instance(&mut spec.env, &spec.id.0, index);
        if spec.log.instance.is_empty() {
            spec.log.instance = spec.index.to_string();
        }
        Box::pin(async move { self.0.start(&spec).await })
    }

    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.0.stop(id)
    }

    fn kill<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.0.kill(id)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>> {
        self.0.list()
    }

    fn wait<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>> {
        self.0.wait(id)
    }

    fn forget<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.0.forget(id)
    }

    fn usage<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>> {
        self.0.usage(id)
    }

    fn changes(&self) -> broadcast::Receiver<InstanceId> {
        self.0.changes()
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }

    fn root(&self) -> &Path {
        self.0.root()
    }
}
