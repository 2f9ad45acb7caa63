//! Starting one instance.

use super::{Shared, attach, surroundings};
use crate::bare;
use crate::disk::{self, Disk};
use crate::error::host;
use crate::instance::{Folder, Isolation, Keeper, Link, Means, Record};
use crate::stacks;
use engine::{EngineError, InstanceSpec, Observed};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Component, Path};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A keeper that has not answered by then is hung on the host.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// Runs to its end even if the caller goes away: an instance that runs is always known.
pub(super) async fn start(shared: Arc<Shared>, spec: InstanceSpec) -> Result<Observed, EngineError> {
    if shared.cgroups.is_some() {
        let mut up = shared.network.lock().await;
        // Somebody may have taken the bridge away: another process that ended all, or an administrator.
        if !*up || !shared.plan.is_there() {
            let (plan, options) = (shared.plan.clone(), shared.options.clone());
            super::blocking(move || plan.set_up(&options.doors, &options.loopback_doors)).await?;
            *up = true;
        }
    }
    let (bytes, refilled) = (spec.limits.disk_bytes, shared.clone());
    let done = super::blocking(move || {
        let link = shared.cgroups.map(|_| place(&shared, &spec)).transpose()?;
        let address = link.as_ref().map(|link| link.address);
        let done = launch(&shared, spec, link);
        if let Some(address) = address {
            shared.placing().remove(&address);
        }
        done
    })
    .await;
    if done.is_ok() && refilled.cgroups.is_some() && refilled.loops {
        // For the next one; nobody waits for it, and a failure shows when it is made in line.
        drop(tokio::task::spawn_blocking(move || refilled.ready.refill(bytes)));
    }
    done
}

/// Takes an address for it.
fn place(shared: &Shared, spec: &InstanceSpec) -> Result<Link, EngineError> {
    let mut placing = shared.placing();
    let running = shared.entries();
    let addresses = running.values().filter(|entry| entry.keeper.is_some()).filter_map(|entry| entry.link);
    let used = addresses.chain(placing.iter().copied()).collect();
    let link = shared.plan.place(spec.egress, shared.turn.fetch_add(1, Ordering::Relaxed), &used)?;
    placing.insert(link.address);
    Ok(link)
}

fn launch(shared: &Arc<Shared>, mut spec: InstanceSpec, network: Option<Link>) -> Result<Observed, EngineError> {
    check(&spec)?;
    let options = &shared.options;
    let id = spec.id.clone();
    let mut ready = None;
    let means = match shared.cgroups {
        Some(version) => {
            let root = stacks::named(&options.root.join("stacks"), &spec.root.stack)?;
            if !root.is_dir() {
                return Err(EngineError::Refused(format!(
                    "there is no stack {:?}; import it, or use one of {:?}",
                    spec.root.stack,
                    super::names(&options.root.join("stacks"))
                )));
            }
            ready = shared.ready.take(spec.limits.disk_bytes);
            let disk = match (&ready, shared.loops) {
                (Some(_), _) => Disk::Ready,
                (None, true) => {
                    Disk::Loop { template: disk::template(&options.root.join("disks"), spec.limits.disk_bytes)? }
                }
                (None, false) => Disk::Tmpfs,
            };
            Means::Container(Box::new(Isolation {
                root,
                host_usr: spec.root.stack == "host",
                cgroup: shared.cgroup(version, &id.0),
                disk,
            }))
        }
        None if !spec.companions.is_empty() => {
            let words = "sidecars need containers, and this host runs bare processes";
            return Err(EngineError::Refused(words.to_owned()));
        }
        None => {
            bare::take_ports(&mut spec)?;
            Means::Bare
        }
    };
    surroundings::add(&mut spec, network.as_ref().map(|link| link.address), &options.root.join("stacks"));
    let started_at = jiff::Timestamp::now().as_microsecond();
    let record = Record { spec, started_at, logs: options.logs.clone(), log_bytes: options.log_bytes, network, means };
    let folder = shared.folder(&id);
    if folder.0.exists() {
        return Err(EngineError::Refused(format!("the instance {:?} is there already", id.0)));
    }
    let pid = folder
        .create(&record)
        .and_then(|lock| keep(&options.keeper, &folder, &id.0, lock, ready))
        .inspect_err(|_| remove(&folder))?;
    attach::watch_keeper(shared, &record, pid)?;
    shared.entries().get(&id).map(|entry| entry.observed.clone()).ok_or(EngineError::Unknown(id))
}

/// Starts the keeper and waits for its word; answers its pid.
fn keep(program: &Path, folder: &Folder, id: &str, lock: File, ready: Option<OwnedFd>) -> Result<i32, EngineError> {
    let (answer, said) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(host("making a pipe"))?;
    let log = || File::create(folder.path("keeper.log")).map_err(host("writing keeper.log"));
    let error = ready.map_or_else(|| log().map(Stdio::from), |mount| Ok(Stdio::from(mount)))?;
    #[expect(clippy::disallowed_methods, reason = "our own program, by argv; the id is ours and all else is in a file")]
    let mut child = std::process::Command::new(program)
        // Seen from inside as the command line of process 1: without a path of the host.
        .arg0("pitlane")
        .args(["keeper", id])
        .current_dir(&folder.0)
        .env_clear()
        .stdin(Stdio::from(lock))
        .stdout(Stdio::from(said))
        .stderr(error)
        .spawn()
        .map_err(host(format!("starting {}", program.display())))?;
    // It has put itself into the background and ends at once.
    let _ = child.wait();
    let words = hear(answer)?;
    match words.split_once(' ') {
        None if words == "started" => match folder.keeper() {
            Some(Keeper::Pid(pid)) => Ok(pid),
            // Ended already, so quickly that its lock is gone: its pid says no more.
            _ => Ok(i32::MAX),
        },
        Some(("refused", words)) => Err(EngineError::Refused(words.to_owned())),
        Some(("host", words)) => Err(EngineError::Host(words.to_owned())),
        _ => {
            let log = std::fs::read_to_string(folder.path("keeper.log")).unwrap_or_default();
            Err(EngineError::Host(format!("the keeper ended without a word: {}", log.trim())))
        }
    }
}

fn hear(answer: OwnedFd) -> Result<String, EngineError> {
    let mut answer = File::from(answer);
    let mut words = Vec::new();
    loop {
        let ready = rustix::event::poll(&mut [PollFd::new(&answer, PollFlags::IN)], Some(&PATIENCE))
            .map_err(host("waiting for the keeper"))?;
        if ready == 0 {
            return Err(EngineError::Host(format!("the keeper has not answered for {} seconds", PATIENCE.tv_sec)));
        }
        let mut part = [0; 4096];
        match answer.read(&mut part).map_err(host("waiting for the keeper"))? {
            0 => return Ok(String::from_utf8_lossy(&words).into_owned()),
            read => words.extend_from_slice(&part[..read]),
        }
    }
}

/// Removes what a failed start left: a keeper that hangs, its control group, the folder.
fn remove(folder: &Folder) {
    let record = folder.record();
    if let Some(Keeper::Pid(pid)) = folder.keeper()
        && let Some(pid) = rustix::process::Pid::from_raw(pid)
    {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    if let Ok(Record { means: Means::Container(isolation), .. }) = record {
        isolation.cgroup.remove();
    }
    let _ = std::fs::remove_dir_all(&folder.0);
}

fn check(spec: &InstanceSpec) -> Result<(), EngineError> {
    let refuse = |words: String| Err(EngineError::Refused(words));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if spec.id.0.is_empty() || spec.id.0.len() > 64 || !spec.id.0.bytes().all(plain) {
        return refuse(format!("{:?} is no id of an instance", spec.id.0));
    }
    let all = std::iter::once(&spec.argv).chain(spec.companions.iter().map(|one| &one.argv));
    if all.into_iter().any(|argv| argv.first().is_none_or(String::is_empty)) {
        return refuse("there is no command to run".to_owned());
    }
    let inside = |path: &str| {
        Path::new(path).is_absolute() && !Path::new(path).components().any(|part| part == Component::ParentDir)
    };
    if !inside(&spec.cwd) {
        return refuse(format!("the working folder {:?} is not absolute", spec.cwd));
    }
    if let Some(layer) = spec.root.layers.iter().find(|layer| !layer.is_dir()) {
        return refuse(format!("the layer {} is not there", layer.display()));
    }
    for mount in &spec.root.mounts {
        if !mount.source.exists() || !inside(&mount.target) {
            return refuse(format!("{} cannot be shown at {:?}", mount.source.display(), mount.target));
        }
    }
    if spec.limits.memory_bytes < 1 << 20 || spec.limits.pids == 0 || spec.limits.files < 16 {
        return refuse("the limits leave no room to run: at least 1 MiB of memory, 1 process and 16 files".to_owned());
    }
    Ok(())
}
