//! Droplets, unpacked once and shared: `layers/<digest>/`, whole or not there.

use crate::error::host;
use crate::unpack::{Bounds, Kind, unpack};
use engine::EngineError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// More than any droplet seen, less than what fills a disk unnoticed.
const DROPLET: Bounds = Bounds { entries: 1_000_000, bytes: 16 << 30 };

/// The layer of `digest`, unpacked from `archive` (gzipped tar) unless it is there.
pub(crate) fn layer(layers: &Path, digest: &str, archive: &Path) -> Result<PathBuf, EngineError> {
    if digest.len() < 8 || !digest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(EngineError::Refused(format!("{digest:?} is no digest")));
    }
    let path = layers.join(digest);
    if path.is_dir() {
        return Ok(path);
    }
    let source =
        File::open(archive).map_err(|error| EngineError::Refused(format!("droplet {}: {error}", archive.display())))?;
    let source = flate2::read::MultiGzDecoder::new(std::io::BufReader::with_capacity(1 << 16, source));
    fill(layers, &path, |target| unpack(source, target, Kind::Layer, DROPLET))?;
    Ok(path)
}

/// Makes `path` by filling a folder beside it, durably, and giving it its name at the end.
pub(crate) fn fill(
    parent: &Path,
    path: &Path,
    fill: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), EngineError> {
    let staging = tempfile::Builder::new()
        .prefix(".new")
        .tempdir_in(parent)
        .map_err(host(format!("writing to {}", parent.display())))?;
    let folder = staging.path().join("it");
    std::fs::create_dir(&folder).map_err(host(format!("writing to {}", parent.display())))?;
    match fill(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return Err(EngineError::Refused(error.to_string()));
        }
        other => other.map_err(host(format!("unpacking to {}", path.display())))?,
    }
    let handle = File::open(&folder).map_err(host(format!("writing to {}", parent.display())))?;
    // One flush of the file system instead of one a file: droplets have tens of thousands.
    rustix::fs::syncfs(&handle).map_err(host(format!("flushing {}", path.display())))?;
    match std::fs::rename(&folder, path) {
        // Somebody else made the same one meanwhile.
        Err(_) if path.is_dir() => Ok(()),
        other => other.map_err(host(format!("naming {}", path.display()))),
    }
}

/// Removes what a crash left half-made.
pub(crate) fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".new") {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
