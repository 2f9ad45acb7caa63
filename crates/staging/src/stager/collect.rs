//! From what came through the pipes to a droplet. Everything in it was under the hands of buildpack and application.

use super::container::size;
use super::scratch::Scratch;
use super::{StagedBuildpack, StagedDroplet};
use crate::archive::{self, ArchiveLimits};
use crate::results::{self, Config, Processes, shorten};
use crate::{BuildpackRef, StagingError};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// `staging_info.yml` in the droplet.
#[derive(Serialize)]
struct StagingInfo<'a> {
    detected_buildpack: &'a str,
    start_command: &'a str,
}

pub(super) fn collect(
    scratch: &Scratch,
    selection: &[BuildpackRef],
    stack: &str,
    disk_bytes: u64,
    max_cache: u64,
    line: &dyn Fn(&str),
) -> Result<StagedDroplet, StagingError> {
    let folder = scratch.droplet();
    let tar = scratch.droplet_tar();
    let reader = fs::File::open(&tar).map_err(StagingError::io("opening", &tar))?;
    let limits = ArchiveLimits::droplet().with_total(disk_bytes.saturating_mul(2));
    archive::unpack_tar(std::io::BufReader::with_capacity(64 << 10, reader), &folder, &limits)
        .map_err(|error| StagingError::failed(format!("the droplet: {error}")))?;
    // Its pages are of no use any more.
    drop(fs::remove_file(&tar));
    for name in ["app", "deps", "profile.d", "result"] {
        if !is_folder(&folder.join(name)) {
            return Err(StagingError::failed(format!("staging handed out a droplet without {name}")));
        }
    }
    let broken = |error: String| StagingError::failed(shorten(&error));
    let result = folder.join("result");
    let read_result = |name: &str| results::read(&result.join(name)).map_err(broken);
    let last: usize = read_result("final")?
        .and_then(|text| text.trim().parse().ok())
        .filter(|place| *place < selection.len())
        .ok_or_else(|| StagingError::failed("staging did not say which buildpack was final"))?;
    let detect_output = read_result("detect_output")?.map(|text| shorten(text.trim()));
    let mut processes = Processes::default();
    let release = read_result("release.yml").map_err(|_| StagingError::ReleaseFailed)?.unwrap_or_default();
    processes.release(&release).map_err(|error| {
        line(&format!("bin/release: {}", shorten(&error)));
        StagingError::ReleaseFailed
    })?;

    let took_part = if detect_output.is_some() { &selection[last..=last] } else { &selection[..=last] };
    let width = if took_part.len() < 11 { 1 } else { 2 };
    let mut buildpacks = Vec::new();
    for (place, buildpack) in took_part.iter().enumerate() {
        let deps = folder.join("deps").join(format!("{place:0width$}"));
        let mut config = Config::default();
        if is_folder(&deps) {
            let of = |file: &str, error: String| broken(format!("{file} of {}: {error}", buildpack.name));
            if let Some(text) = results::read(&deps.join("config.yml")).map_err(broken)? {
                let read: Option<Config> =
                    serde_saphyr::from_str(&text).map_err(|error| of("config.yml", error.to_string()))?;
                config = read.unwrap_or_default();
            }
            if let Some(text) = results::read(&deps.join("launch.yml")).map_err(broken)? {
                processes.launch(&text).map_err(|error| of("launch.yml", error))?;
            }
        }
        buildpacks.push(StagedBuildpack {
            name: buildpack.name.clone(),
            key: buildpack.key.clone(),
            detect_output: detect_output.clone().filter(|text| !text.is_empty()),
            buildpack_name: config.name.map(|name| shorten(&name)),
            version: config.version.map(|version| shorten(&version)),
        });
    }
    if let Some(text) = results::read(&folder.join("app/Procfile")).map_err(broken)? {
        processes.procfile(&text).map_err(broken)?;
    }

    tidy(&folder).map_err(StagingError::io("tidying", &folder))?;
    let start_command = processes.types.get("web").cloned();
    let info = StagingInfo {
        detected_buildpack: detect_output.as_deref().unwrap_or(&took_part[took_part.len() - 1].name),
        start_command: start_command.as_deref().unwrap_or_default(),
    };
    let path = folder.join("staging_info.yml");
    let text = serde_json::to_string(&info).map_err(|error| StagingError::failed(error.to_string()))?;
    // JSON is YAML; quoting is its business.
    fs::write(&path, text + "\n").map_err(StagingError::io("writing", &path))?;

    line(&format!("Uploading droplet for stack {stack}..."));
    let at = &scratch.finished;
    let archive = tempfile::Builder::new().suffix(".tgz").tempfile_in(at).map_err(StagingError::io("creating", at))?;
    let archive = archive.into_temp_path();
    drop(fs::remove_file(&archive));
    let packed = archive::pack_tar_gz(&folder, &archive)?;
    line(&format!("Uploaded droplet ({})", size(packed.bytes)));
    keep_cache(scratch, max_cache, line);
    Ok(StagedDroplet {
        archive,
        digest: packed.digest,
        bytes: packed.bytes,
        process_types: processes.types,
        sidecars: processes.sidecars,
        buildpacks,
        start_command,
    })
}

/// A real folder, not a link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// A droplet's layout and nothing else.
fn tidy(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if ["app", "deps", "profile.d"].iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::create_dir(folder.join("tmp"))?;
    fs::create_dir(folder.join("logs"))
}

/// Only after a good staging, and by one rename: a failed one spoils nothing. A lost cache costs time, never a build.
fn keep_cache(scratch: &Scratch, max_bytes: u64, line: &dyn Fn(&str)) {
    let (new, kept) = (scratch.cache_tar(), scratch.cache.join("cache.tar"));
    let bytes = fs::metadata(&new).map_or(0, |meta| meta.len());
    if bytes == 0 {
        return;
    }
    if bytes > max_bytes {
        line(&format!("The build cache is larger than {} and is not kept", size(max_bytes)));
        drop(fs::remove_file(&kept));
        return;
    }
    if let Err(error) = fs::rename(&new, &kept) {
        tracing::warn!(%error, path = %kept.display(), "a build cache could not be kept");
    }
}
