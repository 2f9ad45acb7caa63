//! Pure rules: no I/O, no SQL, no HTTP.

pub mod actions;
pub mod feature_flag;
pub mod host;
pub mod label;
pub mod quota;
pub mod time;
