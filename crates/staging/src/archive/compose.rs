//! The whole package: what was uploaded, and what the server had already.

use super::path::EntryPath;
use super::zipped::{ZipEntry, open, read_entry};
use super::{ArchiveError, ArchiveLimits, Contents, Meter, check_zip};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

/// A file that a client did not upload because the server had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Inside the package.
    pub path: String,
    /// Unix mode; 0 counts as 0644.
    pub mode: u32,
    /// Where its contents lie on this machine.
    pub blob: PathBuf,
}

/// Writes the package `bits ∪ resources` to the new file `into` and checks it as a whole. Where a name is in both, what
/// was uploaded counts. Nothing is left at `into` on an error.
pub fn compose_package(
    bits: Option<&Path>,
    resources: &[Resource],
    into: &Path,
    limits: &ArchiveLimits,
) -> Result<Contents, ArchiveError> {
    if let (Some(bits), []) = (bits, resources) {
        let contents = check_zip(bits, limits)?;
        std::fs::copy(bits, into).map_err(ArchiveError::io("writing", into))?;
        return Ok(contents);
    }
    compose(bits, resources, into, limits).inspect_err(|_| drop(std::fs::remove_file(into)))
}

fn compose(
    bits: Option<&Path>,
    resources: &[Resource],
    into: &Path,
    limits: &ArchiveLimits,
) -> Result<Contents, ArchiveError> {
    let file = File::create_new(into).map_err(ArchiveError::io("creating", into))?;
    let writing = |error: zip::result::ZipError| ArchiveError::io("writing", into)(std::io::Error::other(error));
    let mut out = zip::ZipWriter::new(BufWriter::new(file));
    let mut names: HashSet<EntryPath> = HashSet::new();
    if let Some(bits) = bits {
        check_zip(bits, limits)?;
        let (mut zip, _) = open(bits, limits)?;
        for index in 0..zip.len() {
            if let ZipEntry::File(path, _) | ZipEntry::Link(path, _) = read_entry(&mut zip, index, limits)?.0 {
                names.insert(path);
            }
            out.raw_copy_file(zip.by_index_raw(index).map_err(writing)?).map_err(writing)?;
        }
    }
    let mut meter = Meter::new(limits, 0);
    for resource in resources {
        meter.entry(&resource.path)?;
        let path = EntryPath::parse(resource.path.as_bytes(), limits)?
            .ok_or_else(|| ArchiveError::Path { entry: resource.path.clone(), reason: "is the folder itself" })?;
        if !names.insert(path.clone()) {
            continue;
        }
        let mut from = File::open(&resource.blob).map_err(ArchiveError::io("opening", &resource.blob))?;
        let size = from.metadata().map_err(ArchiveError::io("reading", &resource.blob))?.len();
        meter.bytes(size, path.as_str())?;
        let mode = if resource.mode & 0o111 != 0 { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_level(Some(1))
            .unix_permissions(mode)
            .large_file(size > u64::from(u32::MAX));
        out.start_file(path.as_str(), options).map_err(writing)?;
        std::io::copy(&mut from, &mut out).map_err(ArchiveError::io("copying", &resource.blob))?;
    }
    out.finish().and_then(|mut file| file.flush().map_err(Into::into)).map_err(writing)?;
    check_zip(into, limits)
}
