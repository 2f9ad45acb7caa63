//! The Tracker face: projects, stories and their planning, with REST API v5.
//!
//! Three layers with one slice name each: `model` (pure rules), `repo` (statements over `&mut Tx`, authorised by
//! [`repo::scope`]), `api` (HTTP shapes). Conventions that every slice follows:
//!
//! - A handler is a plain function of a unit of work and a request ([`api::routes::Handler`]).
//! - A project is loaded with the caller and an action; what lies in it is found only there.
//! - Every change of a project's content ends in [`repo::activity::record`]: one version, one entry of the ledger, which is the
//!   activity. What changes nothing writes nothing.
//! - Errors are [`ApiError`], whose status, code and texts are the API's own.
//! - Times are BIGINT microseconds in tables; [`model::time`] writes them. People are known by their numbers.
//!
//! Negative invariants: no SQL of other rooms, no other face, no HTML. Nothing of an iteration is stored but what somebody
//! said about it; plans are reckoned.

pub mod api;
mod error;
pub mod model;
pub mod repo;
mod schema;
mod state;

pub use api::{links, router, routes};
pub use error::ApiError;
pub use schema::MIGRATIONS;
pub use state::Tracker;
