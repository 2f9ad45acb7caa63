//! Identity: people, subjects, grants, sessions, tokens — and the one question, [`may`].
//!
//! Negative invariants: no face's tables; what an action means is said by the face that declares it as an [`Action`].

mod caller;
mod grant;
mod schema;

pub use caller::{Authentication, Caller, Subject};
pub use grant::{Action, Grant, Place, grant_add, grant_remove, grants, grants_of, may};
pub use schema::MIGRATIONS;
