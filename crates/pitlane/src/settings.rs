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
    /// Where packages and droplets are kept: a folder, or s3://BUCKET/PREFIX?endpoint=…&region=… (default: the data folder)
    #[arg(long, env = "PITLANE_BLOBS", hide_env_values = true)]
    pub blobs: Option<String>,
    /// Run applications as bare processes where this host cannot do containers (no isolation!)
    #[arg(long, env = "PITLANE_ALLOW_BARE")]
    pub allow_bare: bool,
}

impl Settings {
    /// The same settings with an absolute data folder, made if it is missing (mode 0700).
    pub fn prepare(mut self) -> anyhow::Result<Self> {
        use anyhow::Context;
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let shown = self.data.display().to_string();
        if !self.data.exists() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.data)
                .with_context(|| format!("cannot make the data folder {shown}: choose another with --data"))?;
        }
        self.data = std::fs::canonicalize(&self.data).with_context(|| format!("cannot read the data folder {shown}"))?;
        std::fs::set_permissions(&self.data, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("the data folder {shown} belongs to somebody else"))?;
        std::fs::create_dir_all(run_folder(&self.data))?;
        std::fs::create_dir_all(self.data.join("log"))?;
        Ok(self)
    }

    /// The address people type.
    pub fn url(&self) -> String {
        server::url(self.listen)
    }
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

#[cfg(test)]
mod tests {
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
