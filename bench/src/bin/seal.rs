//! Figure: from the commit of a change by one server to the entry being heard, sealed and in its order, by a follower on another
//! server of the same database; beside it the same on SQLite, within one server, which seals while it commits.
//!
//! `cargo run --release -p bench --bin seal`: 16 tasks of the writing server append 2,000 entries, each after a pause of up
//! to 40 ms; the other server holds the sealer's lease, so that nothing but the database tells it. Needs PostgreSQL and
//! MariaDB; starts servers of its own when `PITLANE_TEST_POSTGRES` and `PITLANE_TEST_MYSQL` are set, as `tools/bench` does.
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a benchmark says what it sees, and stops at the first failure"
)]

use futures_util::StreamExt;
use ledger::{Entry, Ledger, Object};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use store::{Db, DbUrl, StoreError};
use tests::servers::Servers;

const TASKS: u64 = 16;
const EACH: u64 = 125;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let servers = Servers::start(&["postgres", "mysql"]).expect("PostgreSQL and MariaDB are there");
    let alone = measure("SQLite", &DbUrl::Sqlite(folder.path().join("pitlane.db"))).await;
    for (name, kind) in [("PostgreSQL", "postgres"), ("MariaDB", "mysql")] {
        let url = DbUrl::parse(Some(&servers.database(kind)), folder.path()).expect("an address");
        let figure = measure(name, &url).await;
        let what = format!("commit on one server to the ledger's entry heard on another ({name}), median and p95");
        bench::row(&what, &format!("SQLite, one server: {alone}"), &figure, "≤ 20 ms");
    }
}

async fn measure(name: &str, url: &DbUrl) -> String {
    let reader = Db::open(url, ledger::MIGRATIONS).await.expect("it opens");
    // On SQLite there is one server only.
    let writer = match url {
        DbUrl::Sqlite(_) => reader.clone(),
        _ => Db::open(url, ledger::MIGRATIONS).await.expect("it opens"),
    };
    let ledger = Ledger::new(reader);
    let sealer = ledger.clone();
    let sealing = tokio::spawn(async move { sealer.run_sealer(std::future::pending()).await });
    let count = usize::try_from(TASKS * EACH).expect("small");
    let mut follow = Box::pin(ledger.follow(0).take(count + 1));
    // The lease is held when the first entry comes.
    append(&writer, "warm-up".into()).await;
    follow.next().await.expect("the first");
    let listening = tokio::spawn(follow.map(|record| (record.object.id, Instant::now())).collect::<HashMap<_, _>>());
    let tasks = (0..TASKS).map(|task| {
        let writer = writer.clone();
        tokio::spawn(async move {
            let mut committed = Vec::new();
            for round in 0..EACH {
                tokio::time::sleep(Duration::from_micros((task * 2503 + round * 7919) % 40_000)).await;
                let id = format!("{task}-{round}");
                append(&writer, id.clone()).await;
                committed.push((id, Instant::now()));
            }
            committed
        })
    });
    let mut committed = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        committed.extend(task.await.expect("it writes"));
    }
    let heard = listening.await.expect("it follows");
    sealing.abort();
    let mut waits: Vec<Duration> =
        committed.into_iter().map(|(id, at)| heard[&id].saturating_duration_since(at)).collect();
    waits.sort_unstable();
    let [middle, p95] = [50, 95].map(|percent| waits[waits.len() * percent / 100].as_secs_f64() * 1000.0);
    let figure = format!("{middle:.1} ms, {p95:.1} ms");
    eprintln!("{name}: {figure}, most {:?}", waits[waits.len() - 1]);
    figure
}

async fn append(db: &Db, id: String) {
    let entry = Entry {
        actor: Object::new("system", "pitlane", "pitlane"),
        action: "bench.seal".into(),
        object: Object::new("thing", &id, "thing"),
        scope: Vec::new(),
        data: serde_json::Value::Null,
    };
    let appended = db.write(move |tx| ledger::append(tx, &entry).map(drop)).await;
    appended.map_err(|error: StoreError| error).expect("it is written");
}
