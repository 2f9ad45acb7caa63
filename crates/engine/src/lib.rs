//! The engine room: what should run, what does run, and the reconciler that makes the second equal the first.
//!
//! An app's process, a job's version, a task and a staging run are one thing here: a *workload*. A driver
//! ([`Engine`]) starts and observes single instances and knows nothing of desired state; the reconciler knows no
//! container. Both survive a crash of this process: instances have keepers of their own and are found again.
//!
//! Negative invariants: no SQL, no HTTP API, no face's vocabulary (organizations, routes, stories).

mod driver;
mod spec;
mod state;

pub use driver::{Engine, EngineError, Facts, Usage};
pub use spec::{HealthCheck, HealthKind, InstanceId, InstanceSpec, Limits, LogTag, Mount, Purpose, RootFs, Workload};
pub use state::{Exit, ExitKind, InstanceState, Observed, Phase};
