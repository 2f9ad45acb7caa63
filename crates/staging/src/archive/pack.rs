//! Droplets are made so that equal contents give equal bytes, and thereby one digest.
//!
//! Sorted names, no owners, two modes. A file's time stamp is derived from its contents: fixed stamps would make the
//! validators that web servers derive from time and size (`ETag`, `Last-Modified`) equal for different contents.

use super::ArchiveError;
use flate2::{Compression, Crc, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// 2020-01-01 UTC: every stamp lies between here and [`SPAN`] later, so that none is in the future.
const EPOCH: u64 = 1_577_836_800;
/// Four years, in seconds.
const SPAN: u64 = 4 * 365 * 86_400;

/// Files up to so many bytes are read once, others twice.
const AT_ONCE: u64 = 1 << 20;

/// A packed folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Packs `folder` into the new file `into`, names beginning with `./`. Links are kept, never followed; what is neither
/// file, folder nor link is left out.
pub fn pack_tar_gz(folder: &Path, into: &Path) -> Result<Packed, ArchiveError> {
    let file = File::create_new(into).map_err(ArchiveError::io("creating", into))?;
    let out = Hashing { inner: BufWriter::with_capacity(256 << 10, file), hash: Sha256::new(), bytes: 0 };
    // Level 1: a push waits for this; disks are cheap.
    let mut tar = tar::Builder::new(GzEncoder::new(out, Compression::fast()));
    let packed = add_folder(&mut tar, folder, "./").and_then(|()| {
        let failed = ArchiveError::io("writing", into);
        let finish = || {
            let mut out = tar.into_inner()?.finish()?;
            out.inner.flush()?;
            Ok(Packed { digest: hex::encode(out.hash.finalize()), bytes: out.bytes })
        };
        finish().map_err(failed)
    });
    packed.inspect_err(|_| drop(std::fs::remove_file(into)))
}

fn add_folder<W: Write>(tar: &mut tar::Builder<W>, folder: &Path, name: &str) -> Result<(), ArchiveError> {
    append(tar, name, header(tar::EntryType::Directory, 0o755, 0, EPOCH), folder, std::io::empty())?;
    let mut inside: Vec<_> = std::fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<_, _>>())
        .map_err(ArchiveError::io("reading", folder))?;
    inside.sort_by_key(|entry| entry.file_name());
    for entry in inside {
        let path = entry.path();
        let reading = |error| ArchiveError::io("reading", &path)(error);
        let Some(own) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let kind = entry.file_type().map_err(reading)?;
        let name = format!("{name}{own}");
        if kind.is_dir() {
            add_folder(tar, &path, &format!("{name}/"))?;
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&path).map_err(reading)?;
            let target = target.as_os_str().as_bytes();
            let mut link = header(tar::EntryType::Symlink, 0o777, 0, EPOCH);
            if link.set_link_name_literal(target).is_err() {
                let mut long = header(tar::EntryType::GNULongLink, 0o644, target.len() as u64 + 1, 0);
                put_name(&mut long, "././@LongLink");
                tar.append(&long, target.chain(&b"\0"[..])).map_err(reading)?;
            }
            append(tar, &name, link, &path, std::io::empty())?;
        } else if kind.is_file() {
            add_file(tar, &path, &name)?;
        }
    }
    Ok(())
}

/// A time that follows from the contents.
fn stamp(crc: &Crc) -> u64 {
    EPOCH + u64::from(crc.sum()) % SPAN
}

fn add_file<W: Write>(tar: &mut tar::Builder<W>, path: &Path, name: &str) -> Result<(), ArchiveError> {
    let reading = |error| ArchiveError::io("reading", path)(error);
    let mut file = File::open(path).map_err(reading)?;
    let meta = file.metadata().map_err(reading)?;
    let mode = if meta.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
    if meta.len() <= AT_ONCE {
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
        file.take(AT_ONCE).read_to_end(&mut bytes).map_err(reading)?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        let header = header(tar::EntryType::Regular, mode, bytes.len() as u64, stamp(&crc));
        return append(tar, name, header, path, &bytes[..]);
    }
    let mut buffer = vec![0u8; 64 << 10];
    let mut crc = Crc::new();
    loop {
        let read = file.read(&mut buffer).map_err(reading)?;
        if read == 0 {
            break;
        }
        crc.update(&buffer[..read]);
    }
    let stamp = stamp(&crc);
    std::io::Seek::rewind(&mut file).map_err(reading)?;
    append(tar, name, header(tar::EntryType::Regular, mode, meta.len(), stamp), path, file.take(meta.len()))
}

fn header(kind: tar::EntryType, mode: u32, size: u64, stamp: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(stamp);
    header
}

/// The library would drop the leading `./`, which readers of droplets look for: names are put in here.
fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    mut header: tar::Header,
    path: &Path,
    data: impl Read,
) -> Result<(), ArchiveError> {
    let packing = |error| ArchiveError::io("packing", path)(error);
    let field = header.as_old_mut().name.len();
    if name.len() > field {
        let mut long = self::header(tar::EntryType::GNULongName, 0o644, name.len() as u64 + 1, 0);
        put_name(&mut long, "././@LongLink");
        tar.append(&long, name.as_bytes().chain(&b"\0"[..])).map_err(packing)?;
    }
    put_name(&mut header, name);
    tar.append(&header, data).map_err(packing)
}

fn put_name(header: &mut tar::Header, name: &str) {
    let field = &mut header.as_old_mut().name;
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
    header.set_cksum();
}

struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(data)?;
        self.hash.update(&data[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
