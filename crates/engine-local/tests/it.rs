//! The engine from its outside, with real containers. Needs root; skips visibly without.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/escape.rs"]
mod escape;
#[path = "it/house.rs"]
mod house;
#[path = "it/life.rs"]
mod life;
