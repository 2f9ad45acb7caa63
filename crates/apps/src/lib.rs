//! The Cloud Foundry face: API v3 and log-cache, and what they mean for workloads and routes.
//!
//! Three layers with one slice name each: `model` (pure rules), `repo` (statements over `&mut Tx`, authorised by
//! [`repo::scope`]), `api` (HTTP shapes). Conventions every slice follows:
//!
//! - A handler takes a [`api::caller::Reader`] or [`api::caller::Writer`], so no handler is reached without a caller.
//! - A row is loaded with the caller and an action from [`model::actions`]: what the caller may not read is 404, what he
//!   may read but not do is 403. Lists are narrowed by [`repo::scope::Visible`].
//! - Every change happens in one `db.write` closure, which also calls [`repo::audit::record`].
//! - Errors are [`ApiError`], whose code, title and status are the protocol's own.
//! - Times are BIGINT microseconds in tables, [`model::time`] writes them.
//!
//! Negative invariants: no containers, no sockets, no SQL of other rooms, no HTML.

pub mod api;
pub mod error;
pub mod model;
pub mod repo;
pub mod run;
mod schema;
mod state;

pub use error::ApiError;
pub use repo::bootstrap::bootstrap;
pub use repo::reseal::{ResealError, reseal};
pub use schema::MIGRATIONS;
pub use state::{Apps, Config, StackInfo};
