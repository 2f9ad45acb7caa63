//! Bad weather: a killed process, a full disk, a database that goes away.

use super::help::*;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use store::testing::on_each_url;
use store::{Db, DbUrl, StoreError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Not a test by itself: what `a_killed_writer_…` starts as a process of its own and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by another test"]
async fn writer_that_will_be_killed() {
    let url = std::env::var("TEST_WRITER_URL").expect("started by another test");
    let db = Db::open(&DbUrl::parse(Some(&url), Path::new("/")).unwrap(), MIGRATIONS).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..8_i64 {
        let db = db.clone();
        writers.spawn(async move {
            for round in 0.. {
                let id = writer * 1_000_000 + round;
                put(&db, id, &id.to_string()).await.unwrap();
                // In one write, so that no half line is read.
                std::io::stdout().write_all(format!("ack {id}\n").as_bytes()).unwrap();
            }
        });
    }
    writers.join_next().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "this test kills a process, so it must start one")]
async fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    on_each_url(|url, _| async move {
        let address = match &url {
            DbUrl::Postgres(server) | DbUrl::Mysql(server) => server.expose().to_owned(),
            other => other.to_string(),
        };
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "it::faults::writer_that_will_be_killed", "--nocapture"])
            .env("TEST_WRITER_URL", address)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = Vec::new();
        for line in std::io::BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // The harness prints its own words before the first.
            if let Some((_, id)) = line.split_once("ack ") {
                acknowledged.push(id.parse::<i64>().unwrap());
            }
            if acknowledged.len() == 300 {
                // SIGKILL. What is still in the pipe is read after it.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() >= 300, "{}", acknowledged.len());
        let db = Db::open(&url, MIGRATIONS).await.unwrap();
        let kept = all_ids(&db).await;
        for id in &acknowledged {
            assert!(kept.binary_search(id).is_ok(), "{id} was acknowledged and is gone");
        }
        put(&db, -1, "goes on").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mounted =
        rustix::mount::mount("tmpfs", folder.path(), "tmpfs", rustix::mount::MountFlags::empty(), Some(c"size=3m"));
    if let Err(error) = mounted {
        return eprintln!("skipped: mounting a small disk needs root ({error})");
    }
    let _unmount = Unmount(folder.path());
    let db = Db::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), MIGRATIONS).await.unwrap();
    put(&db, 1, "before").await.unwrap();
    let ballast = folder.path().join("ballast");
    let full = std::fs::write(&ballast, vec![1_u8; 4_000_000]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);

    let mut written = vec![1];
    let error = loop {
        let id = written.len() as i64 + 1;
        match put(&db, id, &format!("{id:0190}")).await {
            Ok(()) => written.push(id),
            Err(error) => break error,
        }
        assert!(written.len() < 1000, "the disk never became full");
    };
    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert_eq!(all_ids(&db).await, written, "reading goes on, and what was acknowledged is there");
    let big = put(&db, 5000, "x").await;
    assert!(matches!(big, Err(StoreError::Full)), "{big:?}");

    let blobs = store::Blobs::open(None, folder.path()).await.unwrap();
    let blob = blobs.put_bytes(&vec![2; 1_000_000]).await;
    assert!(matches!(blob, Err(store::BlobError::Full)), "{blob:?}");
    assert!(
        blobs.list().await.unwrap().is_empty()
            && std::fs::read_dir(folder.path().join("blobs/tmp")).unwrap().count() == 0
    );

    std::fs::remove_file(&ballast).unwrap();
    blobs.put_bytes(&vec![2; 1_000_000]).await.expect("as soon as there is room");
    put(&db, 6000, "after").await.expect("works again without a restart");
    written.push(6000);
    db.close().await;
    let db = Db::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), MIGRATIONS).await.unwrap();
    assert_eq!(all_ids(&db).await, written);
    db.close().await;
}

struct Unmount<'p>(&'p Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

/// Carries bytes between the store and its server until it is dropped, which cuts every connection.
struct Wire(JoinSet<()>);

impl Wire {
    async fn up(port: u16, server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is still free");
        let server = server.to_owned();
        let mut wire = JoinSet::new();
        wire.spawn(async move {
            let mut pairs = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let server = server.clone();
                pairs.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Self(wire)
    }

    async fn down(mut self) {
        self.0.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_is_unavailable_and_works_again_when_it_is_back() {
    on_each_url(|url, folder| async move {
        let (DbUrl::Postgres(server) | DbUrl::Mysql(server)) = &url else { return };
        let (login, rest) = server.expose().rsplit_once('@').unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let wire = Wire::up(port, host).await;
        let through = DbUrl::parse(Some(&format!("{login}@127.0.0.1:{port}/{database}")), &folder).unwrap();
        let db = Db::open(&through, MIGRATIONS).await.unwrap();
        // Several connections are in the pool when it happens.
        let writes: JoinSet<_> = (0..10)
            .map(|id| {
                let db = db.clone();
                async move { put(&db, id, &id.to_string()).await }
            })
            .collect();
        assert!(writes.join_all().await.iter().all(Result::is_ok));

        // Cut in the middle of a unit of work.
        let (inside, is_inside) = std::sync::mpsc::channel();
        let (cut, is_cut) = std::sync::mpsc::channel::<()>();
        let is_cut = std::sync::Mutex::new(is_cut);
        let work = tokio::spawn({
            let db = db.clone();
            async move {
                db.write(move |tx| {
                    insert(tx, 100, "half")?;
                    let _ = inside.send(());
                    let _ = is_cut.lock().unwrap().recv();
                    insert(tx, 101, "other half")
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || is_inside.recv().unwrap()).await.unwrap();
        wire.down().await;
        drop(cut);
        let error = work.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");

        let begun = Instant::now();
        let error = put(&db, 102, "away").await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());

        let _wire = Wire::up(port, host).await;
        assert!(db.glance(sea_query::Query::select().column("id").from("thing")).await.expect("at once").is_some());
        put(&db, 103, "back").await.expect("without a restart");
        let direct = Db::open(&url, MIGRATIONS).await.unwrap();
        let expected: Vec<i64> = (0..10).chain([103]).collect();
        assert_eq!(all_ids(&direct).await, expected, "nothing half-made");
    })
    .await;
}
