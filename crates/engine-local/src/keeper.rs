//! The keeper: one process an instance, nobody's child, single-threaded.
//!
//! `keeper <id>`, started in the instance's folder with the lock as standard input and the starter's pipe as standard output.
//! It daemonises, sets up network, disk and container, says `started` (or what went wrong, in words) on the pipe, and then
//! executes itself anew as `keeper --watch …`, because what it needed until then is much more memory than what it needs
//! from then on. SIGTERM asks it to end its instance with grace, SIGINT at once; its own death ends the instance too.
//! On an error before `started` it leaves nothing but the folder.

mod container;
mod init;
mod lines;
mod probe;
mod seccomp;
mod watch;

use crate::error::host;
use crate::instance::{Folder, Isolation, Link, Means, Record};
use crate::network::{Netlink, index};
use engine::EngineError;
use rustix::thread::UnshareFlags;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

/// Runs the keeper; `args` are the words after `keeper`. To be called before any thread is started.
pub fn main(args: impl IntoIterator<Item = String>) -> ExitCode {
    let args: Vec<String> = args.into_iter().collect();
    match args.first().map(String::as_str) {
        Some("--watch") => watch::main(&args[1..]),
        Some("--probe") => probe::main(args.get(1).map_or("", String::as_str)),
        Some(_) => start(),
        None => ExitCode::FAILURE,
    }
}

/// Names of the system calls an application may make, as in an OCI configuration: for comparisons with other runtimes.
pub fn system_calls() -> Vec<&'static str> {
    seccomp::allowed().map(|(_, name)| name.trim_start_matches("SYS_")).collect()
}

/// What the second phase takes over.
pub(crate) struct Running {
    /// Process 1 of the container, or the bare process; our child.
    pub pid: i32,
    /// Where process 1 reports how the application ended; -1 for a bare process.
    pub report: i32,
    /// Where output and errors of each program come from, the instance's first one first.
    pub output: Vec<[i32; 2]>,
}

/// Where output and errors of a program go.
pub(crate) struct Sinks {
    pub out: OwnedFd,
    pub err: OwnedFd,
}

fn start() -> ExitCode {
    // SAFETY: single-threaded; the parent does nothing but end.
    match unsafe { libc::fork() } {
        0 => {}
        -1 => return ExitCode::FAILURE,
        _ => return ExitCode::SUCCESS,
    }
    watch::block_signals();
    let _ = rustix::process::setsid();
    let _ = rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1));
    // SAFETY: descriptors 0 and 1 are ours by contract with the starter, and nothing else uses them.
    let (lock, mut starter) = unsafe { (File::from_raw_fd(0), File::from_raw_fd(1)) };
    let done = Folder::sign(&lock).map_err(host("signing the lock")).and_then(|()| set_up(Path::new(".")));
    // The lock lives as long as this process, through its re-execution.
    std::mem::forget(lock);
    match done {
        Err(error) => {
            let (kind, words) = match &error {
                EngineError::Refused(words) => ("refused ", words.clone()),
                other => ("host ", other.to_string()),
            };
            let _ = starter.write_all(format!("{kind}{words}").as_bytes());
            ExitCode::FAILURE
        }
        Ok(running) => {
            let null = File::options().read(true).write(true).open("/dev/null");
            let _ = starter.write_all(b"started");
            // Closes the pipe without leaving its number free for something else.
            let _ = null.map(|null| rustix::stdio::dup2_stdout(&null));
            std::mem::forget(starter);
            watch::execute(&running)
        }
    }
}

fn set_up(folder: &Path) -> Result<Running, EngineError> {
    let folder = Folder(std::fs::canonicalize(folder).map_err(host("resolving the instance's folder"))?);
    let record = folder.record()?;
    let (mut sources, mut sinks) = (Vec::new(), Vec::new());
    for _ in 0..=record.spec.companions.len() {
        let ((out_read, out), (err_read, err)) = (pipe()?, pipe()?);
        sources.push([out_read, err_read]);
        sinks.push(Sinks { out, err });
    }
    let (report_read, report) = pipe()?;
    let (pid, report_read) = match &record.means {
        Means::Bare => (crate::bare::spawn(&folder, &record.spec, &sinks[0].out, &sinks[0].err)?, None),
        Means::Container(isolation) => {
            (contain(&folder, &record, isolation, sinks, report, &report_read)?, Some(report_read))
        }
    };
    // Given over through the re-execution, so they must not close themselves.
    let keep = |fd: OwnedFd| -> Result<i32, EngineError> {
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::empty()).map_err(host("keeping a descriptor"))?;
        let raw = fd.as_raw_fd();
        std::mem::forget(fd);
        Ok(raw)
    };
    let report = report_read.map_or(Ok(-1), keep)?;
    let output =
        sources.into_iter().map(|[out, err]| Ok([keep(out)?, keep(err)?])).collect::<Result<_, EngineError>>()?;
    Ok(Running { pid, report, output })
}

fn contain(
    folder: &Folder,
    record: &Record,
    isolation: &Isolation,
    sinks: Vec<Sinks>,
    report: OwnedFd,
    answer: &OwnedFd,
) -> Result<i32, EngineError> {
    let undo = |error: EngineError| {
        isolation.cgroup.remove();
        error
    };
    isolation.cgroup.make_parent();
    isolation.cgroup.join_keepers();
    network(record.network.as_ref())?;
    files(folder, record, isolation)?;
    let pid = container::create(folder, record, isolation, sinks, report, answer).map_err(undo)?;
    Ok(pid)
}

/// Enters a network namespace of its own, which the container will share, and joins it to the bridge.
fn network(link: Option<&Link>) -> Result<(), EngineError> {
    let doing = |what: &str| format!("setting up the instance's network: {what}");
    // Opened before: it goes on speaking of the host.
    let outside = match link {
        Some(link) => Some((
            link,
            Netlink::open().map_err(host(doing("routing socket")))?,
            index(&link.bridge).map_err(host(doing(&link.bridge)))?,
        )),
        None => None,
    };
    unshare(UnshareFlags::NEWNET).map_err(host(doing("namespace")))?;
    let inside = Netlink::open().map_err(host(doing("routing socket")))?;
    inside.up(1).map_err(host(doing("loopback")))?;
    let Some((link, outside, bridge)) = outside else { return Ok(()) };
    let namespace = File::open("/proc/self/ns/net").map_err(host(doing("namespace")))?;
    outside.add_veth(&link.veth, bridge, namespace.as_raw_fd()).map_err(host(doing(&link.veth)))?;
    let eth0 = index("eth0").map_err(host(doing("eth0")))?;
    inside.add_address(eth0, link.address, link.prefix).map_err(host(doing("address")))?;
    inside.up(eth0).map_err(host(doing("eth0")))?;
    link.gateway.map_or(Ok(()), |gateway| inside.add_default_route(gateway)).map_err(host(doing("route")))
}

/// Enters a mount namespace of its own and lays out what the container will be shown.
fn files(folder: &Folder, record: &Record, isolation: &Isolation) -> Result<(), EngineError> {
    let doing = || "laying out the instance's files";
    unshare(UnshareFlags::NEWNS).map_err(host("entering a mount namespace"))?;
    let slave = rustix::mount::MountPropagationFlags::REC | rustix::mount::MountPropagationFlags::DOWNSTREAM;
    rustix::mount::mount_change("/", slave).map_err(host("entering a mount namespace"))?;
    let disk = folder.path("disk");
    std::fs::create_dir(&disk).map_err(host(doing()))?;
    isolation.disk.mount(record.spec.limits.disk_bytes, &folder.path("disk.ext4"), &disk)?;
    let vcap = (Some(crate::VCAP), Some(crate::VCAP));
    for (name, mode, owner) in [
        ("home", 0o755, vcap),
        ("work", 0o755, (None, None)),
        ("tmp", 0o1777, (None, None)),
        ("var-tmp", 0o1777, (None, None)),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let path = disk.join(name);
        std::fs::create_dir(&path).map_err(host(doing()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).map_err(host(doing()))?;
        std::os::unix::fs::chown(&path, owner.0, owner.1).map_err(host(doing()))?;
    }
    let (home, layers) = (disk.join("home"), &record.spec.root.layers);
    if !layers.is_empty() {
        crate::disk::overlay(layers, &home, &disk.join("work"), &home)?;
    }
    let link = record.network.as_ref();
    let name = container::hostname(&record.spec.id);
    let address = link.map_or("127.0.1.1".to_owned(), |link| link.address.to_string());
    let hosts = format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{address} {name}\n");
    std::fs::write(folder.path("hosts"), hosts).map_err(host(doing()))?;
    std::fs::write(folder.path("resolv.conf"), link.map_or("", |link| &link.resolver)).map_err(host(doing()))
}

pub(super) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: this process has one thread and shares nothing whose parting could surprise another.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), EngineError> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(host("making a pipe"))
}
