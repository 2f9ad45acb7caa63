//! The container, made by libcontainer from an OCI configuration.

use super::Sinks;
use super::init::{Init, REFUSED, RUNS};
use crate::cgroup::Version;
use crate::error::host;
use crate::instance::{Folder, Isolation, Record};
use engine::{EngineError, InstanceId};
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::path::Path;

/// What of `/proc` is nobody's business inside, as Docker has it.
const MASKED: [&str; 10] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The name an instance has for itself.
pub(super) fn hostname(id: &InstanceId) -> String {
    id.0.chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}

/// Creates and starts it; answers the pid of its process 1 when the application runs.
pub(super) fn create(
    folder: &Folder,
    record: &Record,
    isolation: &Isolation,
    sinks: Vec<Sinks>,
    report: OwnedFd,
    answer: &OwnedFd,
) -> Result<i32, EngineError> {
    let doing = |what: &'static str| {
        move |error: &dyn std::error::Error| EngineError::Host(format!("{what} the container: {}", chain(error)))
    };
    let config = serde_json::to_vec(&configuration(folder, record, isolation)).map_err(host("writing config.json"))?;
    std::fs::write(folder.path("config.json"), config).map_err(host("writing config.json"))?;
    let null = std::fs::File::open("/dev/null").map_err(host("opening /dev/null"))?;
    let mut sinks = sinks.into_iter();
    let Sinks { out, err } = sinks.next().expect("every instance has a first program");
    let init = Init::new(&record.spec, report, sinks)?;
    let built = ContainerBuilder::new("container".to_owned(), SyscallType::default())
        .with_root_path(&folder.0)
        .map_err(|error| doing("placing")(&error))?
        .with_executor(init)
        .with_stdin(null)
        .with_stdout(out)
        .with_stderr(err)
        .as_init(&folder.0)
        .with_systemd(false)
        .build();
    let mut container = match built {
        Ok(container) => container,
        // What is wrong with the command is said by our own hook, somewhere in the chain.
        Err(error) => {
            let words = chain(&error);
            return Err(match words.split_once(REFUSED) {
                Some((_, reason)) => EngineError::Refused(reason.to_owned()),
                None => EngineError::Host(format!("creating the container: {words}")),
            });
        }
    };
    // It was raised for the application: when the host runs out of memory, that goes first.
    let _ = std::fs::write("/proc/self/oom_score_adj", "0");
    let pid =
        container.pid().ok_or_else(|| EngineError::Host("the container ended while it was made".to_owned()))?.as_raw();
    let started = container.start().map_err(|error| doing("starting")(&error)).and_then(|()| runs(record, answer));
    if let Err(error) = started {
        let pid = rustix::process::Pid::from_raw(pid).expect("pids of children are positive");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
        return Err(error);
    }
    let _ = std::fs::remove_dir_all(folder.path("container"));
    Ok(pid)
}

/// Waits for process 1 to say that the application runs.
fn runs(record: &Record, answer: &OwnedFd) -> Result<(), EngineError> {
    let mut word = [0; 5];
    let read = rustix::io::retry_on_intr(|| rustix::io::read(answer, &mut word))
        .map_err(host("waiting for the application"))?;
    match &word[..read] {
        [RUNS, ..] => Ok(()),
        [_, code @ ..] if code.len() == 4 => {
            let code = i32::from_ne_bytes(code.try_into().expect("four bytes"));
            let program = record.spec.argv.first().map_or("", String::as_str);
            Err(EngineError::Refused(format!(
                "{program} could not be executed: {}",
                std::io::Error::from_raw_os_error(code)
            )))
        }
        _ => Err(EngineError::Host(
            "the container ended before its application ran; its memory limit may be too small".to_owned(),
        )),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        next = cause.source();
    }
    words
}

fn configuration(folder: &Folder, record: &Record, isolation: &Isolation) -> Value {
    let spec = &record.spec;
    let limits = &spec.limits;
    let namespaces: Vec<Value> =
        ["pid", "mount", "uts", "ipc", "cgroup"].into_iter().map(|kind| json!({ "type": kind })).collect();
    json!({
        "ociVersion": "1.0.2",
        "root": { "path": isolation.root, "readonly": true },
        "hostname": hostname(&spec.id),
        "process": {
            "user": { "uid": crate::VCAP, "gid": crate::VCAP, "umask": 0o022 },
            // What is executed is Init's business; the environment may hold secrets and stays out of this file.
            "args": ["init"],
            "cwd": spec.cwd,
            "noNewPrivileges": true,
            "oomScoreAdj": 300,
            "capabilities": { "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [] },
            "rlimits": [
                { "type": "RLIMIT_NOFILE", "soft": limits.files, "hard": limits.files },
                { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 },
                { "type": "RLIMIT_MSGQUEUE", "soft": 0, "hard": 0 },
            ],
        },
        "mounts": mounts(folder, record, isolation),
        // No network namespace: the container shares the keeper's own, which is not the host's.
        "linux": {
            "namespaces": namespaces,
            "cgroupsPath": isolation.cgroup.path,
            "resources": resources(record, isolation),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    })
}

fn resources(record: &Record, isolation: &Isolation) -> Value {
    let limits = &record.spec.limits;
    let weight = limits.cpu_weight.clamp(1, 10_000);
    let mut resources = json!({
        "memory": { "limit": limits.memory_bytes },
        // One more, for process 1 is ours.
        "pids": { "limit": i64::from(limits.pids) + 1 },
    });
    match isolation.cgroup.version {
        Version::V1 { swap } => {
            // 100 is 1024 shares, as the kernel has it for new groups.
            resources["cpu"] = json!({ "shares": (weight * 1024 / 100).max(2) });
            if swap {
                // Memory and swap together, as version 1 counts.
                resources["memory"]["swap"] = json!(limits.memory_bytes);
            }
        }
        Version::V2 { swap } => {
            resources["unified"] = json!({ "cpu.weight": weight.to_string(), "memory.oom.group": "1" });
            if swap {
                // Said here, for libcontainer takes "as much as the limit" for no wish at all.
                resources["unified"]["memory.swap.max"] = json!("0");
            }
        }
    }
    resources
}

fn mounts(folder: &Folder, record: &Record, isolation: &Isolation) -> Vec<Value> {
    let bind = |source: &Path, target: &str, options: &[&str]| {
        let options: Vec<&str> = ["bind", "nosuid", "nodev"].into_iter().chain(options.iter().copied()).collect();
        json!({ "destination": target, "type": "bind", "source": source, "options": options })
    };
    let disk = folder.path("disk");
    let mut mounts = Vec::new();
    if isolation.host_usr {
        mounts.push(bind(Path::new("/usr"), "/usr", &["ro"]));
    }
    mounts.extend([
        json!({ "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] }),
        json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "noexec", "mode=755", "size=65536"] }),
        json!({ "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] }),
        // Counts as memory, so the memory limit bounds it.
        json!({ "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "nodev", "noexec", "mode=1777"] }),
        bind(&disk.join("home"), "/home/vcap", &[]),
        bind(&disk.join("tmp"), "/tmp", &[]),
        bind(&disk.join("var-tmp"), "/var/tmp", &[]),
        bind(&folder.path("hosts"), "/etc/hosts", &["ro", "noexec"]),
        bind(&folder.path("resolv.conf"), "/etc/resolv.conf", &["ro", "noexec"]),
    ]);
    mounts.extend(
        record
            .spec
            .root
            .mounts
            .iter()
            .map(|mount| bind(&mount.source, &mount.target, &[if mount.writable { "rw" } else { "ro" }])),
    );
    mounts
}
