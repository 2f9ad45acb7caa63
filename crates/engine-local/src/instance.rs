//! The folder of one instance, which is all that driver and keeper share.
//!
//! `instances/<id>/`: `spec.json` (mode 0600, written once by the driver), `lock` (locked by the driver, then inherited and
//! held by the keeper until it ends; holds the keeper's pid), `stop` (somebody asked it to end), `exit.json` (how it ended,
//! written once, atomically), `well.json` (whether it is well, as the driver was told), `keeper.log` (what the keeper itself had to say), the writable layer.
//! A folder whose lock is free and that has no `exit.json` belongs to a keeper that was killed.

use crate::error::host;
use engine::{EngineError, Exit, ExitKind, InstanceId, InstanceSpec, Well};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes for the exit status, taken when the instance is made: it can be written down on a full disk.
const ROOM: usize = 512;
/// The same for `well.json`.
const WELL_ROOM: usize = 128;

/// What the keeper needs, complete: it probes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub spec: InstanceSpec,
    /// Microseconds since 1970 UTC.
    pub started_at: i64,
    /// Root of application logs, and the size at which a file is rotated.
    pub logs: PathBuf,
    pub log_bytes: u64,
    pub network: Option<Link>,
    pub means: Means,
}

/// Its place in the network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Link {
    pub bridge: String,
    pub veth: String,
    pub address: Ipv4Addr,
    pub prefix: u8,
    /// Absent where the instance has no way out.
    pub gateway: Option<Ipv4Addr>,
    /// Contents of `/etc/resolv.conf`.
    pub resolver: String,
}

/// How it is run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Means {
    /// In a container.
    Container(Box<Isolation>),
    /// As a bare process in a folder, which takes the place of `/home/vcap`.
    Bare,
}

/// The parts of a container that the driver chose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Isolation {
    /// The root folder.
    pub root: PathBuf,
    /// Is the host's `/usr` shown in it?
    pub host_usr: bool,
    pub cgroup: crate::cgroup::Cgroup,
    pub disk: crate::disk::Disk,
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new(instances: &Path, id: &InstanceId) -> Self {
        Self(instances.join(&id.0))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the folder with its record; answers the lock, held.
    pub fn create(&self, record: &Record) -> Result<File, EngineError> {
        let doing = || format!("creating {}", self.0.display());
        std::fs::DirBuilder::new().create(&self.0).map_err(host(doing()))?;
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path("lock"))
            .map_err(host(doing()))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(host(doing()))?;
        let text = serde_json::to_vec(record).map_err(host(doing()))?;
        write_new(&self.path("exit.json.new"), &[b' '; ROOM]).map_err(host(doing()))?;
        write_new(&self.path("well.json"), &[b' '; WELL_ROOM]).map_err(host(doing()))?;
        write_new(&self.path("spec.json"), &text).map_err(host(doing()))?;
        Ok(lock)
    }

    pub fn record(&self) -> Result<Record, EngineError> {
        let path = self.path("spec.json");
        let text = std::fs::read(&path).map_err(host(format!("reading {}", path.display())))?;
        serde_json::from_slice(&text).map_err(host(format!("reading {}", path.display())))
    }

    pub fn exit(&self) -> Option<Exit> {
        serde_json::from_slice(&std::fs::read(self.path("exit.json")).ok()?).ok()
    }

    /// Writes down how it ended, whole or not at all.
    pub fn write_exit(&self, kind: ExitKind) -> std::io::Result<Exit> {
        let exit = Exit { kind, at: jiff::Timestamp::now().as_microsecond() };
        let new = self.path("exit.json.new");
        let mut text = serde_json::to_vec(&exit)?;
        text.resize(text.len().max(ROOM), b' ');
        OpenOptions::new().create(true).write(true).truncate(false).open(&new)?.write_all(&text)?;
        std::fs::rename(new, self.path("exit.json"))?;
        Ok(exit)
    }

    /// Writes down that it is well, or not. One write of always the same bytes in place: a process killed meanwhile leaves
    /// the old or the new, and a full disk takes it.
    pub fn write_well(&self, well: Option<Well>) -> std::io::Result<()> {
        let mut text = well.map_or(Ok(Vec::new()), |well| serde_json::to_vec(&well))?;
        text.resize(WELL_ROOM, b' ');
        OpenOptions::new().write(true).open(self.path("well.json"))?.write_all_at(&text, 0)
    }

    pub fn well(&self) -> Option<Well> {
        serde_json::from_slice(&std::fs::read(self.path("well.json")).ok()?).ok()
    }

    /// The pid of the keeper that holds the lock; `None` when none does.
    pub fn keeper(&self) -> Option<Keeper> {
        let mut lock = File::open(self.path("lock")).ok()?;
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
            return None;
        }
        let mut text = String::new();
        lock.read_to_string(&mut text).ok()?;
        Some(text.trim().parse().map_or(Keeper::Starting, Keeper::Pid))
    }

    /// Says in the lock file who keeps the instance.
    pub fn sign(lock: &File) -> std::io::Result<()> {
        lock.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)
    }
}

/// Who holds the lock.
pub(crate) enum Keeper {
    /// Not signed yet.
    Starting,
    /// This process.
    Pid(i32),
}

fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text)
}
