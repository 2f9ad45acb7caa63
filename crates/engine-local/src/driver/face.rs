//! The driver as the engine room sees it.

use super::{LocalEngine, blocking, listeners, start};
use crate::instance::{Folder, Keeper, Means};
use engine::{Engine, EngineError, Exit, Facts, InstanceId, InstanceSpec, Observed, Usage, Well};
use futures_util::future::{BoxFuture, FutureExt};
use rustix::process::Signal;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::broadcast;

/// How long after its last patience a keeper may take to clean up.
const TIDYING: Duration = Duration::from_secs(20);

impl LocalEngine {
    /// Signals the keeper and waits for the end. A keeper that does not come to an end is killed, and its instance with it.
    async fn end(&self, id: &InstanceId, signal: Signal) -> Result<(), EngineError> {
        let Some((keeper, mut ended, grace)) = self
            .shared
            .entries()
            .get(id)
            .and_then(|entry| Some((entry.keeper.clone()?, entry.ended.subscribe(), entry.observed.spec.grace)))
        else {
            return Ok(());
        };
        let _ = rustix::process::pidfd_send_signal(&*keeper, signal);
        let patience = TIDYING + if signal == Signal::TERM { grace } else { Duration::ZERO };
        if tokio::time::timeout(patience, ended.wait_for(Option::is_some)).await.is_ok() {
            return Ok(());
        }
        tracing::error!(instance = %id.0, "the keeper does not end its instance and is killed");
        let _ = rustix::process::pidfd_send_signal(&*keeper, Signal::KILL);
        let late =
            || EngineError::Host(format!("instance {:?} cannot be killed; a process of it hangs in the kernel", id.0));
        tokio::time::timeout(TIDYING, ended.wait_for(Option::is_some)).await.map(drop).map_err(|_| late())
    }
}

impl Engine for LocalEngine {
    fn start<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        let begun = tokio::spawn(start::start(self.shared.clone(), spec.clone()));
        async move { begun.await.unwrap_or_else(|error| Err(EngineError::Host(format!("internal: {error}")))) }.boxed()
    }

    fn stop<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.end(id, Signal::TERM).boxed()
    }

    fn kill<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.end(id, Signal::INT).boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>> {
        async move {
            let mut all: Vec<Observed> = self.shared.entries().values().map(|entry| entry.observed.clone()).collect();
            all.sort_by(|one, other| (one.started_at, &one.id).cmp(&(other.started_at, &other.id)));
            Ok(all)
        }
        .boxed()
    }

    fn wait<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>> {
        async move {
            let ended = self.shared.entries().get(id).map(|entry| entry.ended.subscribe());
            let mut ended = ended.ok_or_else(|| EngineError::Unknown(id.clone()))?;
            let exit = ended.wait_for(Option::is_some).await.map_err(|_| EngineError::Unknown(id.clone()))?;
            exit.clone().ok_or_else(|| EngineError::Unknown(id.clone()))
        }
        .boxed()
    }

    fn forget<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            {
                let mut entries = self.shared.entries();
                match entries.get(id) {
                    Some(entry) if entry.keeper.is_some() => {
                        return Err(EngineError::Refused(format!("the instance {:?} still runs", id.0)));
                    }
                    Some(_) => drop(entries.remove(id)),
                    None => return Ok(()),
                }
            }
            let folder = self.shared.folder(id);
            blocking(move || {
                std::fs::remove_dir_all(&folder.0)
                    .map_err(crate::error::host(format!("removing {}", folder.0.display())))
            })
            .await?;
            let _ = self.shared.changes.send(id.clone());
            Ok(())
        }
        .boxed()
    }

    fn note_well<'a>(&'a self, id: &'a InstanceId, well: Option<Well>) -> BoxFuture<'a, Result<(), EngineError>> {
        async move {
            let runs = self.shared.entries().get(id).map(|entry| entry.keeper.is_some());
            match runs {
                None => return Err(EngineError::Unknown(id.clone())),
                Some(false) => return Ok(()),
                Some(true) => {}
            }
            let folder = self.shared.folder(id);
            blocking(move || folder.write_well(well).map_err(crate::error::host("writing well.json"))).await?;
            if let Some(entry) = self.shared.entries().get_mut(id) {
                entry.observed.well = well;
            }
            Ok(())
        }
        .boxed()
    }

    fn usage<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>> {
        async move {
            let runs = self.shared.entries().get(id).map(|entry| entry.keeper.is_some());
            match runs {
                None => Err(EngineError::Unknown(id.clone())),
                Some(false) => Ok(Usage::default()),
                Some(true) => {
                    let folder = self.shared.folder(id);
                    blocking(move || Ok(usage(&folder))).await
                }
            }
        }
        .boxed()
    }

    fn listeners<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Option<Vec<SocketAddr>>> {
        async move {
            let runs = self.shared.entries().get(id).is_some_and(|entry| entry.keeper.is_some());
            // A bare process shares this host's network, whose listeners are not all its own.
            if !runs || self.shared.cgroups.is_none() {
                return None;
            }
            let folder = self.shared.folder(id);
            blocking(move || Ok(listeners::of(&folder))).await.ok().flatten()
        }
        .boxed()
    }

    fn changes(&self) -> broadcast::Receiver<InstanceId> {
        self.shared.changes.subscribe()
    }

    fn facts(&self) -> Facts {
        self.shared.facts.clone()
    }

    fn root(&self) -> &Path {
        &self.shared.options.root
    }
}

/// Zeros for what cannot be read: it may end at any moment.
fn usage(folder: &Folder) -> Usage {
    let Ok(record) = folder.record() else { return Usage::default() };
    let Means::Container(isolation) = record.means else { return Usage::default() };
    let (cpu, memory_bytes) = isolation.cgroup.usage();
    let mut disk_bytes = 0;
    if let Some(Keeper::Pid(pid)) = folder.keeper() {
        // The writable layer is mounted in the keeper's namespace only.
        let inside = format!("/proc/{pid}/root{}", folder.path("disk").display());
        if let Ok(data) = rustix::fs::statfs(inside.as_str()) {
            let blocks = data.f_blocks.saturating_sub(data.f_bfree);
            disk_bytes = blocks * u64::try_from(data.f_bsize).unwrap_or(0);
        }
    }
    Usage { cpu, memory_bytes, disk_bytes }
}
