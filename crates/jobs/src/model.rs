//! Pure rules: manifests, versions, permissions, environments, tokens. No I/O.

pub mod environment;
pub mod event;
pub mod job_type;
pub mod manifest;
pub mod name;
pub mod purge;
pub mod quantity;
pub mod scope;
pub mod time;
pub mod token;
