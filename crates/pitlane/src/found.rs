//! Processes of a data folder as their files tell: who runs, and how to reach them.
//!
//! A process holds an exclusive lock on its file while it lives, so a stale file is never mistaken for a process.

use rustix::fs::FlockOperation;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What a running process wrote about itself.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Note {
    /// Its process id.
    pub pid: i32,
    /// Its descriptor of the listening socket, if it has one.
    pub listener: Option<i32>,
}

/// A held process file.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

fn path(data: &Path, name: &str) -> PathBuf {
    crate::settings::run_folder(data).join(format!("{name}.pid"))
}

/// Takes the file `run/<name>.pid` for this process; answers the note of the living holder if there is one.
pub fn hold(data: &Path, name: &str, listener: Option<i32>) -> std::io::Result<Result<Held, Note>> {
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path(data, name))?;
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(Err(read(&mut file)?));
    }
    let note = Note { pid: rustix::process::getpid().as_raw_nonzero().get(), listener };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&note)?)?;
    Ok(Ok(Held { _file: file }))
}

/// The note of the living process `name`, if it lives.
pub fn living(data: &Path, name: &str) -> Option<Note> {
    let mut file = File::open(path(data, name)).ok()?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => None,
        Err(_) => read(&mut file).ok(),
    }
}

fn read(file: &mut File) -> std::io::Result<Note> {
    let mut text = String::new();
    // The holder writes right after it locks; an empty file means it is between the two.
    for _ in 0..50 {
        text.clear();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        if let Ok(note) = serde_json::from_str(&text) {
            return Ok(note);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err(std::io::Error::other("the process file is unreadable"))
}

/// A handle that cannot mean another process later.
pub fn pidfd(note: &Note) -> std::io::Result<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(note.pid).ok_or_else(|| std::io::Error::other("no such process"))?;
    Ok(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?)
}

/// A copy of the listening socket of a running process, so that no connection is lost when it is replaced.
pub fn listener_of(note: &Note) -> std::io::Result<Option<std::net::TcpListener>> {
    let Some(number) = note.listener else { return Ok(None) };
    let process = pidfd(note)?;
    let fd = rustix::process::pidfd_getfd(&process, number, rustix::process::PidfdGetfdFlags::empty())?;
    Ok(Some(std::net::TcpListener::from(fd)))
}

/// The listening socket this process was started with.
#[expect(unsafe_code, reason = "the number comes from our own supervisor, which keeps it open for us")]
pub fn inherited(number: i32) -> std::net::TcpListener {
    // SAFETY: `pitlane router` is started by the supervisor with this descriptor open and used by nobody else here.
    std::net::TcpListener::from(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Sends `signal` and waits until the process has ended, at most `limit`. Answers whether it ended.
pub async fn end(note: &Note, signal: rustix::process::Signal, limit: std::time::Duration) -> std::io::Result<bool> {
    let process = match pidfd(note) {
        Ok(process) => process,
        Err(_) => return Ok(true),
    };
    if rustix::process::pidfd_send_signal(&process, signal).is_err() {
        return Ok(true);
    }
    let limit = rustix::event::Timespec::try_from(limit).map_err(std::io::Error::other)?;
    let ended = tokio::task::spawn_blocking(move || {
        let mut watched = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut watched, Some(&limit))
    });
    Ok(ended.await.map_err(std::io::Error::other)?? > 0)
}
