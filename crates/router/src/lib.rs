//! The front door: a process of its own that routes by an immutable table, which follows the ledger and is swapped
//! atomically. While control is away it goes on by its last table.
//!
//! Three parts. [`Publisher`] lives in control and turns changes into a stream of lines. [`serve`] is the whole router
//! process: one thread a core, each with a runtime, its connections and its pool of backend connections, so that a
//! request never crosses threads. Between them the table, an index that shares everything with its predecessor except what changed.
//!
//! Negative invariants: no database, no face; what it knows of applications is in [`Table`], of jobs
//! and their callers in [`CallTable`], and nothing else. Nothing on
//! the path of a request waits for a disk, a lock held elsewhere, or control (unless the request is control's own).
//! A body is never held in memory as a whole, but for small bodies of idempotent requests, which may be sent twice.

mod access;
mod digits;
mod error;
mod feed;
mod gateway;
mod index;
mod local;
mod options;
mod proxy;
mod publisher;
mod serve;
mod stats;
mod table;
mod traffic;
mod worker;

pub use error::RouterError;
pub use gateway::{
    CallCounts, CallPath, CallTable, CallToken, Callee, CallerEntry, JobCounts, Report, Right, Rights, Tally, Version,
    VersionRef, allow_any_origin, endpoint_of,
};
pub use options::{Network, Options, Timeouts};
pub use publisher::Publisher;
pub use serve::{Router, serve, start};
pub use table::{Backend, Protocol, Route, Table};
pub use traffic::{Counts, Point, Told, Traffic};
