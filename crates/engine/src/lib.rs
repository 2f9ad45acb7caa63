//! The engine room: what should run, what does run, and the reconciler that makes the second equal the first.
//!
//! An app's process, a job's version, a task and a staging run are one thing here: a *workload*. A driver
//! ([`Engine`]) starts and observes single instances and knows nothing of desired state; the reconciler knows no
//! container. Both survive a crash of this process: instances have keepers of their own and are found again.
//!
//! Negative invariants: no SQL, no HTTP API, no face's vocabulary (organizations, routes, stories).

mod budget;
mod driver;
mod once;
mod policy;
mod probe;
mod reconciler;
mod spec;
mod state;
mod words;

pub use budget::{Ask, Budget, Lease, Place, Room, Ticket, TooLarge, Waiting};
pub use driver::{Engine, EngineError, Facts, Layers, Usage};
pub use once::{attach, run_once};
pub use policy::{GIVE_UP_AFTER, SETTLED_AFTER, restart_delay};
pub use probe::{NetProber, Prober};
pub use reconciler::{Crash, Desired, Handle, Observer, Options, Reconciler, Source, Sources};
pub use spec::{
    Companion, HealthCheck, HealthKind, InstanceId, InstanceSpec, Limits, LogTag, Mount, Purpose, RootFs, Workload,
};
pub use state::{Exit, ExitKind, InstanceState, Observed, Phase, Well};
pub use words::{bytes_in_words, exit_in_words};
