//! Pure rules: no I/O, no SQL, no HTTP.

pub mod actions;
pub mod label;
pub mod time;
