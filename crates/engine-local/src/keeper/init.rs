//! Process 1 of a container: loads the seccomp filters, starts the application and its companions, reaps what is orphaned, and
//! reports how the first of them to end has ended; with process 1 the kernel ends the others.
//!
//! It is no program of its own (a root file system may have no loader for ours) but what libcontainer prepared, before any
//! `exec`: user vcap, no capability, no new privileges, not dumpable, so the application can neither trace nor read it; the
//! kernel keeps signals of the application from it. When the keeper dies the kernel kills it, and with it the container.

use super::{Sinks, seccomp};
use engine::{EngineError, InstanceSpec};
use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError};
use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

/// First byte of a report: the application runs.
pub(super) const RUNS: u8 = b'R';
/// It could not be executed; an error number follows.
const NOT_EXECUTED: u8 = b'X';
/// It ended; a wait status follows.
pub(super) const ENDED: u8 = b'E';
/// Marks a reason for people in libcontainer's own chain of errors.
pub(super) const REFUSED: &str = "pitlane: ";

#[derive(Clone)]
pub(super) struct Init {
    argv: Vec<CString>,
    env: Vec<CString>,
    companions: Vec<Beside>,
    path: String,
    report: Rc<OwnedFd>,
    filters: Rc<Vec<seccompiler::BpfProgram>>,
}

/// A companion, with output of its own.
#[derive(Clone)]
struct Beside {
    argv: Vec<CString>,
    env: Vec<CString>,
    sinks: Rc<Sinks>,
}

impl Init {
    pub fn new(spec: &InstanceSpec, report: OwnedFd, sinks: impl Iterator<Item = Sinks>) -> Result<Self, EngineError> {
        let text = |text: String| {
            CString::new(text)
                .map_err(|_| EngineError::Refused("the command or the environment holds a NUL byte".to_owned()))
        };
        let texts = |list: &[String]| list.iter().cloned().map(text).collect::<Result<Vec<_>, _>>();
        let pair = |(name, value): &(String, String)| text(format!("{name}={value}"));
        let mut companions = Vec::new();
        for (companion, sinks) in spec.companions.iter().zip(sinks) {
            let inherited = spec.env.iter().filter(|(name, _)| companion.env.iter().all(|(own, _)| own != name));
            companions.push(Beside {
                argv: texts(&companion.argv)?,
                env: inherited.chain(&companion.env).map(pair).collect::<Result<_, _>>()?,
                sinks: Rc::new(sinks),
            });
        }
        let path =
            spec.env.iter().find(|(name, _)| name == "PATH").map_or("/usr/local/bin:/usr/bin:/bin", |(_, value)| value);
        Ok(Self {
            argv: texts(&spec.argv)?,
            env: spec.env.iter().map(pair).collect::<Result<_, _>>()?,
            companions,
            path: path.to_owned(),
            report: Rc::new(report),
            filters: Rc::new(seccomp::filters().map_err(EngineError::Host)?),
        })
    }

    /// Where a program is, as a shell would find it.
    fn program(&self, argv: &[CString]) -> Option<CString> {
        let name = argv.first()?.to_str().ok()?;
        if name.contains('/') {
            return Some(argv[0].clone());
        }
        let found = self.path.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())?;
        CString::new(found.into_os_string().into_encoded_bytes()).ok()
    }

    fn say(&self, kind: u8, number: i32) {
        let mut word = [kind, 0, 0, 0, 0];
        word[1..].copy_from_slice(&number.to_ne_bytes());
        let _ = rustix::io::write(&*self.report, &word);
    }
}

impl Executor for Init {
    /// Runs inside, with all privileges gone, before the container counts as created.
    fn validate(&self, _: &Spec) -> Result<(), ExecutorValidationError> {
        let refuse = |words: String| Err(ExecutorValidationError::ArgValidationError(format!("{REFUSED}{words}")));
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
            .or_else(|error| refuse(error.to_string()))?;
        let all = [&self.argv].into_iter().chain(self.companions.iter().map(|one| &one.argv));
        for argv in all {
            if self.program(argv).is_none() {
                let name = argv.first().map_or(c"", |name| name);
                return refuse(format!("{name:?} is not on the PATH {}", self.path));
            }
        }
        Ok(())
    }

    /// Nothing: the application gets its environment at its execution, and this process needs none.
    fn setup_envs(&self, _: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        Ok(())
    }

    fn exec(&self, _: &Spec) -> Result<(), ExecutorError> {
        let program = self.program(&self.argv).ok_or(ExecutorError::InvalidArg)?;
        let _ = rustix::thread::set_name(c"init");
        for filter in self.filters.iter() {
            seccompiler::apply_filter(filter).map_err(|error| ExecutorError::Other(error.to_string()))?;
        }
        let mut children = vec![spawn(&program, &self.argv, &self.env, None)];
        for one in &self.companions {
            let program = self.program(&one.argv).ok_or(ExecutorError::InvalidArg)?;
            children.push(spawn(&program, &one.argv, &one.env, Some(&one.sinks)));
        }
        let children: Vec<i32> = match children.into_iter().collect() {
            Ok(children) => children,
            Err(code) => {
                self.say(NOT_EXECUTED, code);
                exit(127);
            }
        };
        self.say(RUNS, children[0]);
        close_all_but(self.report.as_raw_fd());
        loop {
            let mut status = 0;
            // SAFETY: waits for any child; the status is ours.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, 0) };
            if children.contains(&pid)
                || (pid == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD))
            {
                self.say(ENDED, status);
                exit(0);
            }
        }
    }
}

/// Starts a program in a session of its own with default signals, its output going to `sinks` or where ours goes; its error
/// number when it cannot be executed.
fn spawn(program: &CString, argv: &[CString], env: &[CString], sinks: Option<&Sinks>) -> Result<i32, i32> {
    let list = |words: &[CString]| -> Vec<*mut c_char> {
        words.iter().map(|word| word.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
    };
    let (argv, env) = (list(argv), list(env));
    let mut pid = 0;
    // SAFETY: attributes and actions are initialised before and destroyed after use; both lists end with a null pointer and point into
    // strings that outlive the call.
    unsafe {
        let mut attributes = std::mem::zeroed();
        let mut actions = std::mem::zeroed();
        libc::posix_spawn_file_actions_init(&raw mut actions);
        if let Some(sinks) = sinks {
            libc::posix_spawn_file_actions_adddup2(&raw mut actions, sinks.out.as_raw_fd(), 1);
            libc::posix_spawn_file_actions_adddup2(&raw mut actions, sinks.err.as_raw_fd(), 2);
        }
        let mut signals = std::mem::zeroed();
        libc::posix_spawnattr_init(&raw mut attributes);
        libc::sigfillset(&raw mut signals);
        libc::posix_spawnattr_setsigdefault(&raw mut attributes, &raw const signals);
        libc::sigemptyset(&raw mut signals);
        libc::posix_spawnattr_setsigmask(&raw mut attributes, &raw const signals);
        let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK | 0x80;
        libc::posix_spawnattr_setflags(&raw mut attributes, i16::try_from(flags).expect("small constants"));
        let code = libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions,
            &raw const attributes,
            argv.as_ptr(),
            env.as_ptr(),
        );
        libc::posix_spawn_file_actions_destroy(&raw mut actions);
        libc::posix_spawnattr_destroy(&raw mut attributes);
        if code == 0 { Ok(pid) } else { Err(code) }
    }
}

fn close_all_but(keep: i32) {
    let keep = u32::try_from(keep).expect("descriptors are not negative");
    // SAFETY: nothing in this process uses another descriptor from here on.
    unsafe {
        libc::syscall(libc::SYS_close_range, 0, keep.saturating_sub(1), 0);
        libc::syscall(libc::SYS_close_range, keep + 1, u32::MAX, 0);
    }
}

/// Ends this process without running anything that libcontainer left behind.
fn exit(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}
