//! Archives from outside: packages (zip) and droplets (gzip tar).
//!
//! What is read here was made by strangers. Invariants: nothing is written outside the given folder; no link is ever
//! followed while writing; no more is written, counted or held in memory than [`ArchiveLimits`] allows; set-id bits,
//! owners, devices and time stamps of an archive are dropped. An archive is either taken whole or refused with
//! [`ArchiveError`], which names entry, limit and remedy; nothing half-unpacked stays.

mod compose;
mod pack;
mod path;
mod tarred;
mod tree;
mod zipped;

pub use compose::{Resource, compose_package};
pub use pack::{Packed, pack_tar_gz};
pub use tarred::{check_tar_gz, read_from_tar_gz, unpack_tar, unpack_tar_gz};
pub use zipped::{check_zip, unpack_zip};

use std::io::Read;
use std::path::{Path, PathBuf};

/// Bounds of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Entries of any kind.
    pub entries: u64,
    /// Bytes of all files, unpacked.
    pub total_bytes: u64,
    /// Unpacked bytes for each packed byte, looked at when more than [`ArchiveLimits::ratio_from`] are unpacked.
    pub ratio: u64,
    /// Below so many unpacked bytes any ratio is taken: small text packs well.
    pub ratio_from: u64,
    /// Bytes of one path.
    pub path_bytes: usize,
    /// Names in one path.
    pub path_depth: usize,
    /// May links point to absolute paths? In droplets they do (`/usr/bin/python3`): only a container resolves them.
    pub absolute_links: bool,
}

impl ArchiveLimits {
    /// For uploaded source code.
    pub fn package() -> Self {
        Self {
            entries: 100_000,
            total_bytes: 4 << 30,
            ratio: 150,
            ratio_from: 64 << 20,
            path_bytes: 1024,
            path_depth: 64,
            absolute_links: false,
        }
    }

    /// For droplets and for what a staging container hands out: dependencies are many.
    pub fn droplet() -> Self {
        Self { entries: 400_000, absolute_links: true, ..Self::package() }
    }

    /// The same with another bound of unpacked bytes.
    pub fn with_total(self, total_bytes: u64) -> Self {
        Self { total_bytes, ..self }
    }
}

/// What an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Entries of any kind.
    pub entries: u64,
    /// Bytes of all files, unpacked.
    pub bytes: u64,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is no archive of its kind, or torn.
    #[error("this is no readable {kind} archive ({reason}): pack the folder again and upload it again")]
    Unreadable {
        /// `zip` or `tar.gz`.
        kind: &'static str,
        /// The reader's words.
        reason: String,
    },
    /// An entry that would be written outside the folder, or whose name cannot be one.
    #[error("entry {entry:?} {reason}: entries must lie inside the folder; leave it out or rename it")]
    Path {
        /// As named in the archive, shortened.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A link that leads out of the folder.
    #[error(
        "entry {entry:?} is a link to {target:?}, which leads out of the folder: link inside the folder or copy the file"
    )]
    Link {
        /// The link.
        entry: String,
        /// Where it points.
        target: String,
    },
    /// A device, socket or other thing that an application has no use for.
    #[error("entry {entry:?} is a {kind}: only files, folders and links are taken; leave it out")]
    Kind {
        /// The entry.
        entry: String,
        /// What it is.
        kind: String,
    },
    /// Beyond a bound.
    #[error("{what} {found} where {limit} are allowed{at}: leave out what the application does not need (.cfignore)")]
    Limit {
        /// `entries`, `unpacked bytes`, ….
        what: &'static str,
        /// How many there are, at least.
        found: u64,
        /// The bound.
        limit: u64,
        /// ` (at entry …)` or nothing.
        at: String,
    },
    /// Packed far too well to be honest.
    #[error(
        "the archive unpacks to {bytes} bytes, more than {ratio} times its own size{at}: that is what a decompression bomb does; \
         upload the large files to a data service instead"
    )]
    Bomb {
        /// Unpacked bytes, at least.
        bytes: u64,
        /// The bound.
        ratio: u64,
        /// ` (at entry …)` or nothing.
        at: String,
    },
    /// Reading or writing on this machine failed.
    #[error("{action} {path:?}: {source}")]
    Io {
        /// What was done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl ArchiveError {
    /// Is it this machine's fault rather than the archive's?
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// Counts what has been seen and refuses what is too much.
struct Meter<'a> {
    limits: &'a ArchiveLimits,
    packed_bytes: u64,
    seen: Contents,
}

impl<'a> Meter<'a> {
    /// `packed_bytes`: the archive's own size; 0 switches the ratio off (for archives that are not packed).
    fn new(limits: &'a ArchiveLimits, packed_bytes: u64) -> Self {
        Self { limits, packed_bytes, seen: Contents::default() }
    }

    fn entry(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.seen.entries += 1;
        if self.seen.entries > self.limits.entries {
            return Err(entries_error(self.seen.entries, self.limits, name));
        }
        Ok(())
    }

    fn bytes(&mut self, more: u64, name: &str) -> Result<(), ArchiveError> {
        self.seen.bytes = self.seen.bytes.saturating_add(more);
        let (bytes, limits) = (self.seen.bytes, self.limits);
        if bytes > limits.total_bytes {
            return Err(ArchiveError::Limit {
                what: "unpacked bytes",
                found: bytes,
                limit: limits.total_bytes,
                at: at(name),
            });
        }
        if self.packed_bytes > 0 && bytes > limits.ratio_from && bytes / self.packed_bytes > limits.ratio {
            return Err(ArchiveError::Bomb { bytes, ratio: limits.ratio, at: at(name) });
        }
        Ok(())
    }
}

fn entries_error(found: u64, limits: &ArchiveLimits, name: &str) -> ArchiveError {
    ArchiveError::Limit { what: "entries", found, limit: limits.entries, at: at(name) }
}

fn at(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" (at entry {:?})", path::shorten(name)) }
}

/// Unpacks a package, whichever of the two it is: a gzip tar by its first bytes, else a zip.
pub fn unpack_package(file: &Path, into: &Path, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let mut start = Vec::new();
    let opened = std::fs::File::open(file).and_then(|file| file.take(2).read_to_end(&mut start));
    opened.map_err(ArchiveError::io("reading", file))?;
    if start == [0x1f, 0x8b] { unpack_tar_gz(file, into, limits) } else { unpack_zip(file, into, limits) }
}
