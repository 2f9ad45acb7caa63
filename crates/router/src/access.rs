//! The access log of each application: source type `RTR`, Gorouter's line.
//!
//! Threads that serve hand lines over through a bounded queue and never wait: when the disk cannot follow, lines are
//! dropped and counted. One background thread writes them in batches.

mod line;
mod sink;

pub(crate) use line::Outcome;
pub(crate) use sink::{Batch, Sink};
