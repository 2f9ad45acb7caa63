//! Blobs in an S3 bucket: `PREFIX/ab/ab12…`. Uploads pass through a local temporary file, because a blob's name is known
//! only at its end.

use super::folder::Folder;
use super::{Blob, BlobError, BlobStream, Digest};
use futures_util::stream::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig, WriteMultipart};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Up to here an upload is one request; above, parts of this size (S3 wants at least 5 MiB).
const PART: u64 = 8 * 1024 * 1024;
const PARTS_IN_FLIGHT: usize = 4;

pub(super) struct S3 {
    client: AmazonS3,
    prefix: String,
    /// For temporary files.
    pub(super) local: Folder,
}

impl S3 {
    pub(super) fn open(
        location: &str,
        credentials: Option<(String, String)>,
        local: Folder,
    ) -> Result<Self, BlobError> {
        let wrong = |reason: &str| BlobError::Location { location: location.into(), reason: reason.into() };
        let (path, query) = location.trim_start_matches("s3://").split_once('?').unwrap_or((&location[5..], ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(wrong("the bucket is missing"));
        }
        let (key, secret) =
            credentials.ok_or_else(|| wrong("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set"))?;
        // The client takes the process's default; another part may have set the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region("us-east-1")
            .with_access_key_id(key)
            .with_secret_access_key(secret)
            .with_retry(retry);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            builder = match &*name {
                "endpoint" => builder.with_allow_http(value.starts_with("http://")).with_endpoint(value),
                "region" => builder.with_region(value),
                other => return Err(wrong(&format!("unknown setting {other:?}"))),
            };
        }
        let client = builder.build().map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { client, prefix: prefix.trim_matches('/').into(), local })
    }

    fn key(&self, digest: &Digest) -> Key {
        let hex = digest.hex();
        Key::from(format!("{}/{}/{hex}", self.prefix, &hex[..2]))
    }

    /// Uploads the whole of `file`. An interrupted upload leaves no object.
    pub(super) async fn upload(&self, mut file: tokio::fs::File, size: u64, digest: &Digest) -> Result<(), BlobError> {
        if self.size(digest).await?.is_some() {
            return Ok(());
        }
        let key = self.key(digest);
        file.rewind().await.map_err(BlobError::Source)?;
        if size <= PART {
            let mut bytes = Vec::with_capacity(size as usize);
            file.read_to_end(&mut bytes).await.map_err(BlobError::Source)?;
            return self.client.put(&key, PutPayload::from(bytes)).await.map(|_| ()).map_err(failed);
        }
        let upload = self.client.put_multipart(&key).await.map_err(failed)?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART as usize);
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let sent = match file.read(&mut buffer).await.map_err(BlobError::Source) {
                Ok(0) => break,
                Ok(count) => parts.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(failed).map(|()| count),
                Err(error) => Err(error),
            };
            match sent {
                Ok(count) => parts.write(&buffer[..count]),
                Err(error) => {
                    let _ = parts.abort().await;
                    return Err(error);
                }
            }
        }
        parts.finish().await.map(|_| ()).map_err(failed)
    }

    pub(super) async fn get(&self, digest: &Digest) -> Result<BlobStream, BlobError> {
        match self.client.get(&self.key(digest)).await {
            Ok(found) => Ok(found.into_stream().map_err(failed).boxed()),
            Err(Error::NotFound { .. }) => Err(BlobError::NotFound(*digest)),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        match self.client.head(&self.key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn delete(&self, digest: &Digest) -> Result<bool, BlobError> {
        let existed = self.size(digest).await?.is_some();
        match self.client.delete(&self.key(digest)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(existed),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Blob>, BlobError> {
        let prefix = Key::from(self.prefix.as_str());
        let mut objects = self.client.list(Some(&prefix));
        let mut blobs = Vec::new();
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            if let Some(digest) = object.location.filename().and_then(|name| name.parse().ok()) {
                blobs.push(Blob { digest, size: object.size });
            }
        }
        Ok(blobs)
    }
}

fn failed(error: Error) -> BlobError {
    match error {
        Error::PermissionDenied { source, .. } | Error::Unauthenticated { source, .. } => {
            BlobError::Refused(source.to_string())
        }
        // The whole chain in one line: the outermost says "generic S3 error" only.
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(&other);
            while let Some(inner) = source {
                let inner_text = inner.to_string();
                if !text.contains(&inner_text) {
                    text = format!("{text}: {inner_text}");
                }
                source = inner.source();
            }
            BlobError::Unavailable(text)
        }
    }
}
