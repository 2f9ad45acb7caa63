//! Blobs in a folder: `ab/ab12…`, temporary files in `tmp/`.
//!
//! A temporary file is locked while its writer lives, so what a killed process left is told from what is being written.

use super::{Blob, BlobError, BlobStream, Digest};
use futures_util::stream::StreamExt;
use std::fs::File;
use std::path::{Path, PathBuf};

pub(super) struct Folder {
    root: PathBuf,
}

pub(super) fn io(path: &Path, source: std::io::Error) -> BlobError {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => BlobError::Full,
        _ => BlobError::Io { path: path.into(), source },
    }
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, BlobError> {
        let tmp = root.join("tmp");
        std::fs::create_dir_all(&tmp).map_err(|source| io(&tmp, source))?;
        for entry in std::fs::read_dir(&tmp).map_err(|source| io(&tmp, source))?.flatten() {
            // Unlocked: its writer is dead. One that vanishes meanwhile is no concern.
            if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(Self { root: root.into() })
    }

    pub(super) fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(&hex[..2]).join(hex)
    }

    /// A new file, open for reading and writing, that vanishes with its path's guard.
    pub(super) fn temporary(&self) -> Result<(File, tempfile::TempPath), BlobError> {
        let tmp = self.root.join("tmp");
        loop {
            let (file, path) = tempfile::NamedTempFile::new_in(&tmp).map_err(|source| io(&tmp, source))?.into_parts();
            file.lock().map_err(|source| io(&path, source))?;
            // Another process that opens this folder may have found it unlocked a moment ago.
            if path.exists() {
                return Ok((file, path));
            }
        }
    }

    /// Gives a synced temporary file its final name.
    pub(super) async fn keep(&self, from: tempfile::TempPath, digest: &Digest) -> Result<(), BlobError> {
        let to = self.path(digest);
        let work = move || {
            let parent = to.parent().expect("a blob's path has its shard folder as parent");
            let sync =
                |path: &Path| File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| io(path, source));
            if !parent.exists() {
                std::fs::create_dir_all(parent).map_err(|source| io(parent, source))?;
                sync(parent.parent().expect("a shard folder lies in the root"))?;
            }
            from.persist(&to).map_err(|error| io(&to, error.error))?;
            sync(parent)
        };
        tokio::task::spawn_blocking(work).await.expect("moving a file does not panic")
    }

    pub(super) async fn get(&self, digest: &Digest) -> Result<BlobStream, BlobError> {
        let path = self.path(digest);
        match tokio::fs::File::open(&path).await {
            Ok(file) => Ok(tokio_util::io::ReaderStream::with_capacity(file, 64 * 1024)
                .map(move |chunk| chunk.map_err(|source| io(&path, source)))
                .boxed()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(BlobError::NotFound(*digest)),
            Err(error) => Err(io(&path, error)),
        }
    }

    pub(super) async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        let path = self.path(digest);
        match tokio::fs::metadata(&path).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io(&path, error)),
        }
    }

    pub(super) async fn delete(&self, digest: &Digest) -> Result<bool, BlobError> {
        let path = self.path(digest);
        match tokio::fs::remove_file(&path).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io(&path, error)),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Blob>, BlobError> {
        let root = self.root.clone();
        let work = move || {
            let mut blobs = Vec::new();
            for shard in std::fs::read_dir(&root).map_err(|source| io(&root, source))?.flatten() {
                if shard.file_name().len() != 2 {
                    continue;
                }
                let entries = std::fs::read_dir(shard.path()).map_err(|source| io(&shard.path(), source))?;
                for entry in entries.flatten() {
                    let digest = entry.file_name().to_str().and_then(|name| name.parse().ok());
                    if let (Some(digest), Ok(metadata)) = (digest, entry.metadata()) {
                        blobs.push(Blob { digest, size: metadata.len() });
                    }
                }
            }
            Ok(blobs)
        };
        tokio::task::spawn_blocking(work).await.expect("listing a folder does not panic")
    }
}
