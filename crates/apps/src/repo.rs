//! Statements over `&mut Tx`, one file a resource.

pub mod audit;
pub mod bootstrap;
pub mod destination;
pub mod domain;
pub mod feature;
pub mod job;
pub mod list;
pub mod metadata;
pub mod organization;
pub mod quota;
pub mod route;
pub mod scope;
pub mod space;

/// A new guid.
pub fn new_guid() -> String {
    uuid::Uuid::new_v4().to_string()
}
