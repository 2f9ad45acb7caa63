//! Blobs: immutable bytes, named by their SHA-256, in a folder or an S3 bucket.
//!
//! Invariants: a name always stands for all of its bytes (they become visible in one step, after they are durable);
//! reading checks the digest, so damaged bytes are an error and never an answer. Negative: a blob is never changed;
//! nothing here knows who refers to a blob, so whoever deletes one makes sure that nobody does.

mod digest;
mod folder;
mod s3;

pub use digest::{Digest, DigestError};

use bytes::Bytes;
use folder::Folder;
use futures_util::stream::{BoxStream, StreamExt};
use s3::S3;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// What can go wrong with blobs.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// `PITLANE_BLOBS` is not understood, or a setting beside it is missing.
    #[error(
        "PITLANE_BLOBS {location:?} cannot be used: {reason}; use a folder or s3://BUCKET/PREFIX?endpoint=URL&region=NAME"
    )]
    Location {
        /// As given.
        location: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no such blob.
    #[error("there is no blob {0}")]
    NotFound(Digest),
    /// The source gave more bytes than allowed. Nothing was kept.
    #[error("more than the allowed {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The stored bytes are not those that were put.
    #[error("blob {0} is damaged where it is stored: restore it from a backup, or delete it and make it anew")]
    Damaged(Digest),
    /// No space is left. Nothing was kept.
    #[error("the disk that holds the blobs is full: free some space")]
    Full,
    /// The S3 server refuses our credentials.
    #[error(
        "the S3 server refuses access: {0}; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
    )]
    Refused(String),
    /// The S3 server cannot be reached or fails.
    #[error("the S3 server is not available: {0}")]
    Unavailable(String),
    /// Reading the source failed.
    #[error("reading what should become a blob failed: {0}")]
    Source(#[source] std::io::Error),
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A blob that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// Its name.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

/// The bytes of one blob. Ends with [`BlobError::Damaged`] if they are not those that were put.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// A blob as a file on this machine, for as long as this value lives. Read only: never write to it.
#[derive(Debug)]
pub struct LocalBlob {
    path: PathBuf,
    /// Holds the copy of a remote blob; deleted with it.
    _copy: Option<tempfile::TempPath>,
}

impl AsRef<Path> for LocalBlob {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// All blobs of this Pitlane. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    inner: Arc<Backend>,
}

enum Backend {
    Folder(Folder),
    S3(S3),
}

impl Blobs {
    /// Opens the blobs at `location`: a folder, or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` with credentials from the
    /// environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`). Without a location, `blobs` in the folder `data`,
    /// which also holds the temporary files of uploads.
    pub async fn open(location: Option<&str>, data: &Path) -> Result<Self, BlobError> {
        let local = data.join("blobs");
        let inner = match location {
            Some(location) if location.starts_with("s3://") => {
                let key = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
                let credentials = key("AWS_ACCESS_KEY_ID").zip(key("AWS_SECRET_ACCESS_KEY"));
                Backend::S3(S3::open(location, credentials, Folder::open(&local)?)?)
            }
            Some(location) if location.contains("://") => {
                return Err(BlobError::Location { location: location.into(), reason: "unknown scheme".into() });
            }
            Some(folder) => Backend::Folder(Folder::open(Path::new(folder))?),
            None => Backend::Folder(Folder::open(&local)?),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// As [`Blobs::open`] for an S3 location, with these credentials instead of the environment's.
    pub fn open_s3(location: &str, key: &str, secret: &str, data: &Path) -> Result<Self, BlobError> {
        let folder = Folder::open(&data.join("blobs"))?;
        let s3 = S3::open(location, Some((key.into(), secret.into())), folder)?;
        Ok(Self { inner: Arc::new(Backend::S3(s3)) })
    }

    /// Stores what `source` gives, at most `limit` bytes. Durable when it answers; putting the same bytes again is cheap
    /// and changes nothing. If it fails or is dropped half-way, nothing is kept.
    pub async fn put(&self, mut source: impl AsyncRead + Unpin + Send, limit: u64) -> Result<Blob, BlobError> {
        let folder = self.folder();
        let (file, path) = folder.temporary()?;
        let io = |source| folder::io(&path, source);
        let mut file = tokio::fs::File::from_std(file);
        let (mut hash, mut size, mut buffer) = (Sha256::new(), 0_u64, vec![0; 256 * 1024]);
        loop {
            let count = source.read(&mut buffer).await.map_err(BlobError::Source)?;
            if count == 0 {
                break;
            }
            size += count as u64;
            if size > limit {
                return Err(BlobError::TooLarge { limit });
            }
            hash.update(&buffer[..count]);
            file.write_all(&buffer[..count]).await.map_err(io)?;
        }
        file.flush().await.map_err(io)?;
        let digest = Digest::from_bytes(hash.finalize().into());
        match &*self.inner {
            Backend::Folder(folder) => {
                file.sync_all().await.map_err(io)?;
                folder.keep(path, &digest).await?;
            }
            Backend::S3(s3) => s3.upload(file, size, &digest).await?,
        }
        Ok(Blob { digest, size })
    }

    /// Stores a copy of the file at `path`, at most `limit` bytes.
    pub async fn put_file(&self, path: &Path, limit: u64) -> Result<Blob, BlobError> {
        let file = tokio::fs::File::open(path).await.map_err(|source| folder::io(path, source))?;
        self.put(file, limit).await
    }

    /// Stores these bytes.
    pub async fn put_bytes(&self, bytes: &[u8]) -> Result<Blob, BlobError> {
        self.put(bytes, u64::MAX).await
    }

    /// The blob's bytes, checked while they pass.
    pub async fn get(&self, digest: &Digest) -> Result<BlobStream, BlobError> {
        let bytes = match &*self.inner {
            Backend::Folder(folder) => folder.get(digest).await?,
            Backend::S3(s3) => s3.get(digest).await?,
        };
        Ok(checked(bytes, *digest))
    }

    /// The blob as a file on this machine: the stored one, or a checked copy of a remote one.
    pub async fn local(&self, digest: &Digest) -> Result<LocalBlob, BlobError> {
        let Backend::S3(_) = &*self.inner else {
            let path = self.folder().path(digest);
            self.size(digest).await?.ok_or(BlobError::NotFound(*digest))?;
            return Ok(LocalBlob { path, _copy: None });
        };
        let mut bytes = self.get(digest).await?;
        let (file, path) = self.folder().temporary()?;
        let mut file = tokio::fs::File::from_std(file);
        while let Some(chunk) = bytes.next().await {
            file.write_all(&chunk?).await.map_err(|source| folder::io(&path, source))?;
        }
        file.flush().await.map_err(|source| folder::io(&path, source))?;
        Ok(LocalBlob { path: path.to_path_buf(), _copy: Some(path) })
    }

    /// The blob's size in bytes; none if there is no such blob.
    pub async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        match &*self.inner {
            Backend::Folder(folder) => folder.size(digest).await,
            Backend::S3(s3) => s3.size(digest).await,
        }
    }

    /// Whether there is such a blob.
    pub async fn exists(&self, digest: &Digest) -> Result<bool, BlobError> {
        self.size(digest).await.map(|size| size.is_some())
    }

    /// Deletes the blob; answers whether there was one.
    pub async fn delete(&self, digest: &Digest) -> Result<bool, BlobError> {
        match &*self.inner {
            Backend::Folder(folder) => folder.delete(digest).await,
            Backend::S3(s3) => s3.delete(digest).await,
        }
    }

    /// Every blob, in no order.
    pub async fn list(&self) -> Result<Vec<Blob>, BlobError> {
        match &*self.inner {
            Backend::Folder(folder) => folder.list().await,
            Backend::S3(s3) => s3.list().await,
        }
    }

    fn folder(&self) -> &Folder {
        match &*self.inner {
            Backend::Folder(folder) => folder,
            Backend::S3(s3) => &s3.local,
        }
    }
}

/// Passes `bytes` on and fails at their end if they do not hash to `digest`.
fn checked(bytes: BlobStream, digest: Digest) -> BlobStream {
    futures_util::stream::try_unfold(Some((bytes, Sha256::new())), move |state| async move {
        let Some((mut bytes, mut hash)) = state else { return Ok(None) };
        match bytes.next().await.transpose()? {
            Some(chunk) => {
                hash.update(&chunk);
                Ok(Some((chunk, Some((bytes, hash)))))
            }
            None if Digest::from_bytes(hash.finalize().into()) == digest => Ok(None),
            None => Err(BlobError::Damaged(digest)),
        }
    })
    .boxed()
}
