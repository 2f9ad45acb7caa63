//! The driver: what the control process holds.

mod attach;
mod face;
mod listeners;
mod ready;
mod start;
mod surroundings;

use crate::cgroup::{Cgroup, Version};
use crate::error::host;
use crate::facts;
use crate::instance::Folder;
use crate::layers;
use crate::network::Plan;
use crate::stacks;
use engine::{EngineError, Exit, Facts, InstanceId, Observed};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};

/// What is to be known to open the engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where instances, layers and stacks live (`<data>/engine`). Made if missing.
    pub root: PathBuf,
    /// Root of application logs (`<data>/logs`).
    pub logs: PathBuf,
    /// The program that is started as `<keeper> keeper …`; its `main` hands over to [`crate::keeper::main`] at once.
    pub keeper: PathBuf,
    /// The first address of the instances' /20; `None` keeps or chooses one of 10.128.0.0/9.
    pub subnet: Option<Ipv4Addr>,
    /// TCP ports of this host that instances with a way out may reach on its addresses: the front door's, so that an
    /// application reaches another by its route.
    pub doors: Vec<u16>,
    /// Those of them that listen on 127.0.0.1 alone: what comes from instances to [`LocalEngine::door`] is led there.
    pub loopback_doors: Vec<u16>,
    /// May instances run as bare processes where the host cannot do containers?
    pub allow_bare: bool,
    /// Bytes at which an instance's log file is rotated; two are kept.
    pub log_bytes: u64,
}

impl Options {
    /// Usual values.
    pub fn new(root: impl Into<PathBuf>, logs: impl Into<PathBuf>, keeper: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            logs: logs.into(),
            keeper: keeper.into(),
            subnet: None,
            doors: Vec::new(),
            loopback_doors: Vec::new(),
            allow_bare: false,
            log_bytes: 4 << 20,
        }
    }
}

/// Containers on this machine. Cheap to clone.
#[derive(Clone)]
pub struct LocalEngine {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    facts: Facts,
    cgroups: Option<Version>,
    loops: bool,
    ready: ready::Ready,
    /// Unique to the data folder, eight hexadecimal digits: names of bridge, links, table and control group derive from it.
    tag: String,
    plan: Plan,
    /// Is the bridge there?
    network: tokio::sync::Mutex<bool>,
    /// Where the search for a free address begins.
    turn: AtomicU32,
    table: Mutex<HashMap<InstanceId, Entry>>,
    /// Addresses of instances that are being started.
    placing: Mutex<HashSet<Ipv4Addr>>,
    changes: broadcast::Sender<InstanceId>,
}

struct Entry {
    observed: Observed,
    /// The keeper, while it lives.
    keeper: Option<Arc<OwnedFd>>,
    /// Its address in the network, also where no port is reached.
    link: Option<Ipv4Addr>,
    ended: watch::Sender<Option<Exit>>,
}

impl LocalEngine {
    /// This host's address as instances reach it; `None` where they run as bare processes, for which it is 127.0.0.1.
    pub fn door(&self) -> Option<Ipv4Addr> {
        self.shared.facts.isolated.then(|| self.shared.plan.gateway())
    }

    /// Probes the host and finds the instances that run. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// The folder cannot be used, or the host cannot do containers and bare processes are not allowed; then the words are
    /// the problems with their remedies.
    pub fn open(mut options: Options) -> Result<Self, EngineError> {
        for name in ["instances", "layers", "stacks", "disks"] {
            let path = options.root.join(name);
            std::fs::create_dir_all(&path).map_err(host(format!("making {}", path.display())))?;
        }
        std::fs::create_dir_all(&options.logs).map_err(host(format!("making {}", options.logs.display())))?;
        for path in [&mut options.root, &mut options.logs, &mut options.keeper] {
            *path = std::fs::canonicalize(&*path).map_err(host(format!("finding {}", path.display())))?;
        }
        if options.root.starts_with("/usr") {
            return Err(EngineError::Refused(
                "the data folder must not be under /usr, which instances see; choose another".to_owned(),
            ));
        }
        let found = facts::find(&options.keeper, &options.root.join("disks"));
        if found.cgroups.is_none() && !options.allow_bare {
            return Err(EngineError::Host(format!(
                "this host cannot run containers: {}",
                found.facts.problems.join("; ")
            )));
        }
        let tag = hex::encode(&Sha256::digest(options.root.as_os_str().as_encoded_bytes())[..4]);
        let mut facts = found.facts;
        if found.cgroups.is_some()
            && let Err(error) = stacks::host_stack(&options.root.join("stacks"))
        {
            facts.problems.push(error.to_string());
        }
        let plan = Plan::choose(&options.root.join("network.json"), &tag, options.subnet)?;
        if let Some(resolver) = plan.hidden_resolver() {
            facts.problems.push(format!(
                "instances find no names: this host's resolver {resolver} lies in their own network ({}/20); end all with \
                 `pitlane stop --apps`, remove network.json from the folder `engine` of the data folder, and start again",
                plan.subnet
            ));
        }
        layers::sweep(&options.root.join("layers"));
        layers::sweep(&options.root.join("stacks"));
        let shared = Shared {
            facts,
            cgroups: found.cgroups,
            loops: found.loops,
            ready: ready::Ready::new(&options.root.join("disks")),
            tag,
            plan,
            network: tokio::sync::Mutex::new(false),
            // Begins elsewhere after each restart, so that addresses are not used again soon.
            turn: AtomicU32::new(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs()),
            table: Mutex::default(),
            placing: Mutex::default(),
            changes: broadcast::channel(1024).0,
            options,
        };
        let engine = Self { shared: Arc::new(shared) };
        attach::find(&engine.shared)?;
        Ok(engine)
    }

    /// The folder of a droplet's files, unpacked from `archive` (gzipped tar) if it is not there yet.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with what is wrong with the archive; nothing is left of it then.
    pub async fn layer(&self, digest: &str, archive: &Path) -> Result<PathBuf, EngineError> {
        let (layers, digest, archive) =
            (self.shared.options.root.join("layers"), digest.to_owned(), archive.to_owned());
        blocking(move || layers::layer(&layers, &digest, &archive)).await
    }

    /// Unpacks a root file system (tar, gzipped or not) as the stack `name`.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for a name that is none or is taken, and for what is wrong with the archive.
    pub async fn import_stack(&self, name: &str, archive: &Path) -> Result<PathBuf, EngineError> {
        let (stacks, name, archive) = (self.shared.options.root.join("stacks"), name.to_owned(), archive.to_owned());
        blocking(move || stacks::import(&stacks, &name, &archive)).await
    }

    /// Names of the stacks that are there.
    pub fn stacks(&self) -> Vec<String> {
        let mut names = names(&self.shared.options.root.join("stacks"));
        names.sort();
        names
    }

    /// Removes layers that are neither in `keep` nor used by an instance; answers their digests. Not to be called while a
    /// [`Self::layer`] is on its way to its first instance: name it in `keep`.
    ///
    /// # Errors
    /// The host's, in words.
    pub async fn gc(&self, keep: HashSet<String>) -> Result<Vec<String>, EngineError> {
        let layers = self.shared.options.root.join("layers");
        let used: HashSet<PathBuf> =
            self.shared.entries().values().flat_map(|entry| entry.observed.spec.root.layers.clone()).collect();
        blocking(move || {
            let idle: Vec<_> = names(&layers)
                .into_iter()
                .filter(|name| !keep.contains(name) && !used.contains(&layers.join(name)))
                .collect();
            for name in &idle {
                // Renamed first: a layer is whole or not there.
                let gone = layers.join(format!(".new-{name}"));
                std::fs::rename(layers.join(name), &gone)
                    .and_then(|()| std::fs::remove_dir_all(gone))
                    .map_err(host(format!("removing the layer {name}")))?;
            }
            Ok(idle)
        })
        .await
    }

    /// Ends every instance of this data folder at once, and removes its network. For `pitlane stop --apps`.
    ///
    /// # Errors
    /// The host's, in words; what can be ended has been.
    pub async fn end_all(&self) -> Result<(), EngineError> {
        let ids: Vec<InstanceId> = self.shared.entries().keys().cloned().collect();
        let ends = ids.iter().map(|id| engine::Engine::kill(self, id));
        let ends = futures_util::future::join_all(ends).await;
        let mut up = self.shared.network.lock().await;
        *up = false;
        self.shared.ready.clear();
        let shared = self.shared.clone();
        let done = blocking(move || {
            if let Some(version) = shared.cgroups {
                shared.cgroup(version, "x").remove_keepers();
                shared.cgroup(version, "").remove_folders();
            }
            shared.plan.tear_down()
        })
        .await;
        ends.into_iter().collect::<Result<(), _>>().and(done)
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, HashMap<InstanceId, Entry>> {
        // A panic cannot leave the table half-changed: each change is one insertion or one field.
        self.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn placing(&self) -> MutexGuard<'_, HashSet<Ipv4Addr>> {
        self.placing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn instances(&self) -> PathBuf {
        self.options.root.join("instances")
    }

    fn folder(&self, id: &InstanceId) -> Folder {
        Folder::new(&self.instances(), id)
    }

    fn cgroup(&self, version: Version, id: &str) -> Cgroup {
        Cgroup { version, path: format!("/pitlane-{}/{id}", self.tag) }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| !name.starts_with('.')).collect()
}

/// Runs what waits for the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(EngineError::Host(format!("internal: {error}"))))
}
