//! Statements over `&mut Tx`, one file a resource.

pub mod allowance;
pub mod app;
pub mod audit;
pub mod bootstrap;
pub mod build;
pub mod buildpack;
pub mod deployment;
pub mod destination;
pub mod domain;
pub mod droplet;
pub mod feature;
pub mod job;
pub mod list;
pub mod metadata;
pub mod organization;
pub mod package;
pub mod process;
pub mod quota;
pub mod record;
pub mod reseal;
pub mod revision;
pub mod route;
pub mod scope;
pub mod setting;
pub mod sidecar;
pub mod space;
pub mod task;
pub mod usage;
pub mod usage_event;
pub mod user;

/// A new guid.
pub fn new_guid() -> String {
    uuid::Uuid::new_v4().to_string()
}
