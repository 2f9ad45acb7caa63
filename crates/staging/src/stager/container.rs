//! What happens inside: preparing the container, running it, reading its pipes.

use super::scratch::Scratch;
use super::{Selection, Stager, StagerOptions, StagingRequest, blocking};
use crate::archive::{self, ArchiveLimits};
use crate::{BuildpackSource, StagingError};
use engine::{Engine, EngineError, Exit, ExitKind, InstanceId, InstanceSpec, Mount, Purpose, RootFs};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

const BUILDER: &str = include_str!("../builder.sh");
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Stager {
    /// Unpacks source and buildpacks and writes the builder's plan; answers what the container is to see.
    pub(super) async fn prepare(
        &self,
        request: &StagingRequest,
        scratch: &std::sync::Arc<Scratch>,
    ) -> Result<Vec<Mount>, StagingError> {
        let (request, scratch) = (request.clone(), scratch.clone());
        let (builtin, work) = (self.inner.builtin.clone(), self.inner.options.work.clone());
        blocking(move || {
            (request.line)("Downloading app package...");
            // Source that would not fit into the container is refused before it is written anywhere.
            let limits = ArchiveLimits::package();
            let limits = limits.with_total(limits.total_bytes.min(request.limits.disk_bytes));
            let contents = archive::unpack_package(&request.package, &scratch.app(), &limits)?;
            (request.line)(&format!("Downloaded app package ({})", size(contents.bytes)));
            let mut mounts = vec![
                Mount { source: scratch.inside(), target: "/pitlane/in".to_owned(), writable: false },
                Mount { source: scratch.cache.clone(), target: "/pitlane/cache".to_owned(), writable: false },
            ];
            let mut plan = String::new();
            for (place, buildpack) in request.selection.buildpacks().iter().enumerate() {
                let key = &hex::encode(Sha256::digest(buildpack.key.as_bytes()))[..32];
                let target = format!("/pitlane/buildpacks/{place}");
                let (kind, source, branch) = match &buildpack.source {
                    BuildpackSource::Url(url) => url.plan(),
                    BuildpackSource::Builtin => {
                        let known = crate::buildpack::all_builtin().find(|known| known.name == buildpack.name);
                        let known = known.ok_or_else(|| {
                            StagingError::failed(format!("there is no built-in buildpack {:?}", buildpack.name))
                        })?;
                        mounts.push(shown(builtin.join(known.folder), &target));
                        ("folder", target.as_str(), "-")
                    }
                    BuildpackSource::Archive { path, digest } => {
                        mounts.push(shown(unpacked(&work, path, digest)?, &target));
                        ("folder", target.as_str(), "-")
                    }
                };
                plan += &format!("{place}\t{}\t{key}\t{kind}\t{source}\t{branch}\n", buildpack.name);
            }
            let mode = match request.selection {
                Selection::Explicit(_) => "explicit",
                Selection::Detect(_) => "detect",
            };
            for (name, text) in [("builder.sh", BUILDER), ("plan", &plan), ("mode", mode)] {
                let path = scratch.inside().join(name);
                fs::write(&path, text).map_err(StagingError::io("writing", &path))?;
            }
            Ok(mounts)
        })
        .await
    }
}

fn shown(source: PathBuf, target: &str) -> Mount {
    Mount { source, target: target.to_owned(), writable: false }
}

/// An administrator's buildpack, unpacked once for each digest.
fn unpacked(work: &Path, zip: &Path, digest: &str) -> Result<PathBuf, StagingError> {
    if digest.len() < 16 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(StagingError::failed(format!("{digest:?} is no digest")));
    }
    let folder = work.join("buildpacks").join(digest);
    if !folder.is_dir() {
        // Two stagings may do so at once; the first to rename wins and both are well.
        let own = folder.with_extension(uuid::Uuid::new_v4().to_string());
        crate::unpack_buildpack(zip, &own)?;
        if let Err(error) = fs::rename(&own, &folder) {
            drop(fs::remove_dir_all(&own));
            if !folder.is_dir() {
                return Err(StagingError::io("moving", &folder)(error));
            }
        }
    }
    Ok(folder)
}

/// Runs the container to its end, within its time.
pub(super) async fn run(
    options: &StagerOptions,
    request: &StagingRequest,
    scratch: &Scratch,
    id: &InstanceId,
    mounts: Vec<Mount>,
    cancel: &CancellationToken,
) -> Result<(), StagingError> {
    let engine = options.engine.as_ref();
    let spec = spec(options, request, id, mounts);
    // As much as fits into the container, and what tar adds; a sparse file would be endless otherwise.
    let most = request.limits.disk_bytes + request.limits.disk_bytes / 4 + (16 << 20);
    let ended = CancellationToken::new();
    let droplet = spool(&scratch.droplet_pipe(), scratch.droplet_tar(), most, &ended)?;
    let cache = spool(&scratch.cache_pipe(), scratch.cache_tar(), options.cache_bytes, &ended)?;
    let life = async {
        let life = async {
            engine.start(&spec).await?;
            engine.wait(id).await
        };
        let exit = tokio::select! {
            exit = life => exit.map_err(|error| match error {
                EngineError::Refused(reason) | EngineError::Host(reason) => StagingError::failed(reason),
                error @ EngineError::Unknown(_) => StagingError::failed(error.to_string()),
            }),
            () = cancel.cancelled() => Err(StagingError::Cancelled),
            () = tokio::time::sleep(request.timeout) => Err(StagingError::Expired { seconds: request.timeout.as_secs() }),
        };
        if exit.is_err() {
            remove(engine, id).await;
        }
        ended.cancel();
        exit
    };
    let (exit, droplet, cache) = tokio::join!(life, droplet, cache);
    let exit = exit?;
    if droplet? {
        return Err(StagingError::failed(format!(
            "the droplet is larger than the disk limit of staging ({})",
            size(request.limits.disk_bytes)
        )));
    }
    judge(exit, request)?;
    if cache? {
        (request.line)(&format!("The build cache is larger than {} and is not kept", size(options.cache_bytes)));
        let path = scratch.cache_tar();
        fs::remove_file(&path).map_err(StagingError::io("removing", &path))?;
    }
    Ok(())
}

fn spec(options: &StagerOptions, request: &StagingRequest, id: &InstanceId, mounts: Vec<Mount>) -> InstanceSpec {
    let memory = format!("{}m", request.limits.memory_bytes >> 20);
    let usual = [("PATH", PATH), ("HOME", "/home/vcap"), ("USER", "vcap"), ("LANG", "en_US.UTF-8"), ("TMPDIR", "/tmp")];
    let system = [("CF_STACK", request.stack.as_str()), ("MEMORY_LIMIT", &memory)];
    let mut env: Vec<(String, String)> = Vec::new();
    let layers = usual.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let layers = layers.chain(options.env.iter().cloned()).chain(request.env.iter().cloned());
    for (name, value) in layers.chain(system.iter().map(|(name, value)| (name.to_string(), value.to_string()))) {
        match env.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => env.push((name, value)),
        }
    }
    InstanceSpec {
        id: id.clone(),
        workload: request.build_guid.clone(),
        version: request.build_guid.clone(),
        index: 0,
        purpose: Purpose::Staging,
        root: RootFs { stack: request.stack.clone(), layers: Vec::new(), mounts },
        argv: ["/bin/bash", "/pitlane/in/builder.sh"].map(str::to_owned).to_vec(),
        env,
        cwd: "/home/vcap".to_owned(),
        limits: request.limits.clone(),
        ports: Vec::new(),
        egress: true,
        grace: Duration::from_secs(1),
        log: request.log.clone(),
        companions: Vec::new(),
    }
}

/// What the builder's end means.
fn judge(exit: Exit, request: &StagingRequest) -> Result<(), StagingError> {
    let reason = match exit.kind {
        ExitKind::Code { code: 0 } => return Ok(()),
        ExitKind::Code { code: 222 } => return Err(StagingError::NoAppDetected),
        ExitKind::Code { code: 223 } => return Err(StagingError::CompileFailed),
        ExitKind::Code { code: 224 } => return Err(StagingError::ReleaseFailed),
        ExitKind::Code { .. } => "staging failed".to_owned(),
        ExitKind::OutOfMemory => format!(
            "staging used more than its {} of memory: raise the memory limit of staging or install less",
            size(request.limits.memory_bytes)
        ),
        ExitKind::Signal { signal } => format!("signal {signal} ended staging"),
        ExitKind::Stopped => "staging was stopped".to_owned(),
        ExitKind::NotStarted { reason } => format!("staging could not be started: {reason}"),
        ExitKind::Unhealthy { reason } => reason,
        ExitKind::Lost => "the staging container is gone (was the host restarted?): push again".to_owned(),
    };
    Err(StagingError::Failed { reason })
}

/// Ends and forgets an instance, whatever state it is in.
pub(super) async fn remove(engine: &dyn Engine, id: &InstanceId) {
    for result in [engine.kill(id).await, engine.wait(id).await.map(drop), engine.forget(id).await] {
        match result {
            Ok(()) | Err(EngineError::Unknown(_)) => {}
            Err(error) => tracing::warn!(instance = id.0, %error, "a staging container could not be removed"),
        }
    }
}

/// Copies what comes through a pipe into the new file `into` until the container has ended. Answers whether it was more than `most`
/// bytes; the pipe is then closed, and the writer's next write fails.
fn spool(
    from: &Path,
    into: PathBuf,
    most: u64,
    ended: &CancellationToken,
) -> Result<impl Future<Output = Result<bool, StagingError>> + use<>, StagingError> {
    use std::io::Write;
    // Opened for writing too: the pipe then never ends before the container does.
    let pipe =
        pipe::OpenOptions::new().read_write(true).open_receiver(from).map_err(StagingError::io("opening", from))?;
    let file = fs::File::create_new(&into).map_err(StagingError::io("creating", &into))?;
    let ended = ended.clone();
    Ok(async move {
        let (mut file, mut written, mut failed) = (file, 0u64, None);
        let mut buffer = vec![0u8; 64 << 10];
        let mut turn = 0u32;
        loop {
            // A writer without end must not keep the clock from being looked at.
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(16) {
                tokio::task::yield_now().await;
            }
            // Asked first: what was written before the end is in the pipe now.
            let last = ended.is_cancelled();
            match pipe.try_read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    written = written.saturating_add(read as u64);
                    if written > most {
                        break;
                    }
                    failed = file.write_all(&buffer[..read]).err();
                    if failed.is_some() {
                        break;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if last {
                        break;
                    }
                    tokio::select! {
                        _ = pipe.readable() => {}
                        () = ended.cancelled() => {}
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        match failed {
            Some(error) => Err(StagingError::io("writing", &into)(error)),
            None => Ok(written > most),
        }
    })
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes}B"),
        1024..0x10_0000 => format!("{}K", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{:.1}M", bytes as f64 / f64::from(1 << 20)),
        _ => format!("{:.1}G", bytes as f64 / f64::from(1 << 30)),
    }
}
