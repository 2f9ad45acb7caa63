//! Writing below one folder, and nowhere else.
//!
//! Every step down opens one name with `O_NOFOLLOW`, relative to the folder's own descriptor: what lies on disk decides, not text.

use super::path::EntryPath;
use super::{ArchiveError, path};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What an entry was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
}

/// A folder that grows.
pub(super) struct Tree {
    at: PathBuf,
    root: OwnedFd,
    kinds: HashMap<EntryPath, Kind>,
    /// The folder written to last: entries come in runs.
    recent: Option<(String, OwnedFd)>,
}

impl Tree {
    /// Starts in `into`, which is created if it is missing and must be empty.
    pub(super) fn create(into: &Path) -> Result<Self, ArchiveError> {
        std::fs::create_dir_all(into).map_err(ArchiveError::io("creating", into))?;
        let mut inside = std::fs::read_dir(into).map_err(ArchiveError::io("reading", into))?;
        if inside.next().is_some() {
            let full = std::io::Error::from(std::io::ErrorKind::DirectoryNotEmpty);
            return Err(ArchiveError::io("unpacking into", into)(full));
        }
        let root = rustix::fs::open(into, FOLDER, Mode::empty()).map_err(|errno| io("opening", into, errno))?;
        Ok(Self { at: into.to_owned(), root, kinds: HashMap::new(), recent: None })
    }

    /// Takes note of what an entry is; the same name may come again, but as the same kind.
    fn note(&mut self, path: &EntryPath, kind: Kind) -> Result<Option<Kind>, ArchiveError> {
        match self.kinds.insert(path.clone(), kind) {
            Some(before) if before != kind => Err(ArchiveError::Path {
                entry: path::shorten(path.as_str()),
                reason: "comes twice, as two different kinds of entry",
            }),
            before => Ok(before),
        }
    }

    pub(super) fn folder(&mut self, path: &EntryPath) -> Result<(), ArchiveError> {
        self.note(path, Kind::Folder)?;
        self.open_folder(path, path.as_str())?;
        Ok(())
    }

    /// A new file; one of the same name is replaced.
    pub(super) fn file(&mut self, path: &EntryPath, executable: bool) -> Result<File, ArchiveError> {
        let again = self.note(path, Kind::File)?.is_some();
        let at = self.at.join(path.as_str());
        let mode = Mode::from_raw_mode(if executable { 0o755 } else { 0o644 });
        let (folder, name) = self.parent(path)?;
        if again {
            rustix::fs::unlinkat(folder, name, AtFlags::empty()).map_err(|errno| io("replacing", &at, errno))?;
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, name, flags, mode).map_err(|errno| self.explain(path, errno))?;
        // The process's umask has no say in what an application sees.
        rustix::fs::fchmod(&file, mode).map_err(|errno| io("setting the mode of", &at, errno))?;
        Ok(File::from(file))
    }

    /// A symbolic link, whose target has been checked.
    pub(super) fn link(&mut self, path: &EntryPath, target: &[u8]) -> Result<(), ArchiveError> {
        let again = self.note(path, Kind::Link)?.is_some();
        let at = self.at.join(path.as_str());
        let (folder, name) = self.parent(path)?;
        if again {
            rustix::fs::unlinkat(folder, name, AtFlags::empty()).map_err(|errno| io("replacing", &at, errno))?;
        }
        rustix::fs::symlinkat(target, folder, name).map_err(|errno| self.explain(path, errno))
    }

    /// A second name of a file that came before.
    pub(super) fn hard_link(&mut self, path: &EntryPath, target: &EntryPath) -> Result<(), ArchiveError> {
        if self.kinds.get(target) != Some(&Kind::File) || path == target {
            return Err(ArchiveError::Link {
                entry: path::shorten(path.as_str()),
                target: path::shorten(target.as_str()),
            });
        }
        let again = self.note(path, Kind::File)?.is_some();
        let at = self.at.join(path.as_str());
        let from = self.parent(target)?.0.try_clone_to_owned().map_err(ArchiveError::io("opening", &at))?;
        let (folder, name) = self.parent(path)?;
        if again {
            rustix::fs::unlinkat(folder, name, AtFlags::empty()).map_err(|errno| io("replacing", &at, errno))?;
        }
        let (_, from_name) = target.split();
        rustix::fs::linkat(&from, from_name, folder, name, AtFlags::empty()).map_err(|errno| self.explain(path, errno))
    }

    /// The open folder that holds `path`, and its last name.
    fn parent<'p>(&mut self, path: &'p EntryPath) -> Result<(std::os::fd::BorrowedFd<'_>, &'p str), ArchiveError> {
        let (_, name) = path.split();
        let Some((parents, _)) = path.as_str().rsplit_once('/') else {
            return Ok((self.root.as_fd(), name));
        };
        Ok((self.open_folder(path, parents)?, name))
    }

    /// Opens `folder` step by step, making what is missing. `path` is the entry on whose behalf, for the message.
    fn open_folder(&mut self, path: &EntryPath, folder: &str) -> Result<std::os::fd::BorrowedFd<'_>, ArchiveError> {
        if self.recent.as_ref().is_none_or(|(recent, _)| recent != folder) {
            let mut open: Option<OwnedFd> = None;
            for name in folder.split('/') {
                let above = open.as_ref().map_or(self.root.as_fd(), |fd| fd.as_fd());
                let next = match rustix::fs::openat(above, name, FOLDER, Mode::empty()) {
                    Err(Errno::NOENT) => {
                        rustix::fs::mkdirat(above, name, Mode::from_raw_mode(0o755))
                            .map_err(|errno| self.explain(path, errno))?;
                        let made = rustix::fs::openat(above, name, FOLDER, Mode::empty())
                            .map_err(|errno| self.explain(path, errno))?;
                        rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))
                            .map_err(|errno| self.explain(path, errno))?;
                        made
                    }
                    other => other.map_err(|errno| self.explain(path, errno))?,
                };
                open = Some(next);
            }
            let open = open.expect("split yields at least one name");
            self.recent = Some((folder.to_owned(), open));
        }
        Ok(self.recent.as_ref().map(|(_, fd)| fd.as_fd()).expect("it has just been set"))
    }

    fn explain(&self, path: &EntryPath, errno: Errno) -> ArchiveError {
        let reason = match errno {
            Errno::NOTDIR | Errno::LOOP => "lies beneath an entry that is no folder (a file or a link)",
            Errno::EXIST | Errno::ISDIR => "comes twice, as two different kinds of entry",
            _ => return io("writing", &self.at.join(path.as_str()), errno),
        };
        ArchiveError::Path { entry: path::shorten(path.as_str()), reason }
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn io(action: &'static str, path: &Path, errno: Errno) -> ArchiveError {
    ArchiveError::io(action, path)(errno.into())
}
