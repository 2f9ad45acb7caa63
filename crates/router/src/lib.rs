//! The front door: a process of its own that routes by an immutable table, which follows the ledger and is swapped
//! atomically. While control is away it goes on by its last table.
//!
//! Negative invariants: no database, no face; what it knows of applications is in [`Table`] and nothing else.

mod table;

pub use table::{Backend, Protocol, Route, Table};
