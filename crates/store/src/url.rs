//! Where the database is, without its password in any message.

use crate::{DbKind, OpenError, remote};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the database is. Prints without its password.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DbUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(ServerUrl),
    /// A MySQL or MariaDB server.
    Mysql(ServerUrl),
}

/// A database server's address. Prints without its password.
#[derive(Clone)]
pub struct ServerUrl(String);

impl DbUrl {
    /// `sqlite:PATH`, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, `mysql://…` or `mariadb://…`; without one, `pitlane.db`
    /// in the data folder. TLS by `?sslmode=require` (PostgreSQL) or `?ssl-mode=REQUIRED` (MySQL).
    pub fn parse(url: Option<&str>, data: &Path) -> Result<Self, OpenError> {
        let Some(url) = url else { return Ok(Self::Sqlite(data.join("pitlane.db"))) };
        let wrong = |reason: &str| OpenError::Url { url: redacted(url), reason: reason.into() };
        let server = |kind| match remote::validate(kind, url) {
            Ok(()) => Ok(ServerUrl(url.into())),
            Err(reason) => Err(wrong(&reason)),
        };
        match url.split_once(':') {
            Some(("sqlite", path)) => match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(wrong("the path of the file is missing")),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            },
            Some(("postgres" | "postgresql", _)) => server(DbKind::Postgres).map(Self::Postgres),
            Some(("mysql" | "mariadb", _)) => server(DbKind::Mysql).map(Self::Mysql),
            Some((scheme, _)) => Err(wrong(&format!("unknown scheme {scheme:?}"))),
            None => Err(wrong("the scheme is missing")),
        }
    }

    /// Which database serves there.
    pub fn kind(&self) -> DbKind {
        match self {
            Self::Sqlite(_) => DbKind::Sqlite,
            Self::Postgres(_) => DbKind::Postgres,
            Self::Mysql(_) => DbKind::Mysql,
        }
    }
}

impl ServerUrl {
    /// With the password, for connecting and for the database's own tools.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) | Self::Mysql(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

/// Hides what stands between the user's name and the host, and every setting after `?`: one of them may be a password.
fn redacted(url: &str) -> String {
    let (url, settings) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?…"));
    let Some((scheme, rest)) = url.split_once("://") else { return format!("{url}{settings}") };
    let Some((login, host)) = rest.rsplit_once('@') else { return format!("{scheme}://{rest}{settings}") };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:…@{host}{settings}"),
        None => format!("{scheme}://{login}@{host}{settings}"),
    }
}
