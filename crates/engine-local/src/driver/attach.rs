//! Finding instances by their folders, and learning of their ends.

use super::{Entry, Shared};
use crate::instance::{Folder, Keeper, Means, Record};
use engine::{EngineError, Exit, ExitKind, InstanceId, Observed};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

/// Takes up all folders: what runs is watched again, what lost its keeper is cleaned up.
pub(super) fn find(shared: &Arc<Shared>) -> Result<(), EngineError> {
    for name in super::names(&shared.instances()) {
        let id = InstanceId(name);
        let folder = shared.folder(&id);
        let keeper = settled(&folder);
        let Ok(record) = folder.record() else {
            // Its making was cut off before the record was whole, so no keeper was ever started on it.
            if keeper.is_none() {
                let _ = std::fs::remove_dir_all(&folder.0);
            }
            continue;
        };
        match keeper {
            Some(pid) => watch_keeper(shared, &record, pid)?,
            None => {
                let exit = folder.exit().unwrap_or_else(|| lost(&folder, &record));
                insert(shared, &record, None, Some(exit));
            }
        }
    }
    Ok(())
}

/// The keeper's pid, once it has signed; it does so first of all.
fn settled(folder: &Folder) -> Option<i32> {
    for _ in 0..100 {
        match folder.keeper()? {
            Keeper::Pid(pid) => return Some(pid),
            Keeper::Starting => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// Enters a running instance and watches its keeper. The keeper may be gone already: that is seen at once.
pub(super) fn watch_keeper(shared: &Arc<Shared>, record: &Record, pid: i32) -> Result<(), EngineError> {
    let id = &record.spec.id;
    let raw = rustix::process::Pid::from_raw(pid)
        .ok_or_else(|| EngineError::Host(format!("instance {id:?} is kept by no process")))?;
    let keeper = rustix::process::pidfd_open(raw, rustix::process::PidfdFlags::NONBLOCK).ok();
    // Between reading and opening, the number may have gone to a stranger; the lock tells.
    let Some(keeper) = keeper.filter(|_| shared.folder(id).keeper().is_some()).map(Arc::new) else {
        let folder = shared.folder(id);
        insert(shared, record, None, Some(folder.exit().unwrap_or_else(|| lost(&folder, record))));
        return Ok(());
    };
    insert(shared, record, Some(keeper.clone()), None);
    let (shared, record) = (shared.clone(), record.clone());
    tokio::spawn(async move {
        ended(&keeper).await;
        let (folder, kept) = (shared.folder(&record.spec.id), record.clone());
        let exit = tokio::task::spawn_blocking(move || folder.exit().unwrap_or_else(|| lost(&folder, &kept))).await;
        let exit = exit.unwrap_or(Exit { kind: ExitKind::Lost, at: jiff::Timestamp::now().as_microsecond() });
        settle(&shared, &record.spec.id, exit);
    });
    Ok(())
}

async fn ended(keeper: &Arc<OwnedFd>) {
    // SAFETY: the descriptor is owned and shared, never closed or replaced while it is registered.
    if let Ok(fd) = unsafe { AsyncFd::register_with_interest(keeper.clone(), Interest::READABLE) } {
        let _ = fd.readable().await;
    }
}

fn insert(shared: &Shared, record: &Record, keeper: Option<Arc<OwnedFd>>, exit: Option<Exit>) {
    let address = match (&record.network, &record.means) {
        _ if record.spec.ports.is_empty() => None,
        (Some(link), _) => Some(IpAddr::V4(link.address)),
        (None, Means::Bare) => Some(IpAddr::from([127, 0, 0, 1])),
        (None, Means::Container(_)) => None,
    };
    let observed = Observed {
        id: record.spec.id.clone(),
        spec: record.spec.clone(),
        started_at: record.started_at,
        address,
        exit: exit.clone(),
        well: shared.folder(&record.spec.id).well(),
    };
    shared.entries().insert(
        record.spec.id.clone(),
        Entry {
            observed,
            keeper,
            link: record.network.as_ref().map(|link| link.address),
            ended: watch::channel(exit).0,
        },
    );
    let _ = shared.changes.send(record.spec.id.clone());
}

fn settle(shared: &Shared, id: &InstanceId, exit: Exit) {
    if let Some(entry) = shared.entries().get_mut(id) {
        entry.keeper = None;
        entry.observed.exit = Some(exit.clone());
        entry.ended.send_replace(Some(exit));
    }
    let _ = shared.changes.send(id.clone());
}

/// The keeper was killed, or the host restarted: the kernel has killed the container or is at it; the rest is removed here.
fn lost(folder: &Folder, record: &Record) -> Exit {
    if let Means::Container(isolation) = &record.means
        && !isolation.cgroup.remove()
    {
        tracing::error!(instance = %record.spec.id.0, "what is left of a lost instance cannot be killed");
    }
    folder
        .write_exit(ExitKind::Lost)
        .unwrap_or(Exit { kind: ExitKind::Lost, at: jiff::Timestamp::now().as_microsecond() })
}
