//! The handle that all rooms hold: `read` and `write` take closures.

use crate::sqlite::Sqlite;
use crate::tx::Tx;
use crate::{Migration, OpenError, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which database serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbKind {
    /// Embedded, the default.
    Sqlite,
    /// PostgreSQL 13 or newer.
    Postgres,
    /// MySQL 8 or MariaDB 10.5 or newer.
    Mysql,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DbUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
}

impl DbUrl {
    /// `sqlite:PATH`, `postgres://…`, `mysql://…`; without one, `pitlane.db` in the data folder.
    pub fn parse(url: Option<&str>, data: &Path) -> Result<Self, OpenError> {
        match url {
            None => Ok(Self::Sqlite(data.join("pitlane.db"))),
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => Ok(Self::Sqlite(PathBuf::from(path.trim_start_matches("//")))),
                None => Err(OpenError::Url { url: url.into(), reason: "unknown scheme".into() }),
            },
        }
    }
}

/// The database. Cheap to clone; the last clone that goes closes it.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Sqlite>,
}

impl Db {
    /// Opens the database and applies what is missing of `migrations`, in their order. A foreign or newer database is
    /// refused untouched.
    pub async fn open(url: &DbUrl, migrations: &[Migration]) -> Result<Self, OpenError> {
        let DbUrl::Sqlite(path) = url;
        let (path, migrations) = (path.clone(), migrations.to_vec());
        let inner = tokio::task::spawn_blocking(move || Sqlite::open(&path, &migrations))
            .await
            .map_err(|_| StoreError::Panicked)??;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which database serves.
    pub fn kind(&self) -> DbKind {
        DbKind::Sqlite
    }

    /// Runs `work` on a consistent snapshot. Writing through it fails.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.inner.read(work).await
    }

    /// Runs `work` and commits it durably if it answers `Ok`; rolls it back otherwise. `work` may run again when two
    /// changes met, so it must have no effect outside `tx`; use [`Tx::after_commit`] for those.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.inner.write(work).await
    }
}
