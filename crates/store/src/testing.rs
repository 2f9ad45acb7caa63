//! Databases for tests (feature `testing`): the same test on SQLite, PostgreSQL and MySQL/MariaDB.
//!
//! SQLite is always there. The other two are used when `PITLANE_TEST_POSTGRES` and `PITLANE_TEST_MYSQL` name a server on
//! which databases may be created (`eval "$(tests/servers start)"` sets both); each test gets a fresh one, dropped at its end.

use crate::{Db, DbUrl, Migration};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

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
        async move { test(Db::open(&url, migrations).await.expect("a fresh database opens")).await }
    })
    .await;
}

/// As [`on_each_database`], for tests that open the database themselves: `test` gets its address and an empty folder.
pub async fn on_each_url<F, Fut>(test: F)
where
    F: Fn(DbUrl, std::path::PathBuf) -> Fut,
    Fut: Future<Output = ()>,
{
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let url = DbUrl::Sqlite(folder.path().join("pitlane.db"));
    run("sqlite", test(url, folder.path().into())).await;
}

/// Names the database beside the message of a test that fails.
async fn run(name: &str, test: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(test).catch_unwind().await {
        say(&format!("…failed on {name}"));
        std::panic::resume_unwind(panic);
    }
}

#[expect(clippy::print_stderr, reason = "tests speak on standard error")]
fn say(line: &str) {
    eprintln!("{line}");
}
