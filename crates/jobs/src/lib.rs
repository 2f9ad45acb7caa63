//! The Racetrack face: jobs deployed from manifests, the Lifecycle API, and what the gateway is told.
//!
//! A job is one version of a family. A deployment builds it (a staging run) and runs it (a workload); the job points at the
//! deployment that serves. Layers as in every face: `model` (pure), `repo` (statements over `&mut Tx`), `api` (HTTP, one
//! file a resource), `run` (what follows the ledger).
//!
//! Invariants:
//! - A job's deployment changes only for one that is ready: a deployment that fails leaves the old one serving.
//! - Tokens are kept as SHA-256 and shown once; what must be readable again (git credentials, secret variables) is sealed.
//! - A change of tokens or permissions through this face is answered once the gateway has applied it.
//! - Permissions are identity's grants: the roles are the scopes, the places `platform *`, `family ID`, `job ID` and
//!   `endpoint ID` (a row that names a path of a family, of a job, or of all).
//!
//! Negative invariants: no call passes here (the gateway is the front door's); no container, no HTML, no table of others.

pub mod api;
pub mod error;
pub mod metrics;
pub mod model;
pub mod repo;
pub mod run;
mod schema;
mod state;

pub use error::JobsError;
pub use schema::MIGRATIONS;
pub use state::{Config, Jobs, ResealError, reseal};
