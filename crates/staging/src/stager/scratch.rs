//! Folders below `work`:
//!
//! ```text
//! apps/<app>/cache.tar   what an app's last good staging kept; only ever unpacked inside a container
//! builtin/<digest>/      the embedded buildpacks
//! buildpacks/<digest>/   administrators' buildpacks
//! scratch/<random>/      one staging: in/ (shown read-only in the container), droplet.tar, cache.tar, droplet/
//! out/                   finished droplets that nobody has taken yet
//! ```

use crate::StagingError;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub(super) fn lay_out(work: &Path) -> std::io::Result<()> {
    for name in ["apps", "buildpacks", "scratch", "out"] {
        // What lies here is open to container users; the way to it is not open to users of this machine.
        DirBuilder::new().recursive(true).mode(0o700).create(work.join(name))?;
    }
    Ok(())
}

/// Removes what a process left that is no more; of the embedded buildpacks all but `builtin` are of other versions.
pub(super) fn sweep(work: &Path, builtin: &Path) -> std::io::Result<()> {
    for name in ["scratch", "out"] {
        for entry in fs::read_dir(work.join(name))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for other in fs::read_dir(work.join("builtin"))?.flatten().filter(|other| other.path() != builtin) {
        fs::remove_dir_all(other.path())?;
    }
    for half in fs::read_dir(work.join("buildpacks"))?.flatten() {
        if half.path().extension().is_some() {
            fs::remove_dir_all(half.path())?;
        }
    }
    Ok(())
}

pub(super) fn app_cache(work: &Path, app_guid: &str) -> PathBuf {
    work.join("apps").join(app_guid)
}

/// One staging's folder; removed with this value.
pub(super) struct Scratch {
    root: tempfile::TempDir,
    /// Shown in the container.
    pub(super) cache: PathBuf,
    /// Where droplets wait for their taker.
    pub(super) finished: PathBuf,
}

impl Scratch {
    pub(super) fn create(work: &Path, app_guid: &str) -> Result<Self, StagingError> {
        let all = work.join("scratch");
        let root = tempfile::tempdir_in(&all).map_err(StagingError::io("creating", &all))?;
        let cache = app_cache(work, app_guid);
        let scratch = Self { root, cache, finished: work.join("out") };
        for folder in [&scratch.inside(), &scratch.cache] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(folder)
                .map_err(StagingError::io("creating", folder))?;
        }
        for pipe in [scratch.droplet_pipe(), scratch.cache_pipe()] {
            let mode = rustix::fs::Mode::from_raw_mode(0o622);
            let made = rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).and_then(|()| rustix::fs::chmod(&pipe, mode));
            made.map_err(|errno| StagingError::io("creating", &pipe)(errno.into()))?;
        }
        Ok(scratch)
    }

    /// Shown in the container as `/pitlane/in`.
    pub(super) fn inside(&self) -> PathBuf {
        self.root.path().join("in")
    }

    pub(super) fn app(&self) -> PathBuf {
        self.inside().join("app")
    }

    pub(super) fn droplet_pipe(&self) -> PathBuf {
        self.inside().join("droplet.pipe")
    }

    pub(super) fn cache_pipe(&self) -> PathBuf {
        self.inside().join("cache.pipe")
    }

    /// What came through the pipe.
    pub(super) fn droplet_tar(&self) -> PathBuf {
        self.root.path().join("droplet.tar")
    }

    /// What came through the other.
    pub(super) fn cache_tar(&self) -> PathBuf {
        self.root.path().join("cache.tar")
    }

    /// The droplet, unpacked.
    pub(super) fn droplet(&self) -> PathBuf {
        self.root.path().join("droplet")
    }
}
