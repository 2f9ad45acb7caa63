//! What buildpacks and application say about themselves, read with suspicion: bounded, plain files only, validated.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// No file of settings is longer.
const SMALL: u64 = 256 << 10;
/// Commands longer than this are refused; Linux takes 128 KiB in one argument.
const COMMAND_BYTES: usize = 64 << 10;
/// Process types and sidecars of one droplet.
const TYPES: usize = 100;

/// A process beside another, in the same container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its name.
    pub name: String,
    /// Its command.
    pub command: String,
    /// The process types that it accompanies.
    pub process_types: Vec<String>,
    /// Its share of the memory, in MB.
    pub memory_in_mb: Option<u64>,
}

/// What a buildpack wrote to `config.yml`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) version: Option<String>,
}

/// A version such as `1.0` is a number to YAML.
fn text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Any {
        Text(String),
        Number(f64),
        Nothing(()),
    }
    Ok(match Any::deserialize(from)? {
        Any::Text(text) => Some(text),
        Any::Number(number) => Some(number.to_string()),
        Any::Nothing(()) => None,
    })
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    default_process_types: Option<BTreeMap<String, String>>,
}

/// The command that a droplet made elsewhere names for `web`, in its `staging_info.yml`. Looks at a droplet that has been
/// checked; what cannot be read says nothing.
pub fn start_command(droplet: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(default)]
        start_command: Option<String>,
    }
    let text = crate::archive::read_from_tar_gz(droplet, "staging_info.yml", SMALL).ok()??;
    let info: Info = serde_saphyr::from_str(&text).ok()?;
    info.start_command.filter(|command| !command.trim().is_empty() && check("web", command).is_ok())
}

#[derive(Deserialize)]
struct Launch {
    #[serde(default)]
    processes: Vec<LaunchProcess>,
}

#[derive(Deserialize)]
struct LaunchProcess {
    #[serde(rename = "type")]
    kind: String,
    command: String,
    #[serde(default)]
    platforms: Platforms,
    #[serde(default)]
    limits: LaunchLimits,
}

#[derive(Default, Deserialize)]
struct Platforms {
    #[serde(default)]
    cloudfoundry: CloudFoundry,
}

#[derive(Default, Deserialize)]
struct CloudFoundry {
    #[serde(default)]
    sidecar_for: Vec<String>,
}

#[derive(Default, Deserialize)]
struct LaunchLimits {
    #[serde(default)]
    memory: Option<u64>,
}

/// Process types and sidecars, as they come together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Processes {
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) sidecars: Vec<Sidecar>,
}

impl Processes {
    /// The lowest in rank: what `bin/release` printed.
    pub(crate) fn release(&mut self, yaml: &str) -> Result<(), String> {
        if yaml.trim().is_empty() {
            return Ok(());
        }
        let release: Option<Release> = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        for (kind, command) in release.and_then(|release| release.default_process_types).unwrap_or_default() {
            self.add(kind, command)?;
        }
        Ok(())
    }

    /// A buildpack's `launch.yml`.
    pub(crate) fn launch(&mut self, yaml: &str) -> Result<(), String> {
        let launch: Option<Launch> = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
        for process in launch.map(|launch| launch.processes).unwrap_or_default() {
            let beside = process.platforms.cloudfoundry.sidecar_for;
            if beside.is_empty() {
                self.add(process.kind, process.command)?;
                continue;
            }
            check(&process.kind, &process.command)?;
            beside.iter().try_for_each(|kind| check(kind, ""))?;
            if self.sidecars.len() >= TYPES {
                return Err(format!("more than {TYPES} sidecars"));
            }
            self.sidecars.push(Sidecar {
                name: process.kind,
                command: process.command,
                process_types: beside,
                memory_in_mb: process.limits.memory,
            });
        }
        Ok(())
    }

    /// The highest in rank: the application's `Procfile`. A YAML map; lines of `type: command` where it is none.
    pub(crate) fn procfile(&mut self, text: &str) -> Result<(), String> {
        if let Ok(map) = serde_saphyr::from_str::<BTreeMap<String, String>>(text) {
            return map.into_iter().try_for_each(|(kind, command)| self.add(kind, command));
        }
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || format!("Procfile, line {}: {:?} is not \"type: command\"", number + 1, shorten(line));
            let (kind, command) = line.split_once(':').ok_or_else(wrong)?;
            self.add(kind.trim().to_owned(), command.trim().to_owned())
                .map_err(|error| format!("Procfile, line {}: {error}", number + 1))?;
        }
        Ok(())
    }

    fn add(&mut self, kind: String, command: String) -> Result<(), String> {
        check(&kind, &command)?;
        if command.trim().is_empty() {
            return Ok(());
        }
        self.types.insert(kind, command);
        if self.types.len() > TYPES { Err(format!("more than {TYPES} process types")) } else { Ok(()) }
    }
}

fn check(kind: &str, command: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if kind.is_empty() || kind.len() > 100 || !kind.bytes().all(plain) {
        return Err(format!("{:?} cannot name a process: letters, digits, \"-\", \"_\" and \".\" can", shorten(kind)));
    }
    if command.len() > COMMAND_BYTES || command.contains('\0') {
        return Err(format!("the command of {kind:?} is longer than {COMMAND_BYTES} bytes or holds a NUL"));
    }
    Ok(())
}

/// Text that strangers wrote, fit for one line of ours.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// A small plain file; `None` if it is not there, is something else (a link, a folder), or is no UTF-8.
pub(crate) fn read(path: &Path) -> Result<Option<String>, String> {
    read_small(path, SMALL)
}

pub(crate) fn read_small(path: &Path, limit: u64) -> Result<Option<String>, String> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = open(path, flags, Mode::empty()) else { return Ok(None) };
    let file = std::fs::File::from(file);
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut text = Vec::new();
    file.take(limit + 1).read_to_end(&mut text).map_err(|error| format!("{name}: {error}"))?;
    if text.len() as u64 > limit {
        return Err(format!("{name} is longer than {limit} bytes"));
    }
    Ok(String::from_utf8(text).ok())
}
