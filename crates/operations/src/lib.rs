//! The operations face: what an administrator does with the platform, and what pages of all faces share: the live stream
//! over the ledger, the audit page, people, tokens and sessions.
//!
//! Layers as in every face: `model` (pure), `repo` (statements over `&mut Tx`), `api` (HTTP, one file a resource). Under
//! `/api/platform` a handler takes an [`api::caller::Signed`] or an [`api::caller::Administrator`], so none is reached
//! without one. Errors are [`ApiError`]: `{"error", "error_description"}` and, where one field is to blame, `"field"`.
//!
//! Negative invariants: no other face's tables or types; what their ledger entries mean for people is said by the table of
//! sentences alone (`model/sentence`). Pages are not rendered here.

pub mod api;
mod error;
pub mod events;
pub mod model;
pub mod repo;
mod state;

pub use api::{router, routes};
pub use error::ApiError;
pub use state::{Config, Operations};
