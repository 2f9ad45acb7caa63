//! Pure rules: no I/O.

pub mod csv;
pub mod sentence;
