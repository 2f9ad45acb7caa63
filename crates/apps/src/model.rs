//! Pure rules: no I/O, no SQL, no HTTP.

pub mod actions;
pub mod canary;
pub mod check;
pub mod environment;
pub mod feature;
pub mod feature_flag;
pub mod host;
pub mod label;
pub mod manifest;
pub mod manifest_diff;
pub mod manifest_route;
pub mod quota;
pub mod revision;
pub mod sidecar;
pub mod size;
pub mod stack;
pub mod time;
pub mod usage_event;
pub mod yaml;
