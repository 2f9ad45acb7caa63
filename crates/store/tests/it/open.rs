use super::help::*;
use std::path::Path;
use store::testing::{on_each_url, outside};
use store::{Db, DbUrl, Migration, OpenError, Schema, StoreError};

fn nothing(_: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    Ok(())
}

const NEWER: &[Migration] = &[MIGRATIONS[0], Migration { name: "test/0002-newer", up: nothing }];

#[tokio::test]
async fn a_newer_database_is_refused_untouched() {
    on_each_url(|url, folder| async move {
        let db = Db::open(&url, NEWER).await.unwrap();
        put(&db, 1, "one").await.unwrap();
        db.close().await;
        let file = folder.join("pitlane.db");
        let before = std::fs::read(&file).ok();
        let error = Db::open(&url, MIGRATIONS).await.err().unwrap();
        assert!(matches!(&error, OpenError::Newer { migration } if migration == "test/0002-newer"), "{error}");
        assert_eq!(std::fs::read(&file).ok(), before);
        assert_eq!(all_ids(&Db::open(&url, NEWER).await.unwrap()).await, [1], "the newer program goes on");
    })
    .await;
}

#[tokio::test]
async fn a_foreign_database_is_refused_untouched() {
    // A plain SQLite file of someone else's, not even in the journal mode that we use.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE customer (id INTEGER); INSERT INTO customer VALUES (1)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Db::open(&DbUrl::Sqlite(path.clone()), MIGRATIONS).await.err().unwrap();
    assert!(matches!(&error, OpenError::Foreign { table } if table == "customer"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside it");

    std::fs::write(&path, "this is a text file, and a long one at that, so that it is no empty database").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(Db::open(&DbUrl::Sqlite(path.clone()), MIGRATIONS).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);

    on_each_url(|url, _| async move {
        outside(&url, "CREATE TABLE customer (id INTEGER)").await;
        let error = Db::open(&url, MIGRATIONS).await.err().unwrap();
        assert!(matches!(&error, OpenError::Foreign { table } if table == "customer"), "{error}");
        outside(&url, "DROP TABLE customer").await;
        Db::open(&url, MIGRATIONS).await.expect("nothing of ours was left in it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_may_start_at_once() {
    on_each_url(|url, _| async move {
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Db::open(&url, NEWER).await })
            })
            .collect();
        for (id, start) in starts.into_iter().enumerate() {
            let db = start.await.unwrap().expect("all start");
            put(&db, id as i64, &id.to_string()).await.unwrap();
        }
    })
    .await;
}

/// Set in the processes that the next test starts: the folder of their database.
const FOLDER: &str = "PITLANE_TEST_OPEN_FOLDER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_processes_that_open_a_new_database_at_once_all_succeed() {
    if let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) {
        while !folder.join("go").exists() {
            std::hint::spin_loop();
        }
        let db = Db::open(&DbUrl::Sqlite(folder.join("pitlane.db")), MIGRATIONS).await.expect("it opens");
        let me = std::process::id();
        put(&db, i64::from(me), &me.to_string()).await.unwrap();
        return db.close().await;
    }
    let test = "it::open::real_processes_that_open_a_new_database_at_once_all_succeed";
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let children: Vec<_> = (0..6)
            .map(|_| {
                #[expect(clippy::disallowed_methods, reason = "this test program itself, as another process")]
                let mut child = std::process::Command::new(std::env::current_exe().unwrap());
                let child = child.args(["--exact", test]).env(FOLDER, folder.path());
                child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
            })
            .collect();
        std::fs::write(folder.path().join("go"), "").unwrap();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
        }
        let db = Db::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), MIGRATIONS).await.unwrap();
        assert_eq!(all_ids(&db).await.len(), 6);
    }
}

#[tokio::test]
async fn a_failed_migration_is_named_and_runs_again() {
    fn broken(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
        (MIGRATIONS[0].up)(schema)?;
        Err(StoreError::Full)
    }
    on_each_url(|url, _| async move {
        let error = Db::open(&url, &[Migration { name: "test/0001-things", up: broken }]).await.err().unwrap();
        assert!(matches!(&error, OpenError::Migration { migration, .. } if migration == "test/0001-things"), "{error}");
        let db = Db::open(&url, MIGRATIONS).await.expect("half-made tables are no hindrance");
        put(&db, 1, "one").await.unwrap();
    })
    .await;
}

#[test]
fn addresses_are_understood_and_print_without_their_password() {
    let data = Path::new("/data");
    let parse = |url| DbUrl::parse(Some(url), data);
    assert!(matches!(DbUrl::parse(None, data).unwrap(), DbUrl::Sqlite(path) if path == data.join("pitlane.db")));
    assert!(matches!(parse("sqlite:///a/b.db").unwrap(), DbUrl::Sqlite(path) if path == Path::new("/a/b.db")));
    for (url, shown) in [
        ("postgres://me:s3cret@db.example:5433/pitlane?sslmode=require", "postgres://me:…@db.example:5433/pitlane?…"),
        ("postgresql://me:s3cret%40@db.example/pitlane", "postgresql://me:…@db.example/pitlane"),
        ("mysql://me:s3cret@db.example/pitlane", "mysql://me:…@db.example/pitlane"),
        ("mariadb://me@db.example/pitlane", "mariadb://me@db.example/pitlane"),
    ] {
        let parsed = parse(url).unwrap();
        assert_eq!(parsed.to_string(), shown);
        assert!(!format!("{parsed:?}").contains("s3cret"));
    }
    for url in [
        "",
        "pitlane.db",
        "oracle://me:s3cret@db/x",
        "postgres://me:s3cret@db:port/x",
        "mysql://me:s3cret@db",
        "sqlite:",
    ] {
        let error = parse(url).expect_err(url).to_string();
        assert!(error.contains("DATABASE_URL") && !error.contains("s3cret"), "{error}");
    }
}
