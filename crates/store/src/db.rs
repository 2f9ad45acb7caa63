//! The handle that all rooms hold: `read` and `write` take closures.

use crate::remote::Remote;
use crate::sqlite::Sqlite;
use crate::tx::Tx;
use crate::{DbUrl, Migration, OpenError, Row, Statement, StoreError};
use std::path::Path;
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

/// The database. Cheap to clone; the last clone that goes closes it.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Backend>,
}

enum Backend {
    Sqlite(Sqlite),
    Remote(Remote),
}

impl Db {
    /// Opens the database and applies what is missing of `migrations`, in their order. A foreign or newer database is
    /// refused untouched. Several processes may open one database at once; one of them applies the migrations.
    pub async fn open(url: &DbUrl, migrations: &[Migration]) -> Result<Self, OpenError> {
        let inner = match url {
            DbUrl::Sqlite(path) => {
                let (path, migrations) = (path.clone(), migrations.to_vec());
                let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path, &migrations)).await;
                Backend::Sqlite(opened.map_err(|_| StoreError::Panicked)??)
            }
            DbUrl::Postgres(server) | DbUrl::Mysql(server) => {
                Backend::Remote(Remote::open(url.kind(), server.expose(), migrations).await?)
            }
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which database serves.
    pub fn kind(&self) -> DbKind {
        match &*self.inner {
            Backend::Sqlite(_) => DbKind::Sqlite,
            Backend::Remote(remote) => remote.kind(),
        }
    }

    /// Runs `work` on a consistent snapshot. Writing through it fails.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        match &*self.inner {
            Backend::Sqlite(sqlite) => sqlite.read(work).await,
            Backend::Remote(remote) => remote.run(false, work).await,
        }
    }

    /// Runs `work` and commits it durably if it answers `Ok`; rolls it back otherwise. Units of work have the effect of
    /// running one after the other, on every database. `work` may run again when two changes met, so it must have no effect
    /// outside `tx`; use [`Tx::after_commit`] for those.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        match &*self.inner {
            Backend::Sqlite(sqlite) => sqlite.write(work).await,
            Backend::Remote(remote) => remote.run(true, work).await,
        }
    }

    /// The first row of one select, outside any unit of work: for what is looked at many times a second. Cheaper than
    /// [`Db::read`] on a server, where it is one exchange instead of three.
    pub async fn glance(&self, statement: &(impl Statement + Sync)) -> Result<Option<Row>, StoreError> {
        let (sql, values) = statement.render(self.kind());
        match &*self.inner {
            Backend::Sqlite(sqlite) => sqlite.read(move |tx| tx.raw_row(&sql, &values)).await,
            Backend::Remote(remote) => remote.glance(&sql, &values).await,
        }
    }

    /// Waits for all work that was handed in, then closes the database. Later work gets [`StoreError::Closed`].
    pub async fn close(&self) {
        match &*self.inner {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Remote(remote) => remote.close().await,
        }
    }

    /// Writes a consistent copy of the SQLite database to the new file `to`, while work goes on; `to` appears when it is
    /// complete. The other databases have tools of their own (`pg_dump`, `mariadb-dump`).
    pub async fn snapshot(&self, to: &Path) -> Result<(), StoreError> {
        match &*self.inner {
            Backend::Sqlite(sqlite) => sqlite.snapshot(to).await,
            Backend::Remote(_) => Err(StoreError::Other {
                message: "snapshots are of SQLite: use pg_dump or mariadb-dump for an external database".into(),
                source: None,
            }),
        }
    }
}
