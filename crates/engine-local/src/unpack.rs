//! Tar archives from others into a fresh folder.
//!
//! Nothing is written outside the folder: names are relative without `..`, and no step of a path may be a link, whoever made
//! it. Symbolic links may be absolute, for they are followed inside the container only, where `/usr` is the stack's; relative
//! ones must stay inside. Entries and bytes are bounded; no devices, no set-uid.

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How much an archive may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Files, folders and links together.
    pub entries: u64,
    /// Bytes of all files, unpacked.
    pub bytes: u64,
}

/// Who owns what is unpacked, and what becomes of device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A droplet: all is the application's; devices are refused.
    Layer,
    /// A root file system: all is root's; devices are left out (`/dev` is made anew for each instance).
    Stack,
}

fn refuse<T>(words: String) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidData, words))
}

/// Unpacks `archive` into the empty folder `target`. An error leaves a part behind; the caller removes it.
pub(crate) fn unpack(archive: impl Read, target: &Path, kind: Kind, bounds: Bounds) -> Result<()> {
    let root = rustix::fs::open(target, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let owner = if kind == Kind::Layer { crate::VCAP } else { 0 };
    let owner = (Some(rustix::fs::Uid::from_raw(owner)), Some(rustix::fs::Gid::from_raw(owner)));
    let (mut entries, mut bytes) = (0, 0);
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        entries += 1;
        bytes += entry.size();
        if entries > bounds.entries {
            return refuse(format!("the archive has more than {} entries", bounds.entries));
        }
        if bytes > bounds.bytes {
            return refuse(format!("the archive unpacks to more than {} bytes", bounds.bytes));
        }
        let path = inside(&entry.path()?)
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("{shown:?} points out of the archive")))?;
        let mode = Mode::from_raw_mode(entry.header().mode().unwrap_or(0o644) & 0o777);
        let kind_of = entry.header().entry_type();
        let Some(name) = path.file_name() else {
            rustix::fs::chownat(&root, "", owner.0, owner.1, AtFlags::EMPTY_PATH)?;
            continue;
        };
        let folder = make_folders(&root, path.parent().unwrap_or(Path::new("")), owner)?;
        if kind_of.is_dir() {
            let made = make_folders(&folder, Path::new(name), owner)?;
            let made =
                rustix::fs::openat(&made, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            // Whoever runs it must get in, and the platform must be able to remove it.
            rustix::fs::fchmod(&made, mode | Mode::RWXU)?;
            continue;
        }
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return refuse(format!("{shown:?} is in the archive twice, once as a folder ({error})")),
        }
        if kind_of.is_symlink() {
            let to = entry
                .link_name()?
                .ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("link {shown:?} has no target")))?;
            if !stays_inside(&path, &to) {
                return refuse(format!("link {shown:?} points out of the archive, to {to:?}"));
            }
            rustix::fs::symlinkat(to.as_os_str().as_bytes(), &folder, name)?;
            rustix::fs::chownat(&folder, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?;
        } else if kind_of.is_hard_link() {
            let to = entry.link_name()?.and_then(|to| inside(&to)).ok_or_else(|| {
                Error::new(ErrorKind::InvalidData, format!("hard link {shown:?} points out of the archive"))
            })?;
            let from = open_folder(&root, to.parent().unwrap_or(Path::new("")))?;
            let Some(from_name) = to.file_name() else {
                return refuse(format!("hard link {shown:?} points to a folder"));
            };
            rustix::fs::linkat(&from, from_name, &folder, name, AtFlags::empty())?;
        } else if kind_of.is_file() || kind_of.is_contiguous() || kind_of.is_gnu_sparse() {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(rustix::fs::openat(&folder, name, flags, Mode::RUSR | Mode::WUSR)?);
            std::io::copy(&mut entry, &mut file)?;
            rustix::fs::fchown(&file, owner.0, owner.1)?;
            rustix::fs::fchmod(&file, mode)?;
            let seconds = i64::try_from(entry.header().mtime().unwrap_or(0)).unwrap_or(0);
            let at = Timespec { tv_sec: seconds, tv_nsec: 0 };
            rustix::fs::futimens(&file, &Timestamps { last_access: at, last_modification: at })?;
        } else if kind == Kind::Layer
            && (kind_of.is_character_special() || kind_of.is_block_special() || kind_of.is_fifo())
        {
            return refuse(format!("{shown:?} is a device or pipe"));
        }
        // What is left are a stack's devices and headers that describe other entries.
    }
    Ok(())
}

/// The path without `.`; `None` if it is absolute or climbs.
fn inside(path: &Path) -> Option<PathBuf> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| matches!(part, Component::Normal(_)).then_some(part))
        .collect()
}

fn stays_inside(link: &Path, to: &Path) -> bool {
    let mut depth = link.components().count() - 1;
    to.is_absolute()
        || to.components().all(|part| match part {
            Component::ParentDir => depth.checked_sub(1).is_some_and(|less| {
                depth = less;
                true
            }),
            Component::Normal(_) => {
                depth += 1;
                true
            }
            _ => true,
        })
}

fn open_folder(root: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), resolve)?)
}

fn make_folders(
    root: &OwnedFd,
    path: &Path,
    owner: (Option<rustix::fs::Uid>, Option<rustix::fs::Gid>),
) -> Result<OwnedFd> {
    match open_folder(root, path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENOTDIR)) => {
            return refuse(format!("{path:?} goes through a link or a file"));
        }
        done => return done,
    }
    let mut folder = rustix::io::fcntl_dupfd_cloexec(root.as_fd(), 3)?;
    for part in path.components() {
        let name = Path::new(part.as_os_str());
        match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => rustix::fs::chownat(&folder, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?,
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder = open_folder(&folder, name).or_else(|_| refuse(format!("{path:?} goes through a link or a file")))?;
    }
    Ok(folder)
}
