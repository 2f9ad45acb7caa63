//! Databases for tests (feature `testing`): the same test on SQLite, PostgreSQL and MySQL/MariaDB.
//!
//! SQLite is always there. The other two are used when `PITLANE_TEST_POSTGRES` and `PITLANE_TEST_MYSQL` name a server on
//! which databases may be created (`eval "$(tests/servers start)"` sets both); each test gets a fresh one, dropped at its end.

use crate::{Db, DbKind, DbUrl, Migration};
use futures_util::FutureExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

/// Runs `test` on a fresh database of each kind, one after the other, with `migrations` applied.
///
/// ```ignore
/// on_each_database(ledger::MIGRATIONS, |db| async move { … }).await;
/// ```
pub async fn on_each_database<F, Fut>(migrations: &[Migration], test: F)
where
    F: Fn(Db) -> Fut,
    Fut: Future<Output = ()>,
{
    on_each_url(|url, _| {
        let test = &test;
        async move {
            let db = Db::open(&url, migrations).await.expect("a fresh database opens");
            test(db.clone()).await;
        }
    })
    .await;
}

/// As [`on_each_database`], for tests that open the database themselves, more than once perhaps: `test` gets its address
/// and an empty folder.
pub async fn on_each_url<F, Fut>(test: F)
where
    F: Fn(DbUrl, PathBuf) -> Fut,
    Fut: Future<Output = ()>,
{
    for kind in [DbKind::Sqlite, DbKind::Postgres, DbKind::Mysql] {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let Some((url, server)) = fresh(kind, folder.path()).await else { continue };
        let result = AssertUnwindSafe(test(url.clone(), folder.path().into())).catch_unwind().await;
        if let Some(server) = server {
            server.drop_database().await;
        }
        if let Err(panic) = result {
            say(&format!("… on {kind:?} ({url})"));
            std::panic::resume_unwind(panic);
        }
    }
}

/// A database that this test made on a server.
struct Made {
    kind: DbKind,
    admin: String,
    name: String,
}

/// The address of a new, empty database; none if there is no server for it.
async fn fresh(kind: DbKind, folder: &Path) -> Option<(DbUrl, Option<Made>)> {
    let variable = match kind {
        DbKind::Sqlite => return Some((DbUrl::Sqlite(folder.join("pitlane.db")), None)),
        DbKind::Postgres => "PITLANE_TEST_POSTGRES",
        DbKind::Mysql => "PITLANE_TEST_MYSQL",
    };
    let Ok(admin) = std::env::var(variable) else {
        say(&format!("skipped on {kind:?}: {variable} is not set (eval \"$(tests/servers start)\")"));
        return None;
    };
    let made = Made { kind, admin, name: format!("test_{:016x}", rand::random::<u64>()) };
    made.admin(format!("CREATE DATABASE {}", made.name)).await;
    let (base, settings) = made
        .admin
        .split_once('?')
        .map_or((made.admin.as_str(), String::new()), |(base, rest)| (base, format!("?{rest}")));
    let server = base.rsplit_once('/').expect("a server's address ends in /DATABASE").0;
    let url = format!("{server}/{}{settings}", made.name);
    Some((DbUrl::parse(Some(&url), folder).expect("the server's address is right"), Some(made)))
}

/// Runs one statement past the store, as another program or a person would.
pub async fn outside(url: &DbUrl, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match url {
        DbUrl::Sqlite(path) => {
            let connection = rusqlite::Connection::open(path).expect("the file opens");
            connection.execute_batch(&sql.0).expect("the statement is right");
        }
        DbUrl::Postgres(server) => {
            let mut connection = PgConnection::connect(server.expose()).await.expect("the server answers");
            connection.execute(sql).await.expect("the statement is right");
        }
        DbUrl::Mysql(server) => {
            let mut connection = MySqlConnection::connect(server.expose()).await.expect("the server answers");
            connection.execute(sql).await.expect("the statement is right");
        }
    }
}

impl Made {
    async fn admin(&self, sql: String) {
        let done = match self.kind {
            DbKind::Mysql => match MySqlConnection::connect(&self.admin).await {
                Ok(mut connection) => connection.execute(AssertSqlSafe(sql)).await.map(drop),
                Err(error) => Err(error),
            },
            _ => match PgConnection::connect(&self.admin).await {
                Ok(mut connection) => connection.execute(AssertSqlSafe(sql)).await.map(drop),
                Err(error) => Err(error),
            },
        };
        done.expect("the test's database server answers");
    }

    async fn drop_database(&self) {
        let force = if self.kind == DbKind::Postgres { " WITH (FORCE)" } else { "" };
        self.admin(format!("DROP DATABASE {}{force}", self.name)).await;
    }
}

#[expect(clippy::print_stderr, reason = "tests speak on standard error")]
fn say(line: &str) {
    eprintln!("{line}");
}
