//! Droplets: gzip tar archives, and the plain tar that a staging container hands out.
//!
//! Long names (GNU, pax) are read here and not by the tar library, which would hold any length of them in memory.

use super::path::EntryPath;
use super::tree::Tree;
use super::{ArchiveError, ArchiveLimits, Contents, Meter, path};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use tar::EntryType;

/// Reads a droplet to its end and judges every entry; writes nothing.
pub fn check_tar_gz(file: &Path, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let (reader, packed) = open(file)?;
    walk(reader, packed, limits, None, file)
}

/// Unpacks a droplet into the empty or missing folder `into`, after it has been checked whole. On an error `into` is removed.
pub fn unpack_tar_gz(file: &Path, into: &Path, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    check_tar_gz(file, limits)?;
    let (reader, packed) = open(file)?;
    let mut tree = Tree::create(into)?;
    walk(reader, packed, limits, Some(&mut tree), into).inspect_err(|_| drop(std::fs::remove_dir_all(into)))
}

/// Unpacks a tar that is not packed, in one pass. On an error `into` is removed.
pub fn unpack_tar(reader: impl Read, into: &Path, limits: &ArchiveLimits) -> Result<Contents, ArchiveError> {
    let mut tree = Tree::create(into)?;
    walk(reader, 0, limits, Some(&mut tree), into).inspect_err(|_| drop(std::fs::remove_dir_all(into)))
}

/// The beginning (at most `most` bytes) of the plain file `name` at the top of a droplet that has been checked.
pub fn read_from_tar_gz(file: &Path, name: &str, most: u64) -> Result<Option<String>, ArchiveError> {
    let unreadable = |error: std::io::Error| ArchiveError::Unreadable { kind: "tar.gz", reason: error.to_string() };
    let (reader, _) = open(file)?;
    for entry in tar::Archive::new(reader).entries().map_err(unreadable)?.raw(true) {
        let entry = entry.map_err(unreadable)?;
        let path = entry.header().path_bytes();
        let path = path.strip_prefix(b"./").unwrap_or(&path);
        if entry.header().entry_type() == EntryType::Regular && path == name.as_bytes() {
            let mut text = Vec::new();
            entry.take(most).read_to_end(&mut text).map_err(unreadable)?;
            return Ok(String::from_utf8(text).ok());
        }
    }
    Ok(None)
}

fn open(path: &Path) -> Result<(impl Read + use<>, u64), ArchiveError> {
    let file = File::open(path).map_err(ArchiveError::io("opening", path))?;
    let packed = file.metadata().map_err(ArchiveError::io("reading", path))?.len();
    Ok((MultiGzDecoder::new(BufReader::with_capacity(64 << 10, file)), packed.max(1)))
}

/// File types by their mode bits, for messages.
pub(super) fn kind_word(mode: u32) -> &'static str {
    match mode & 0o170_000 {
        0o020_000 => "character device",
        0o060_000 => "block device",
        0o010_000 => "named pipe",
        0o140_000 => "socket",
        _ => "thing of unknown kind",
    }
}

/// Names that came in entries of their own, before the entry they are for.
#[derive(Default)]
struct Long {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

fn walk(
    reader: impl Read,
    packed: u64,
    limits: &ArchiveLimits,
    mut tree: Option<&mut Tree>,
    at: &Path,
) -> Result<Contents, ArchiveError> {
    let unreadable = |reason: String| ArchiveError::Unreadable { kind: "tar.gz", reason };
    let mut archive = tar::Archive::new(reader);
    let mut meter = Meter::new(limits, packed);
    let mut buffer = vec![0u8; 64 << 10];
    let mut long = Long::default();
    // Raw: the library hands long-name entries on instead of reading them whole.
    for entry in archive.entries().map_err(|error| unreadable(error.to_string()))?.raw(true) {
        let mut entry = entry.map_err(|error| unreadable(error.to_string()))?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader) {
            meter.entry("")?;
            read_long(&mut entry, kind, limits, &mut long)?;
            continue;
        }
        if kind == EntryType::XGlobalHeader {
            meter.entry("")?;
            meter.bytes(entry.header().entry_size().unwrap_or(u64::MAX), "")?;
            continue;
        }
        let Long { path: long_path, link: long_link } = std::mem::take(&mut long);
        let raw = long_path.unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let target = long_link.or_else(|| entry.header().link_name_bytes().map(|name| name.into_owned()));
        let name = path::shorten(&String::from_utf8_lossy(&raw));
        meter.entry(&name)?;
        let Some(path) = EntryPath::parse(&raw, limits)? else { continue };
        match kind {
            EntryType::Directory => {
                if let Some(tree) = tree.as_deref_mut() {
                    tree.folder(&path)?;
                }
            }
            EntryType::Symlink => {
                let target = target.unwrap_or_default();
                path.check_link(&target, limits)?;
                if let Some(tree) = tree.as_deref_mut() {
                    tree.link(&path, &target)?;
                }
            }
            EntryType::Link => {
                let target = target.unwrap_or_default();
                let leads_out = || ArchiveError::Link {
                    entry: name.clone(),
                    target: path::shorten(&String::from_utf8_lossy(&target)),
                };
                let target = EntryPath::parse(&target, limits).ok().flatten().ok_or_else(leads_out)?;
                if let Some(tree) = tree.as_deref_mut() {
                    tree.hard_link(&path, &target)?;
                }
            }
            EntryType::Regular | EntryType::Continuous => {
                // Before a byte of it is read: a liar's size is refused by its own claim.
                meter.bytes(entry.header().entry_size().unwrap_or(u64::MAX), &name)?;
                let executable = entry.header().mode().unwrap_or(0) & 0o111 != 0;
                let mut out = match tree.as_deref_mut() {
                    Some(tree) => Some(BufWriter::new(tree.file(&path, executable)?)),
                    None => None,
                };
                loop {
                    let read =
                        entry.read(&mut buffer).map_err(|error| unreadable(format!("entry {name:?}: {error}")))?;
                    if read == 0 {
                        break;
                    }
                    if let Some(out) = &mut out {
                        out.write_all(&buffer[..read]).map_err(ArchiveError::io("writing", at.join(path.as_str())))?;
                    }
                }
                if let Some(out) = &mut out {
                    out.flush().map_err(ArchiveError::io("writing", at.join(path.as_str())))?;
                }
            }
            other => {
                let kind = match other {
                    EntryType::Char => kind_word(0o020_000),
                    EntryType::Block => kind_word(0o060_000),
                    EntryType::Fifo => kind_word(0o010_000),
                    _ => kind_word(0),
                };
                return Err(ArchiveError::Kind { entry: name, kind: kind.to_owned() });
            }
        }
    }
    Ok(meter.seen)
}

/// Reads one long-name entry, within bounds.
fn read_long(
    entry: &mut tar::Entry<'_, impl Read>,
    kind: EntryType,
    limits: &ArchiveLimits,
    long: &mut Long,
) -> Result<(), ArchiveError> {
    let torn = || ArchiveError::Unreadable { kind: "tar.gz", reason: "a broken long-name record".to_owned() };
    // pax records also hold times and the like; names have their own limit later.
    let limit = limits.path_bytes as u64 * 2 + (16 << 10);
    let size = entry.header().entry_size().map_err(|_| torn())?;
    if size > limit {
        return Err(ArchiveError::Limit {
            what: "bytes in one long-name record:",
            found: size,
            limit,
            at: String::new(),
        });
    }
    let mut data = Vec::new();
    entry.read_to_end(&mut data).map_err(|_| torn())?;
    match kind {
        EntryType::GNULongName => long.path = Some(until_nul(&data)),
        EntryType::GNULongLink => long.link = Some(until_nul(&data)),
        _ => {
            let mut rest = &data[..];
            while !rest.is_empty() {
                let (key, value, next) = pax_record(rest).ok_or_else(torn)?;
                match key {
                    b"path" => long.path = Some(value.to_vec()),
                    b"linkpath" => long.link = Some(value.to_vec()),
                    // Sizes beyond 8 GB and sparse files change how much is to be read; neither belongs in a droplet.
                    b"size" => return Err(torn()),
                    key if key.starts_with(b"GNU.sparse") => return Err(torn()),
                    _ => {}
                }
                rest = next;
            }
        }
    }
    Ok(())
}

fn until_nul(data: &[u8]) -> Vec<u8> {
    data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// `<length> <key>=<value>\n`, the length counting all of it.
fn pax_record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = data.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&data[..blank]).ok()?.parse().ok()?;
    let record = data.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &data[length..]))
}
