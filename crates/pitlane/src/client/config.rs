//! What the command line remembers: one entry for each server it has been logged in to.
//!
//! `$PITLANE_HOME/config.json`, else `$XDG_CONFIG_HOME/pitlane/config.json`, else `~/.config/pitlane/config.json`; mode
//! 0600. Written whole, by renaming; changes are made under a lock, so that commands side by side lose nothing.

use super::failure::{Failure, Result, Told};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

/// The file's content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    /// The server that is meant when none is named.
    pub(crate) current: Option<String>,
    /// By URL.
    #[serde(default)]
    pub(crate) targets: BTreeMap<String, Target>,
}

/// One server.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Where its UAA answers log-ins.
    pub(crate) login: String,
    /// Where its UAA answers the rest.
    pub(crate) uaa: String,
    /// Where its log cache is.
    pub(crate) log_cache: String,
    /// Is its certificate not checked?
    #[serde(default)]
    pub(crate) skip_ssl_validation: bool,
    /// Who is logged in.
    pub(crate) user: Option<String>,
    /// The token of the API.
    pub(crate) access_token: Option<String>,
    /// What fetches the next one.
    pub(crate) refresh_token: Option<String>,
    /// When the access token ends, seconds since 1970 UTC.
    #[serde(default)]
    pub(crate) expires_at: i64,
    /// The organization worked in.
    pub(crate) org: Option<Named>,
    /// The space worked in.
    pub(crate) space: Option<Named>,
}

// Tokens do not print.
impl std::fmt::Debug for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Target").field("login", &self.login).field("user", &self.user).finish_non_exhaustive()
    }
}

/// Something with a guid and a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) guid: String,
    pub(crate) name: String,
}

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Where the environment says.
    pub(crate) fn from_environment() -> Result<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = set("PITLANE_HOME")
            .or_else(|| set("XDG_CONFIG_HOME").map(|folder| folder.join("pitlane")))
            .or_else(|| set("HOME").map(|folder| folder.join(".config/pitlane")))
            .ok_or_else(|| Failure::new("no place to remember the log-in").hint("set PITLANE_HOME to a folder"))?;
        Ok(Self { folder })
    }

    /// The file's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("config.json")
    }

    /// What is remembered; nothing if there is no file.
    pub(crate) fn load(&self) -> Result<Config> {
        let path = self.path();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => return Err(Failure::new(format!("cannot read {}: {error}", path.display()))),
        };
        serde_json::from_slice(&text).map_err(|error| {
            Failure::new(format!("{} is damaged: {error}", path.display()))
                .hint("remove it and run `pitlane login URL` again")
        })
    }

    /// Locks out other commands until the guard is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let failed = || format!("cannot write to {}", self.folder.display());
        std::fs::create_dir_all(&self.folder).told(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.folder.join("config.lock"))
            .told(failed)?;
        lock.lock().told(failed)?;
        Ok(lock)
    }

    /// Changes what is remembered, under the lock.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Config) -> T) -> Result<T> {
        let _lock = self.lock()?;
        self.change_locked(change)
    }

    /// As [`Store::change`], for whoever holds the lock.
    pub(crate) fn change_locked<T>(&self, change: impl FnOnce(&mut Config) -> T) -> Result<T> {
        let mut config = self.load()?;
        let answer = change(&mut config);
        self.write(&config)?;
        Ok(answer)
    }

    fn write(&self, config: &Config) -> Result<()> {
        let path = self.path();
        let failed = || format!("cannot write {}", path.display());
        let text = serde_json::to_string_pretty(config).told(failed)?;
        // Made with mode 0600, beside its place so that the renaming is one step.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).told(failed)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).told(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).told(failed)?;
        file.persist(&path).told(failed)?;
        Ok(())
    }
}

/// A server's URL as it is remembered: with a scheme, without a slash at its end.
pub(crate) fn normalize(url: &str) -> Result<String> {
    let url = url.trim().trim_end_matches('/');
    let local = |host: &str| host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]");
    let full = match url.contains("://") {
        true => url.to_owned(),
        false if local(url) || url.split([':', '/']).next().is_some_and(|host| host.ends_with(".localhost")) => {
            format!("http://{url}")
        }
        false => format!("https://{url}"),
    };
    match reqwest::Url::parse(&full) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(full),
        _ => Err(Failure::usage(format!("`{url}` is no URL of a server"))
            .hint("it looks like http://127.0.0.1:7080 or https://api.example.org")),
    }
}
