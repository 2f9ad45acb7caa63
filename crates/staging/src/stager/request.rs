//! What is asked of a staging, and what it answers.

use crate::{BuildpackRef, Sidecar, StagingError};
use engine::{Budget, Engine, Limits, LogTag, Place};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a [`crate::Stager`] works.
#[derive(Clone)]
pub struct StagerOptions {
    /// Runs the containers.
    pub engine: Arc<dyn Engine>,
    /// A folder of its own (`<data>/cache`): caches, unpacked buildpacks, scratch.
    pub work: PathBuf,
    /// What admits stagings, beside whatever else it admits; the others wait.
    pub budget: Budget,
    /// A cache larger than this is not kept.
    pub cache_bytes: u64,
    /// No staging takes longer, whatever its request says.
    pub timeout: Duration,
    /// Environment of every staging, below the request's own: proxies and package indices of the house.
    pub env: Vec<(String, String)>,
}

impl StagerOptions {
    /// Usual bounds: caches of 1 GiB, [`StagingRequest::TIMEOUT`].
    pub fn new(engine: Arc<dyn Engine>, budget: Budget, work: impl Into<PathBuf>) -> Self {
        Self {
            engine,
            work: work.into(),
            budget,
            cache_bytes: 1 << 30,
            timeout: StagingRequest::TIMEOUT,
            env: Vec::new(),
        }
    }
}

/// Which buildpacks stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of these: the last is final, those before it supply.
    Explicit(Vec<BuildpackRef>),
    /// The first of these whose `bin/detect` says so.
    Detect(Vec<BuildpackRef>),
}

impl Selection {
    pub(crate) fn buildpacks(&self) -> &[BuildpackRef] {
        match self {
            Self::Explicit(buildpacks) | Self::Detect(buildpacks) => buildpacks,
        }
    }
}

/// One build.
#[derive(Clone)]
pub struct StagingRequest {
    /// The build's guid; the engine's workload id.
    pub build_guid: String,
    /// The app's guid; names its cache.
    pub app_guid: String,
    /// The package: a zip or a gzip tar on this machine.
    pub package: PathBuf,
    /// Which buildpacks.
    pub selection: Selection,
    /// Name of the stack.
    pub stack: String,
    /// Environment: groups, the app's own, `VCAP_APPLICATION`, `VCAP_SERVICES`. What every staging has is added here:
    /// `CF_STACK`, `HOME`, `USER`, `LANG`, `MEMORY_LIMIT`, `PATH`, `TMPDIR`.
    pub env: Vec<(String, String)>,
    /// Bounds of the container. `disk_bytes` holds source, dependencies and cache together.
    pub limits: Limits,
    /// How long it may take; [`StagingRequest::TIMEOUT`] is usual.
    pub timeout: Duration,
    /// Where its output goes; source type `STG`.
    pub log: LogTag,
    /// Called with the platform's own lines, each without line end.
    pub line: Arc<dyn Fn(&str) + Send + Sync>,
    /// Called with each place in the budget's queue, and with none once it is admitted.
    pub place: Arc<dyn Fn(Option<Place>) + Send + Sync>,
}

impl StagingRequest {
    /// What Cloud Foundry allows.
    pub const TIMEOUT: Duration = Duration::from_secs(15 * 60);

    /// Bounds of a staging container with this much memory and disk.
    pub fn limits(memory_bytes: u64, disk_bytes: u64) -> Limits {
        Limits {
            memory_bytes,
            reserved_bytes: None,
            disk_bytes,
            cpu_weight: 100,
            pids: 1024,
            files: 16_384,
            log_rate: -1,
        }
    }

    pub(super) fn check(&self) -> Result<(), StagingError> {
        // Guids name folders.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        for guid in [&self.build_guid, &self.app_guid] {
            if guid.is_empty() || guid.len() > 100 || !guid.bytes().all(plain) {
                return Err(StagingError::failed(format!("{guid:?} is no guid")));
            }
        }
        if self.selection.buildpacks().is_empty() {
            return match self.selection {
                Selection::Detect(_) => Err(StagingError::NoAppDetected),
                Selection::Explicit(_) => Err(StagingError::failed("no buildpack is named")),
            };
        }
        for buildpack in self.selection.buildpacks() {
            if buildpack.name.contains(|letter: char| letter.is_control()) {
                return Err(StagingError::failed(format!("{:?} cannot name a buildpack", buildpack.name)));
            }
        }
        if self.selection.buildpacks().len() > 100 {
            return Err(StagingError::failed("more than 100 buildpacks"));
        }
        Ok(())
    }
}

/// What a staging made.
#[derive(Debug)]
pub struct StagedDroplet {
    /// The droplet (gzip tar), removed with this value: copy or move it before.
    pub archive: tempfile::TempPath,
    /// SHA-256 of the archive, in hex.
    pub digest: String,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Commands by process type; may be empty.
    pub process_types: BTreeMap<String, String>,
    /// Sidecars that buildpacks asked for.
    pub sidecars: Vec<Sidecar>,
    /// The buildpacks that took part, in order.
    pub buildpacks: Vec<StagedBuildpack>,
    /// The command of `web`, if there is one.
    pub start_command: Option<String>,
}

/// A buildpack that took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedBuildpack {
    /// As asked for.
    pub name: String,
    /// [`BuildpackRef::key`].
    pub key: String,
    /// What `bin/detect` printed, if it was asked.
    pub detect_output: Option<String>,
    /// What it calls itself (`config.yml`).
    pub buildpack_name: Option<String>,
    /// Its version (`config.yml`).
    pub version: Option<String>,
}
