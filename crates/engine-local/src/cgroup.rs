//! Control groups, both versions: what the driver and the keeper read, kill and remove. libcontainer writes the limits.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MOUNT: &str = "/sys/fs/cgroup";

/// Version 1 controllers whose folders an instance gets when they are mounted.
const V1: [&str; 12] = [
    "memory",
    "pids",
    "cpu",
    "cpuacct",
    "cpuset",
    "devices",
    "freezer",
    "blkio",
    "hugetlb",
    "net_cls",
    "net_prio",
    "perf_event",
];

/// The control group of one instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cgroup {
    pub version: Version,
    /// Relative to the root of each hierarchy.
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Version {
    V1 {
        /// Is swap accounted, so that it can be forbidden?
        swap: bool,
    },
    V2 {
        /// Can swap be forbidden?
        swap: bool,
    },
}

impl Version {
    /// What this host has, or why it does not suffice.
    pub fn probe() -> Result<Self, String> {
        let has = |path: &str| Path::new(MOUNT).join(path).exists();
        if has("cgroup.controllers") {
            return Self::probe_v2();
        }
        let missing: Vec<_> =
            ["memory", "pids", "cpu"].into_iter().filter(|name| !has(&format!("{name}/cgroup.procs"))).collect();
        if !missing.is_empty() {
            return Err(format!("no cgroup controllers {} under {MOUNT}; mount cgroup2 there", missing.join(", ")));
        }
        Ok(Self::V1 { swap: has("memory/memory.memsw.limit_in_bytes") })
    }

    /// Makes a group as an instance will have it: a controller that the kernel has may still be out of reach, and files of the
    /// root itself say nothing of those below.
    fn probe_v2() -> Result<Self, String> {
        let group = Path::new(MOUNT).join(format!("pitlane-probe-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&group).map_err(|error| {
            format!("no cgroup can be made in {MOUNT} ({error}); run Pitlane as root, outside of a container or in a privileged one")
        })?;
        let limits = [("memory", "memory.max"), ("pids", "pids.max"), ("cpu", "cpu.weight")];
        // Fails in a container whose processes are in the root of its tree.
        for (controller, _) in limits {
            let _ = std::fs::write(Path::new(MOUNT).join("cgroup.subtree_control"), format!("+{controller}"));
        }
        let missing: Vec<_> =
            limits.iter().filter(|(_, file)| !group.join(file).exists()).map(|(controller, _)| *controller).collect();
        let swap = group.join("memory.swap.max").exists();
        let _ = std::fs::remove_dir(&group);
        if missing.is_empty() {
            return Ok(Self::V2 { swap });
        }
        Err(format!(
            "the cgroup controllers {} cannot be had; enable them on the kernel's command line (cgroup_enable=memory), \
             or run Pitlane outside of a container",
            missing.join(", ")
        ))
    }
}

impl Cgroup {
    fn file(&self, controller: &str, name: &str) -> PathBuf {
        let mut path = PathBuf::from(MOUNT);
        if matches!(self.version, Version::V1 { .. }) {
            path.push(controller);
        }
        path.push(self.path.trim_start_matches('/'));
        path.push(name);
        path
    }

    fn read(&self, controller: &str, name: &str) -> Option<String> {
        std::fs::read_to_string(self.file(controller, name)).ok()
    }

    fn keyed(&self, controller: &str, name: &str, key: &str) -> Option<u64> {
        let text = self.read(controller, name)?;
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
    }

    /// Where keepers of this data folder live on a host with systemd, which ends what is in its own groups when a service
    /// stops: instances must outlive that.
    fn keepers(&self) -> Vec<PathBuf> {
        if !Path::new("/run/systemd/system").exists() {
            return Vec::new();
        }
        let hierarchies: &[&str] = match self.version {
            Version::V1 { .. } => &["systemd", "unified"],
            Version::V2 { .. } => &[""],
        };
        let all = Path::new(self.path.trim_start_matches('/')).parent().unwrap_or(Path::new("")).join("keepers");
        let hierarchies = hierarchies.iter().map(|name| Path::new(MOUNT).join(name)).filter(|path| path.is_dir());
        hierarchies.map(|path| path.join(&all)).collect()
    }

    /// Makes the folder that version 2's groups of this data folder share. libcontainer makes it too, but fails where several
    /// keepers do so at once.
    pub fn make_parent(&self) {
        if matches!(self.version, Version::V2 { .. }) {
            // What goes wrong here goes wrong there again, and is said there.
            let _ = self.file("", "").parent().map(std::fs::create_dir_all);
        }
    }

    /// Moves the calling process out of its starter's group. Where that fails it stays, which is a question of who ends it.
    pub fn join_keepers(&self) {
        for folder in self.keepers() {
            let _ = std::fs::create_dir_all(&folder);
            let _ = std::fs::write(folder.join("cgroup.procs"), "0");
        }
    }

    /// Removes the keepers' group once the last has ended.
    pub fn remove_keepers(&self) {
        for folder in self.keepers() {
            let _ = std::fs::remove_dir(&folder);
            let _ = folder.parent().map(std::fs::remove_dir);
        }
    }

    /// How many of its processes were killed for want of memory.
    pub fn oom_kills(&self) -> u64 {
        match self.version {
            Version::V1 { .. } => self.keyed("memory", "memory.oom_control", "oom_kill"),
            Version::V2 { .. } => self.keyed("memory", "memory.events", "oom_kill"),
        }
        .unwrap_or(0)
    }

    /// Its processes, all of them.
    pub fn processes(&self) -> Vec<i32> {
        let text = self.read("pids", "cgroup.procs").unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Kills what runs in it and removes it; answers whether it is gone.
    pub fn remove(&self) -> bool {
        for attempt in 0..200_u32 {
            let left = self.processes();
            if left.is_empty() && self.remove_folders() {
                return true;
            }
            if matches!(self.version, Version::V2 { .. }) {
                // All at once, also what is being born; kernels before 5.14 lack it.
                let _ = std::fs::write(self.file("", "cgroup.kill"), "1");
            }
            for pid in left.into_iter().filter_map(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            // Killed processes leave their group when they have been torn down, not before.
            std::thread::sleep(Duration::from_micros(u64::from(200 + attempt * 100)));
        }
        false
    }

    /// Removes it if it is empty; answers whether it is gone.
    pub fn remove_folders(&self) -> bool {
        let remove = |controller: &str| match std::fs::remove_dir(self.file(controller, "")) {
            Ok(()) => true,
            Err(error) => matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory),
        };
        match self.version {
            Version::V1 { .. } => V1.iter().filter(|controller| !remove(controller)).count() == 0,
            Version::V2 { .. } => remove(""),
        }
    }

    /// Processor time and memory (without the page cache that the kernel would give back first).
    pub fn usage(&self) -> (Duration, u64) {
        let number =
            |controller: &str, name: &str| self.read(controller, name).and_then(|text| text.trim().parse::<u64>().ok());
        match self.version {
            Version::V1 { .. } => {
                let memory = number("memory", "memory.usage_in_bytes").unwrap_or(0);
                let idle = self.keyed("memory", "memory.stat", "total_inactive_file").unwrap_or(0);
                (Duration::from_nanos(number("cpuacct", "cpuacct.usage").unwrap_or(0)), memory.saturating_sub(idle))
            }
            Version::V2 { .. } => {
                let memory = number("memory", "memory.current").unwrap_or(0);
                let idle = self.keyed("memory", "memory.stat", "inactive_file").unwrap_or(0);
                let cpu = self.keyed("cpu", "cpu.stat", "usage_usec").unwrap_or(0);
                (Duration::from_micros(cpu), memory.saturating_sub(idle))
            }
        }
    }

    /// Where version 1 tells, on an event descriptor, that memory ran out.
    pub fn oom_control(&self) -> Option<(PathBuf, PathBuf)> {
        matches!(self.version, Version::V1 { .. })
            .then(|| (self.file("memory", "memory.oom_control"), self.file("memory", "cgroup.event_control")))
    }
}
