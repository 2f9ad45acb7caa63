//! An engine that gives each instance what it alone must know: its guid and index in its environment and its log tag.
//! What the driver alone knows (addresses) it adds itself. The life of each container is told in the app's log (`CELL`).

use super::observe;
use crate::Apps;
use crate::model::environment;
use engine::{Engine, EngineError, Exit, Facts, InstanceId, InstanceSpec, Observed, Purpose, Usage, Well};
use futures_util::future::BoxFuture;
use logs::Journal;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;

/// Wraps the engine that runs processes and tasks. Other faces' instances pass through as they are.
pub(super) struct Dressed {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) cell: Cell,
    pub(super) apps: Apps,
}

/// What is said of containers, in the words of Cloud Foundry. Cheap to clone.
#[derive(Clone)]
pub(super) struct Cell {
    journal: Journal,
    known: Arc<Mutex<HashMap<InstanceId, Known>>>,
}

/// Whose log an instance's lines go to.
struct Known {
    source: String,
    instance: String,
    process: String,
    index: u32,
    /// Has it not been seen well yet?
    fresh: bool,
    /// Was it ready when last seen?
    ready: bool,
}

/// An instance that has become ready, or is not any more.
#[derive(Clone)]
pub(super) struct Turned {
    pub(super) process: String,
    pub(super) index: u32,
    pub(super) instance: InstanceId,
    pub(super) ready: bool,
}

impl Cell {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, known: Arc::default() }
    }

    fn say(&self, spec: &InstanceSpec, words: &str) {
        self.journal.say(&spec.log.source, "CELL", &spec.log.instance, &format!("Cell local {words}"));
    }

    fn say_of(&self, id: &InstanceId, words: &str) {
        if let Some(known) = super::lock(&self.known).get(id) {
            self.journal.say(&known.source, "CELL", &known.instance, &format!("Cell local {words} instance {}", id.0));
        }
    }

    fn know(&self, spec: &InstanceSpec, well: Option<Well>) {
        let known = || Known {
            source: spec.log.source.clone(),
            instance: spec.log.instance.clone(),
            process: spec.workload.clone(),
            index: spec.index,
            fresh: spec.purpose == Purpose::Process && well.is_none(),
            ready: well.is_some_and(|well| well.ready),
        };
        super::lock(&self.known).entry(spec.id.clone()).or_insert_with(known);
    }

    /// An instance is well; said once for each start.
    fn well(&self, id: &InstanceId, ready: bool) -> Option<Turned> {
        let mut all = super::lock(&self.known);
        let known = all.get_mut(id)?;
        if std::mem::take(&mut known.fresh) {
            self.journal.say(&known.source, "CELL", &known.instance, "Container became healthy");
        }
        (std::mem::replace(&mut known.ready, ready) != ready).then(|| Turned {
            process: known.process.clone(),
            index: known.index,
            instance: id.clone(),
            ready,
        })
    }
}

impl Engine for Dressed {
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        if !is_ours(spec) {
            return self.engine.start(spec);
        }
        let mut spec = spec.clone();
        let index = (spec.purpose == Purpose::Process).then_some(spec.index);
        environment::instance(&mut spec.env, &spec.id.0, index);
        if spec.log.instance.is_empty() {
            spec.log.instance = spec.index.to_string();
        }
        Box::pin(async move {
            self.cell.say(&spec, &format!("creating container for instance {}", spec.id.0));
            let started = self.engine.start(&spec).await;
            match &started {
                Ok(_) => {
                    self.cell.know(&spec, None);
                    self.cell.say(&spec, &format!("successfully created container for instance {}", spec.id.0));
                }
                Err(error) => {
                    let line = format!("failed to create container for instance {}: {error}", spec.id.0);
                    self.cell.say(&spec, &line);
                }
            }
            started
        })
    }

    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.cell.say_of(id, "stopping");
        self.engine.stop(id)
    }

    fn kill<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.engine.kill(id)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>> {
        Box::pin(async move {
            let all = self.engine.list().await?;
            // Those of an earlier process too.
            let ours = all.iter().filter(|one| is_ours(&one.spec));
            ours.for_each(|one| self.cell.know(&one.spec, one.well));
            Ok(all)
        })
    }

    fn wait<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>> {
        self.engine.wait(id)
    }

    fn forget<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            self.engine.forget(id).await?;
            self.cell.say_of(id, "successfully destroyed container for");
            super::lock(&self.cell.known).remove(id);
            Ok(())
        })
    }

    fn note_well<'a>(&'a self, id: &'a InstanceId, well: Option<Well>) -> BoxFuture<'a, Result<(), EngineError>> {
        if let Some(turned) = well.and_then(|well| self.cell.well(id, well.ready)) {
            observe::turned(&self.apps, turned);
        }
        self.engine.note_well(id, well)
    }

    fn usage<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>> {
        self.engine.usage(id)
    }

    fn listeners<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Option<Vec<SocketAddr>>> {
        self.engine.listeners(id)
    }

    fn changes(&self) -> broadcast::Receiver<InstanceId> {
        self.engine.changes()
    }

    fn facts(&self) -> Facts {
        self.engine.facts()
    }

    fn root(&self) -> &Path {
        self.engine.root()
    }
}

/// Processes and tasks of apps, by whose log they write to.
fn is_ours(spec: &InstanceSpec) -> bool {
    spec.log.source_type.starts_with("APP/")
}
