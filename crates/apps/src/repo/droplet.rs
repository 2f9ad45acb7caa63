//! Droplets.

use super::build::Lifecycle;
use super::record::{Json, record};
use crate::model::sidecar::Sidecar;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A buildpack that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedBuildpack {
    /// As it was asked for, or the platform's name.
    pub name: String,
    /// What its detect said.
    pub detect_output: Option<String>,
    /// Its own name.
    pub buildpack_name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

record!(
    /// An app ready to run.
    Droplet in "droplet" {
        /// UUID.
        guid: String,
        /// Its app.
        app_guid: String,
        /// What it was made of; none if it was uploaded.
        package_guid: Option<String>,
        /// `AWAITING_UPLOAD`, `PROCESSING_UPLOAD`, `STAGED`, `FAILED`, `EXPIRED`.
        state: String,
        /// Why it FAILED.
        error: Option<String>,
        /// How it was made.
        lifecycle: Json<Lifecycle>,
        /// Start commands by type.
        process_types: Json<BTreeMap<String, String>>,
        /// Of the lifecycle.
        execution_metadata: String,
        /// Which took part.
        buildpacks: Json<Vec<UsedBuildpack>>,
        /// What buildpacks want beside its processes; none in old rows.
        sidecars: Option<Json<Vec<Sidecar>>>,
        /// What it runs on.
        stack: Option<String>,
        /// Docker image.
        image: Option<String>,
        /// SHA-256 of its archive, hex; the blob's name.
        digest: Option<String>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
);

/// Can run.
pub const STAGED: &str = "STAGED";
