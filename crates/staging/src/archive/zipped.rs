//! Packages: zip archives.

use super::path::EntryPath;
use super::tree::Tree;
use super::{ArchiveError, ArchiveLimits, Contents, Meter, entries_error, path};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use zip::ZipArchive;

/// The central directory is held in memory while reading; honest ones of 100,000 entries need about 10 MB.
const DIRECTORY_BYTES: u64 = 64 << 20;

/// Looks at every entry's name, kind and declared size; reads the targets of links, nothing else, and writes nothing.
pub fn check_zip(file: &Path, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let (mut zip, packed) = open(file, limits)?;
    check(&mut zip, packed, limits)
}

/// Unpacks `file` into the empty or missing folder `into`. On an error `into` is removed.
pub fn unpack_zip(file: &Path, into: &Path, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let (mut zip, packed) = open(file, limits)?;
    // Refused before anything is written, where the archive itself gives it away.
    check(&mut zip, packed, limits)?;
    let mut tree = Tree::create(into)?;
    write(&mut zip, packed, limits, &mut tree, into).inspect_err(|_| drop(std::fs::remove_dir_all(into)))
}

/// What an entry of a zip is.
pub(super) enum ZipEntry {
    /// The folder itself.
    Root,
    Folder(EntryPath),
    File(EntryPath, bool),
    Link(EntryPath, Vec<u8>),
}

pub(super) type Zip = ZipArchive<BufReader<File>>;

pub(super) fn open(path: &Path, limits: &ArchiveLimits) -> Result<(Zip, u64), ArchiveError> {
    let mut file = File::open(path).map_err(ArchiveError::io("opening", path))?;
    let packed = file.metadata().map_err(ArchiveError::io("reading", path))?.len();
    check_directory(&mut file, packed, limits).map_err(|error| match error {
        DirectoryError::Archive(error) => error,
        DirectoryError::Io(source) => ArchiveError::io("reading", path)(source),
    })?;
    file.seek(SeekFrom::Start(0)).map_err(ArchiveError::io("reading", path))?;
    let zip = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    Ok((zip, packed))
}

enum DirectoryError {
    Archive(ArchiveError),
    Io(std::io::Error),
}

impl From<std::io::Error> for DirectoryError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the end records alone: a million entries are refused without reading one of them.
///
/// Each record that a reader might choose is looked at, since a comment may hold a second one.
fn check_directory(file: &mut File, packed: u64, limits: &ArchiveLimits) -> Result<(), DirectoryError> {
    // 22 bytes of record, 20 of the locator before it, 64 KiB of comment at most.
    let tail_start = packed.saturating_sub(22 + 20 + (64 << 10));
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(packed - tail_start).read_to_end(&mut tail)?;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let judge = |entries: u64, directory: u64| {
        if entries > limits.entries {
            return Err(DirectoryError::Archive(entries_error(entries, limits, "")));
        }
        if directory > DIRECTORY_BYTES {
            return Err(DirectoryError::Archive(ArchiveError::Limit {
                what: "bytes in the archive's directory:",
                found: directory,
                limit: DIRECTORY_BYTES,
                at: String::new(),
            }));
        }
        Ok(())
    };
    for at in (0..tail.len().saturating_sub(21)).rev().filter(|at| tail[*at..].starts_with(b"PK\x05\x06")) {
        let (entries, directory) = (number(&tail[at + 10..at + 12]), number(&tail[at + 12..at + 16]));
        if entries < 0xFFFF && directory < 0xFFFF_FFFF {
            judge(entries, directory)?;
        }
        // A zip64 locator in front of it counts whatever the small record says.
        if at >= 20 && tail[at - 20..].starts_with(b"PK\x06\x07") {
            let record = number(&tail[at - 12..at - 4]);
            let mut big = [0u8; 56];
            if record.saturating_add(56) <= packed {
                file.seek(SeekFrom::Start(record))?;
                file.read_exact(&mut big)?;
                if big.starts_with(b"PK\x06\x06") {
                    judge(number(&big[32..40]), number(&big[40..48]))?;
                }
            }
        }
    }
    Ok(())
}

fn unreadable(error: zip::result::ZipError) -> ArchiveError {
    ArchiveError::Unreadable { kind: "zip", reason: error.to_string() }
}

fn check(zip: &mut Zip, packed: u64, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let mut meter = Meter::new(limits, packed);
    if zip.len() as u64 > limits.entries {
        return Err(entries_error(zip.len() as u64, limits, ""));
    }
    if zip.has_duplicate_names() {
        // The reader shows one of them, other readers another: which one was meant is anybody's guess.
        return Err(ArchiveError::Unreadable { kind: "zip", reason: "a name comes twice in it".to_owned() });
    }
    for index in 0..zip.len() {
        let (entry, size) = read_entry(zip, index, limits)?;
        let name = match &entry {
            ZipEntry::Root => ".",
            ZipEntry::Folder(path) | ZipEntry::File(path, _) | ZipEntry::Link(path, _) => path.as_str(),
        };
        meter.entry(name)?;
        meter.bytes(size, name)?;
    }
    Ok(meter.seen)
}

/// The entry and its declared size.
pub(super) fn read_entry(zip: &mut Zip, index: usize, limits: &ArchiveLimits) -> Result<(ZipEntry, u64), ArchiveError> {
    let (raw_name, mode, encrypted, folder, size) = {
        let data = zip.by_index_data(index).map_err(unreadable)?;
        (data.name_raw().to_vec(), data.unix_mode().unwrap_or(0), data.encrypted(), data.is_dir(), data.size())
    };
    let shown = path::shorten(&String::from_utf8_lossy(&raw_name));
    let Some(path) = EntryPath::parse(&raw_name, limits)? else { return Ok((ZipEntry::Root, 0)) };
    if encrypted {
        return Err(ArchiveError::Kind { entry: shown, kind: "encrypted file".to_owned() });
    }
    match mode & 0o170_000 {
        0o120_000 => {
            let mut target = Vec::new();
            let link = zip.by_index(index).map_err(unreadable)?;
            link.take(limits.path_bytes as u64 + 1).read_to_end(&mut target).map_err(|error| {
                ArchiveError::Unreadable { kind: "zip", reason: format!("entry {shown:?}: {error}") }
            })?;
            path.check_link(&target, limits)?;
            Ok((ZipEntry::Link(path, target), 0))
        }
        0o040_000 => Ok((ZipEntry::Folder(path), 0)),
        0 | 0o100_000 if folder => Ok((ZipEntry::Folder(path), 0)),
        0 | 0o100_000 => Ok((ZipEntry::File(path, mode & 0o111 != 0), size)),
        other => Err(ArchiveError::Kind { entry: shown, kind: super::tarred::kind_word(other).to_owned() }),
    }
}

fn write(
    zip: &mut Zip,
    packed: u64,
    limits: &ArchiveLimits,
    tree: &mut Tree,
    into: &Path,
) -> Result<Contents, ArchiveError> {
    let mut meter = Meter::new(limits, packed);
    let mut buffer = vec![0u8; 64 << 10];
    for index in 0..zip.len() {
        match read_entry(zip, index, limits)?.0 {
            ZipEntry::Root => {}
            ZipEntry::Folder(path) => tree.folder(&path)?,
            ZipEntry::Link(path, target) => tree.link(&path, &target)?,
            ZipEntry::File(path, executable) => {
                let mut out = BufWriter::new(tree.file(&path, executable)?);
                let mut from = zip.by_index(index).map_err(unreadable)?;
                loop {
                    // Counted as it comes: declared sizes may lie.
                    let read = from.read(&mut buffer).map_err(|error| ArchiveError::Unreadable {
                        kind: "zip",
                        reason: format!("entry {:?}: {error}", path.as_str()),
                    })?;
                    if read == 0 {
                        break;
                    }
                    meter.bytes(read as u64, path.as_str())?;
                    out.write_all(&buffer[..read]).map_err(ArchiveError::io("writing", into.join(path.as_str())))?;
                }
                out.flush().map_err(ArchiveError::io("writing", into.join(path.as_str())))?;
            }
        }
        meter.entry("")?;
    }
    Ok(meter.seen)
}
