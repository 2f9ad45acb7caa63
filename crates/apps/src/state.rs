//! What every handler holds.

use std::path::PathBuf;
use std::sync::Arc;
use store::{Blobs, Db, Secrets};

/// The face's handle. Cheap to clone.
#[derive(Clone)]
pub struct Apps {
    /// The one database.
    pub db: Db,
    /// Root of the application logs (crate `logs`).
    pub logs: PathBuf,
    /// Packages, droplets and buildpacks by digest.
    pub blobs: Blobs,
    /// Seals what must be readable again: environments, image passwords.
    pub secrets: Secrets,
    /// What the server was started with.
    pub config: Arc<Config>,
}

/// Settings of the face.
#[derive(Debug, Clone)]
pub struct Config {
    /// The shared domain made at first start, in lower case: `apps.localhost`.
    pub domain: String,
    /// Host names under which the platform itself is reached; no domain or route may take one of them.
    pub hosts: Vec<String>,
    /// Root file systems that the engine has.
    pub stacks: Vec<StackInfo>,
    /// Names of the built-in buildpacks, in the order in which they are tried.
    pub buildpacks: Vec<String>,
}

/// One root file system that the engine has.
#[derive(Debug, Clone)]
pub struct StackInfo {
    /// `host`, or the name under which it was imported.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// The one that apps get which ask for none.
    pub default: bool,
}
