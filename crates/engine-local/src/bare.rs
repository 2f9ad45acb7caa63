//! Bare processes, for hosts that cannot do containers and whose administrator allows it.
//!
//! Not isolated: it is a process of the host's user 2000 (or of the platform's own user, when that is not root) in a copy of
//! its droplet, with limits on files and core dumps only, on free ports of 127.0.0.1 ([`engine::Observed::spec`] has them). `/home/vcap` in its command and environment becomes its folder.

use crate::error::host;
use crate::instance::Folder;
use engine::{EngineError, InstanceSpec};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;

const HOME: &str = "/home/vcap";

/// Starts it in a process group of its own; answers its pid.
pub(crate) fn spawn(folder: &Folder, spec: &InstanceSpec, out: &OwnedFd, err: &OwnedFd) -> Result<i32, EngineError> {
    let home = folder.path("home");
    let doing = || format!("laying out {}", home.display());
    let root = rustix::process::geteuid().is_root();
    std::fs::create_dir(&home).map_err(host(doing()))?;
    for layer in &spec.root.layers {
        copy(layer, &home, root).map_err(host(doing()))?;
    }
    if root {
        chown(&home, Some(crate::VCAP), Some(crate::VCAP)).map_err(host(doing()))?;
    }
    let here = home.to_string_lossy().into_owned();
    let moved = |text: &str| text.replace(HOME, &here);
    let [program, arguments @ ..] = &spec.argv[..] else { return Err(EngineError::Refused("no command".to_owned())) };
    let cwd = moved(&spec.cwd);
    std::fs::create_dir_all(&cwd).map_err(host(doing()))?;
    #[expect(clippy::disallowed_methods, reason = "the instance itself, by argv")]
    let mut command = std::process::Command::new(moved(program));
    command.args(arguments.iter().map(|word| moved(word))).current_dir(cwd).env_clear();
    command.envs(spec.env.iter().map(|(name, value)| (name, moved(value))));
    let copied = |fd: &OwnedFd| fd.try_clone().map_err(host("copying a descriptor"));
    command.stdin(std::process::Stdio::null()).stdout(copied(out)?).stderr(copied(err)?).process_group(0);
    if root {
        command.uid(crate::VCAP).gid(crate::VCAP);
    }
    let files = spec.limits.files;
    // SAFETY: only system calls that are safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            use rustix::process::{Resource, Rlimit, setrlimit};
            setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: Some(files) })?;
            setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            let none = std::mem::zeroed::<libc::sigset_t>();
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            Ok(())
        });
    }
    let child =
        command.spawn().map_err(|error| EngineError::Refused(format!("{program} could not be executed: {error}")))?;
    i32::try_from(child.id()).map_err(host("its pid"))
}

/// Bare processes share the host's ports: each gets free ones instead of those it was to have, in its environment too.
pub(crate) fn take_ports(spec: &mut InstanceSpec) -> Result<(), EngineError> {
    for port in &mut spec.ports {
        let free =
            std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let free = free.map_err(host("finding a free port"))?.port();
        let old = std::mem::replace(port, free).to_string();
        spec.env.iter_mut().filter(|(_, value)| *value == old).for_each(|(_, value)| *value = free.to_string());
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, root: bool) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            std::fs::create_dir_all(&target)?;
            std::fs::set_permissions(
                &target,
                std::fs::Permissions::from_mode(entry.metadata()?.permissions().mode() | 0o700),
            )?;
            copy(&entry.path(), &target, root)?;
        } else if kind.is_symlink() {
            let _ = std::fs::remove_file(&target);
            symlink(std::fs::read_link(entry.path())?, &target)?;
        } else {
            let _ = std::fs::remove_file(&target);
            std::fs::copy(entry.path(), &target)?;
        }
        if root {
            lchown(&target, Some(crate::VCAP), Some(crate::VCAP))?;
        }
    }
    Ok(())
}
