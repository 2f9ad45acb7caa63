//! What a server is started with. Every setting can be an option or an environment variable; options win.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Options of `pitlane serve`, handed on to its children.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// Address and port that everything is served on: applications by host name, the rest on any other name
    #[arg(long, env = "PITLANE_LISTEN", default_value = "127.0.0.1:7080")]
    pub listen: SocketAddr,
    /// Folder that holds everything this server keeps
    #[arg(long, env = "PITLANE_DATA", default_value = "./data")]
    pub data: PathBuf,
    /// Domain under which applications get their host names
    #[arg(long, env = "PITLANE_DOMAIN", default_value = "apps.localhost", value_parser = domain)]
    pub domain: String,
    /// External database: postgres://… or mysql://… (default: SQLite in the data folder)
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where other servers on the same database reach this one (default: where it listens; if that is every address, this
    /// host's name)
    #[arg(long, env = "PITLANE_PEER_URL", value_name = "URL", value_parser = peer_url)]
    pub peer_url: Option<String>,
    /// Where packages and droplets are kept: a folder, or s3://BUCKET/PREFIX?endpoint=…&region=… (default: the data folder)
    #[arg(long, env = "PITLANE_BLOBS", hide_env_values = true)]
    pub blobs: Option<String>,
    /// Run applications as bare processes where this host cannot do containers (no isolation!)
    #[arg(long, env = "PITLANE_ALLOW_BARE")]
    pub allow_bare: bool,
    /// Memory that applications, tasks and builds share, in megabytes; what does not fit waits for its turn (default: this
    /// host's without a tenth, at least 512)
    #[arg(long, env = "PITLANE_MEMORY", value_name = "MEGABYTES", value_parser = clap::value_parser!(u64).range(64..=1 << 30))]
    pub memory: Option<u64>,
    /// Build jobs from repositories on this machine (file://) or without TLS (http://) too
    #[arg(long, env = "PITLANE_INSECURE_GIT")]
    pub insecure_git: bool,
    /// Seconds that building one application may take
    #[arg(long, env = "PITLANE_STAGING_TIMEOUT", value_name = "SECONDS", default_value_t = 900,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub staging_timeout: u64,
}

impl Settings {
    /// The same settings with an absolute data folder, made if it is missing (mode 0700).
    pub fn prepare(mut self) -> anyhow::Result<Self> {
        self.data = make_folder(&self.data)?;
        std::fs::create_dir_all(run_folder(&self.data))?;
        std::fs::create_dir_all(self.data.join("log"))?;
        Ok(self)
    }

    /// The address people type.
    pub fn url(&self) -> String {
        server::url(self.listen)
    }
}

/// What a data folder has of the first things that are made in it.
const OURS: [&str; 3] = ["run", "master.key", "pitlane.db"];

/// The absolute path of a data folder, which is made if it is missing; nobody else may look into it.
pub fn make_folder(data: &Path) -> anyhow::Result<PathBuf> {
    use anyhow::Context;
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let shown = data.display();
    if !data.exists() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .with_context(|| format!("cannot make the data folder {shown}: choose another with --data"))?;
    }
    let data = std::fs::canonicalize(data).with_context(|| format!("cannot read the data folder {shown}"))?;
    // A slip of the keyboard must not take `/etc` away from everybody.
    let names = std::fs::read_dir(&data)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>())
        .with_context(|| format!("cannot read the data folder {shown}"))?;
    let ours = |name: &std::ffi::OsString| OURS.iter().any(|ours| name == ours);
    anyhow::ensure!(
        names.iter().all(|name| name == "lost+found") || names.iter().any(ours),
        "{shown} holds something else and is no data folder: choose an empty or a new one with --data"
    );
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("the data folder {shown} belongs to somebody else"))?;
    Ok(data)
}

/// Where sockets and process files are.
pub fn run_folder(data: &Path) -> PathBuf {
    data.join("run")
}

fn domain(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('.').to_ascii_lowercase();
    let good = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 200 && text.split('.').all(good) {
        Ok(text)
    } else {
        Err("not a domain name: labels of letters, digits and inner hyphens, joined by dots (apps.example.com)".into())
    }
}

fn peer_url(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    match text.strip_prefix("http://").and_then(|place| place.rsplit_once(':')) {
        Some((host, port))
            if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() && text.len() < 192 =>
        {
            Ok(text.to_owned())
        }
        _ => Err("not http://HOST:PORT".into()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn peer_urls() {
        for (text, good) in [
            ("http://one.example:7080", true),
            ("http://10.0.0.1:7080/", true),
            ("http://[::1]:7080", true),
            ("http://one.example", false),
            ("https://one.example:7080", false),
            ("http://:7080", false),
            ("http://one.example:7080/x", false),
            ("one.example:7080", false),
        ] {
            assert_eq!(super::peer_url(text).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn domains() {
        for (text, good) in [
            ("apps.localhost", true),
            ("Apps.Example.COM.", true),
            ("localhost", true),
            ("", false),
            ("a..b", false),
            ("-a.b", false),
            ("a_b.c", false),
            ("a b", false),
            ("*.apps.localhost", false),
        ] {
            assert_eq!(super::domain(text).is_ok(), good, "{text:?}");
        }
    }
}
