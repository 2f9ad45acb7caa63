//! The runner's layer: made once for each of its versions and each Python, shared by all jobs that run on it.

use super::build;
use crate::Jobs;
use crate::model::job_type::Python;
use crate::repo::setting;
use staging::{BuildpackRef, StagingRequest};
use std::io::Write;
use std::path::PathBuf;
use store::StoreError;
use tokio_util::sync::CancellationToken;

/// A zip without entries.
const EMPTY_ZIP: [u8; 22] = [b'P', b'K', 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The digest of the runner for this job type and Python, built if it is not there.
pub(super) async fn ensure(
    jobs: &Jobs,
    job_type: &str,
    python: &Python,
    request: impl Fn(PathBuf, BuildpackRef, Vec<(String, String)>) -> StagingRequest,
    cancel: &CancellationToken,
) -> Result<String, String> {
    let version = job_type.split_once(':').map_or("", |(_, version)| version);
    let minor = python.python_version.clone().unwrap_or_default();
    let name = format!(".runner:{}:{minor}:{job_type}", jobs.config.stack);
    let _one = jobs.run.inner.runners.lock().await;
    let wanted = name.clone();
    let kept =
        jobs.db.read(move |tx| setting::text(tx, &wanted)).await.map_err(|error: StoreError| error.to_string())?;
    if let Some(digest) = kept
        && exists(jobs, &digest).await
    {
        return Ok(digest);
    }
    let mut package = tempfile::NamedTempFile::new_in(&jobs.config.work).map_err(|error| error.to_string())?;
    package.write_all(&EMPTY_ZIP).map_err(|error| error.to_string())?;
    let env = vec![("RUNNER_VERSION".to_owned(), version.to_owned()), ("PYTHON_VERSION".to_owned(), minor)];
    let buildpack = BuildpackRef::job_type("job_runner").ok_or("this version has no runner")?;
    let digest = build::stage(jobs, request(package.path().to_owned(), buildpack, env), cancel).await?;
    let kept = digest.clone();
    jobs.db.write(move |tx| setting::put(tx, &name, &kept)).await.map_err(|error: StoreError| error.to_string())?;
    Ok(digest)
}

async fn exists(jobs: &Jobs, digest: &str) -> bool {
    match digest.parse() {
        Ok(digest) => jobs.blobs.exists(&digest).await.unwrap_or(false),
        Err(_) => false,
    }
}

/// The folder of what was built.
pub(super) async fn unpacked(jobs: &Jobs, digest: &str) -> Result<PathBuf, String> {
    let parsed = digest.parse().map_err(|error: store::DigestError| error.to_string())?;
    let archive = jobs.blobs.local(&parsed).await.map_err(|error| format!("what was built cannot be read: {error}"))?;
    jobs.run.rooms().layers.layer(digest, archive.as_ref()).await
}
