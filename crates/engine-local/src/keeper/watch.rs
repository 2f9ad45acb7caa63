//! The keeper's second phase: small, and there as long as its instance.

use super::Running;
use super::init::ENDED;
use super::lines::Lines;
use crate::cgroup::Cgroup;
use crate::instance::{Folder, Means, Record};
use crate::network::Netlink;
use engine::ExitKind;
use logs::Stream;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal};
use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Signals that are read from a descriptor. Blocked from the keeper's first moment, through its re-execution.
pub(super) fn block_signals() -> libc::sigset_t {
    // SAFETY: fills a set of our own and blocks it in this, the only thread.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD] {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        set
    }
}

/// Executes this program anew as the second phase. Comes back only if that fails, which ends the instance.
pub(super) fn execute(running: &Running) -> ExitCode {
    let words = ["pitlane", "keeper", "--watch"].map(str::to_owned).into_iter();
    let numbers = [running.pid, running.report].into_iter().chain(running.output.iter().flatten().copied());
    let words = words.chain(numbers.map(|number| number.to_string()));
    let words: Vec<CString> = words.map(|word| CString::new(word).expect("words of ours hold no NUL")).collect();
    let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    let environment = [std::ptr::null()];
    // SAFETY: both lists end with a null pointer and point into strings that outlive the call.
    unsafe { libc::execve(c"/proc/self/exe".as_ptr(), pointers.as_ptr(), environment.as_ptr()) };
    ExitCode::FAILURE
}

pub(super) fn main(args: &[String]) -> ExitCode {
    let numbers: Vec<i32> = args.iter().filter_map(|word| word.parse().ok()).collect();
    let [pid, report, output @ ..] = &numbers[..] else { return ExitCode::FAILURE };
    let folder = Folder(PathBuf::from("."));
    let (Ok(record), Some(pid)) = (folder.record(), Pid::from_raw(*pid)) else { return ExitCode::FAILURE };
    Watch::new(folder, record, pid, *report, output).run()
}

struct Watch {
    folder: Folder,
    cgroup: Option<Cgroup>,
    grace: Duration,
    lines: Lines,
    pid: Pid,
    signals: OwnedFd,
    report: Option<OwnedFd>,
    /// Output and errors of each program in turn.
    output: Vec<Option<OwnedFd>>,
    /// Tells, on version 1, that memory ran out.
    oom: Option<OwnedFd>,
    out_of_memory: bool,
    /// Since somebody asked it to stop: when patience ends.
    stopping: Option<Instant>,
    /// Wait status of the application.
    status: Option<i32>,
}

/// Which stream of which program comes from the output of this number.
fn origin(which: usize) -> (usize, Stream) {
    (which / 2, if which.is_multiple_of(2) { Stream::Out } else { Stream::Err })
}

impl Watch {
    fn new(folder: Folder, record: Record, pid: Pid, report: i32, output: &[i32]) -> Self {
        let set = block_signals();
        // SAFETY: the set is ours; the descriptors were given over by the first phase for us alone.
        let own = |fd: i32| (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) });
        let signals = own(unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC) });
        let cgroup = match record.means {
            Means::Container(isolation) => Some(isolation.cgroup),
            Means::Bare => None,
        };
        let spec = record.spec;
        Self {
            oom: cgroup.as_ref().and_then(oom_event),
            cgroup,
            grace: spec.grace,
            lines: Lines::new(&record.logs, record.log_bytes, &spec),
            pid,
            signals: signals.expect("a signalfd needs a descriptor, and few are open"),
            report: own(report),
            output: output.iter().copied().map(own).collect(),
            out_of_memory: false,
            stopping: None,
            status: None,
            folder,
        }
    }

    fn run(mut self) -> ExitCode {
        let mut buffer = vec![0; 16 << 10];
        while !self.ended() {
            self.turn(&mut buffer);
        }
        // All writers are dead by now: what is left in the pipes is read to its end.
        for which in 0..self.output.len() {
            while self.output[which].is_some() && self.readable(which) {
                self.copy(which, &mut buffer);
            }
            let (program, stream) = origin(which);
            self.lines.finish(program, stream);
        }
        let kind = self.kind();
        let written = self.folder.write_exit(kind).is_ok();
        self.tidy();
        if written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Waits for one thing or several to happen, and sees to them.
    fn turn(&mut self, buffer: &mut [u8]) {
        let ready = {
            let mut fds = vec![
                PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
                poll_for(self.report.as_ref(), &self.signals),
                poll_for(self.oom.as_ref(), &self.signals),
            ];
            fds.extend(self.output.iter().map(|fd| poll_for(fd.as_ref(), &self.signals)));
            let patience =
                self.stopping.map(|until| until.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
            let patience = patience.and_then(|time| rustix::event::Timespec::try_from(time).ok());
            if rustix::event::poll(&mut fds, patience.as_ref()).is_err() {
                return;
            }
            fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<bool>>()
        };
        if ready[0] {
            self.signal();
        }
        if ready[1] && self.report.is_some() {
            self.read_report();
        }
        for which in 0..self.output.len() {
            if ready[3 + which] && self.output[which].is_some() {
                self.copy(which, buffer);
            }
        }
        if ready[2] && self.oom.take().is_some() {
            // The limit is the instance's: not one process of it goes on when another was killed for it.
            self.out_of_memory = true;
            self.kill();
        }
        if self.stopping.is_some_and(|until| until <= Instant::now()) {
            self.kill();
        }
    }

    fn signal(&mut self) {
        let mut info = [0; 128];
        if rustix::io::read(&self.signals, &mut info).is_err() {
            return;
        }
        let signal = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
        match signal {
            libc::SIGTERM if self.stopping.is_none() => {
                self.stopping = Some(Instant::now() + self.grace);
                self.terminate();
            }
            libc::SIGINT => {
                self.stopping = Some(Instant::now());
                self.kill();
            }
            _ => {}
        }
    }

    fn read_report(&mut self) {
        let Some(report) = &self.report else { return };
        let mut word = [0; 5];
        match rustix::io::read(report, &mut word) {
            Ok(5) if word[0] == ENDED => self.status = Some(i32::from_ne_bytes([word[1], word[2], word[3], word[4]])),
            Ok(0) | Err(_) => self.report = None,
            Ok(_) => {}
        }
    }

    fn readable(&self, which: usize) -> bool {
        let Some(fd) = &self.output[which] else { return false };
        let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)];
        rustix::event::poll(&mut fds, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 }))
            .is_ok_and(|ready| ready > 0)
    }

    fn copy(&mut self, which: usize, buffer: &mut [u8]) {
        let Some(fd) = &self.output[which] else { return };
        match rustix::io::read(fd, &mut *buffer) {
            Ok(0) | Err(_) => self.output[which] = None,
            Ok(read) => {
                let (program, stream) = origin(which);
                self.lines.take(program, stream, &buffer[..read]);
            }
        }
    }

    /// Has process 1 (and with it everything in its namespace) ended? Orphans that fell to us are reaped too.
    fn ended(&mut self) -> bool {
        while let Ok(Some((pid, status))) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {
            if pid == self.pid {
                while self.report.is_some() {
                    self.read_report();
                }
                self.status = self.status.or(Some(status.as_raw()));
                return true;
            }
        }
        false
    }

    /// SIGTERM to everything but process 1, which is ours and ends with the application.
    fn terminate(&self) {
        match &self.cgroup {
            Some(cgroup) => {
                cgroup.processes().into_iter().filter_map(Pid::from_raw).filter(|pid| *pid != self.pid).for_each(
                    |pid| {
                        let _ = rustix::process::kill_process(pid, Signal::TERM);
                    },
                )
            }
            None => drop(rustix::process::kill_process_group(self.pid, Signal::TERM)),
        }
    }

    fn kill(&self) {
        match self.cgroup {
            // The kernel kills the rest of its namespace.
            Some(_) => drop(rustix::process::kill_process(self.pid, Signal::KILL)),
            None => drop(rustix::process::kill_process_group(self.pid, Signal::KILL)),
        }
    }

    fn kind(&self) -> ExitKind {
        let status = self.status.unwrap_or(libc::SIGKILL);
        let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        let killed = code.is_none_or(|code| code == 128 + libc::SIGKILL)
            && (code.is_some() || libc::WTERMSIG(status) == libc::SIGKILL);
        if self.stopping.is_some() {
            ExitKind::Stopped
        } else if self.out_of_memory || (killed && self.cgroup.as_ref().is_some_and(|cgroup| cgroup.oom_kills() > 0)) {
            ExitKind::OutOfMemory
        } else if let Some(code) = code {
            ExitKind::Code { code }
        } else {
            ExitKind::Signal { signal: libc::WTERMSIG(status) }
        }
    }

    /// Leaves nothing: the instance's link, control group and mounts. What fails here falls to the driver or the kernel.
    fn tidy(&self) {
        let Some(cgroup) = &self.cgroup else {
            self.kill();
            return;
        };
        cgroup.remove();
        // Its other end, on the bridge, goes with it.
        let _ = Netlink::open().and_then(|netlink| netlink.remove("eth0"));
        let disk = self.folder.path("disk");
        let _ = rustix::mount::unmount(disk.join("home"), rustix::mount::UnmountFlags::empty());
        let _ = rustix::mount::unmount(&disk, rustix::mount::UnmountFlags::empty());
    }
}

/// To be polled if it is there; else `other`, for nothing.
fn poll_for<'a>(fd: Option<&'a OwnedFd>, other: &'a OwnedFd) -> PollFd<'a> {
    fd.map_or_else(
        || PollFd::from_borrowed_fd(other.as_fd(), PollFlags::empty()),
        |fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN),
    )
}

/// An event descriptor that version 1 signals when the group's memory runs out.
fn oom_event(cgroup: &Cgroup) -> Option<OwnedFd> {
    let (control, register) = cgroup.oom_control()?;
    let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).ok()?;
    let control = File::open(control).ok()?;
    let mut register = File::options().write(true).open::<&Path>(&register).ok()?;
    register.write_all(format!("{} {}", event.as_raw_fd(), control.as_raw_fd()).as_bytes()).ok()?;
    Some(event)
}
