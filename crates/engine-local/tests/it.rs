//! The engine from its outside, with real containers. Needs root; skips visibly without.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it skips")]

#[path = "it/bare.rs"]
mod bare;
#[path = "it/escape.rs"]
mod escape;
#[path = "it/house.rs"]
mod house;
#[path = "it/life.rs"]
mod life;
