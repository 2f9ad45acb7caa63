//! The one module of the binary that starts processes: this program's own children, by argv.

use crate::settings::Settings;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use tokio::process::{Child, Command};

/// A role of this program that runs as a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The front door.
    Router,
    /// Everything else.
    Control,
}

impl Role {
    /// Sub-command, log file and process file are named after it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Control => "control",
        }
    }
}

/// Starts this very program again as `role`. The router inherits `listener`.
#[expect(clippy::disallowed_methods, reason = "the supervisor's children are this program itself, by its own path")]
pub fn spawn(role: Role, settings: &Settings, listener: BorrowedFd<'_>) -> std::io::Result<Child> {
    // The very file that runs, also when another has taken its place on disk; an upgrade is `serve --take-over`.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("pitlane");
    command.arg(role.name()).arg("--data").arg(&settings.data);
    command.arg("--listen").arg(settings.listen.to_string()).arg("--domain").arg(&settings.domain);
    // These may hold passwords, and an argument list is readable by everyone.
    set(&mut command, "DATABASE_URL", settings.database_url.as_deref());
    set(&mut command, "PITLANE_BLOBS", settings.blobs.as_deref());
    if let Some(megabytes) = settings.memory {
        command.arg("--memory").arg(megabytes.to_string());
    }
    if let Some(url) = &settings.peer_url {
        command.arg("--peer-url").arg(url);
    }
    command.arg("--staging-timeout").arg(settings.staging_timeout.to_string());
    if settings.allow_bare {
        command.arg("--allow-bare");
    }
    if settings.insecure_git {
        command.arg("--insecure-git");
    }
    command.stdin(std::process::Stdio::null());
    command.stdout(log_file(&settings.data, role)?).stderr(log_file(&settings.data, role)?);
    // A process group of its own: Ctrl-C on the terminal reaches the supervisor only, which drains the children.
    command.process_group(0);
    if role == Role::Router {
        command.arg("--listener").arg(listener.as_raw_fd().to_string());
        // Inheritable for this one start only.
        rustix::io::fcntl_setfd(listener, rustix::io::FdFlags::empty())?;
    }
    let child = command.spawn();
    rustix::io::fcntl_setfd(listener.as_fd(), rustix::io::FdFlags::CLOEXEC)?;
    child
}

fn set(command: &mut Command, name: &str, value: Option<&str>) {
    match value {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
}

fn log_file(data: &Path, role: Role) -> std::io::Result<std::process::Stdio> {
    let path = data.join("log").join(format!("{}.log", role.name()));
    // Bounded: what a crash loop writes does not fill the disk.
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > 16 << 20) {
        std::fs::rename(&path, path.with_extension("log.1"))?;
    }
    Ok(std::fs::OpenOptions::new().create(true).append(true).open(path)?.into())
}
