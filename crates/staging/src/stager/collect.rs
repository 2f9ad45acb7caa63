//! From what came through the pipes to a droplet. Everything in it was under the hands of buildpack and application.

use super::container::size;
use super::scratch::Scratch;
use super::{StagedBuildpack, StagedDroplet};
use crate::archive::{self, ArchiveLimits};
use crate::results::{self, Config, Processes, shorten};
use crate::{BuildpackRef, StagingError};
use serde::Serialize;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
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
    keep_cache(scratch);
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

/// Only after a good staging, whole, and by one rename: nothing spoils it. A lost cache costs time, never a build.
fn keep_cache(scratch: &Scratch) {
    let (new, kept) = (scratch.cache_tar(), scratch.cache.join("cache.tar"));
    match ends_as_tar(&new) {
        Ok(true) => {
            if let Err(error) = fs::rename(&new, &kept) {
                tracing::warn!(%error, path = %kept.display(), "a build cache could not be kept");
            }
        }
        // Too large, or its writer broke off: the old one stays.
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, path = %new.display(), "a build cache could not be read"),
    }
}

/// Does the file end with the two empty blocks of a whole tar?
fn ends_as_tar(path: &Path) -> std::io::Result<bool> {
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    if file.metadata()?.len() < 1024 {
        return Ok(false);
    }
    let mut end = [1u8; 1024];
    file.seek(SeekFrom::End(-1024))?;
    file.read_exact(&mut end)?;
    Ok(end.iter().all(|byte| *byte == 0))
}
