//! The ledger: every change appends one entry, in the same transaction; everything that must know follows it.
//!
//! Invariants: entries are never changed or removed; positions start at 1 and have no gap; each entry's hash covers its
//! content and its predecessor's hash. Negative: the ledger knows no face and interprets no `data`; it holds no secret
//! (whoever appends masks first).

mod append;
mod entry;
mod find;
mod follow;
mod row;
mod schema;
mod seal;
mod sight;
mod verify;
mod wake;

pub use append::append;
pub use entry::{Actor, Entry, Object, Record};
pub use find::{Filter, by_ids, find, last_position, page};
pub use follow::Ledger;
pub use schema::MIGRATIONS;
pub use sight::Sight;
pub use verify::{Fault, Verified, VerifyError};
