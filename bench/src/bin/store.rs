//! Figure: durable units of work (read, insert, commit) a second on SQLite at 64 tasks through `Db::write`, beside one INSERT
//! a commit through the raw driver with the same settings (WAL, synchronous=FULL), in the same run.
//!
//! `cargo run --release -p bench --bin store [-- FOLDER]`; the folder (default: a temporary one) must be on a real disk.
//! Three rounds of each, alternating; the medians count.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use sea_query::{ColumnDef, Expr, ExprTrait, Index, Query, Table};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use store::{Db, DbUrl, Migration, Row, Schema, StoreError};

const TASKS: usize = 64;
const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
/// Rows that are there to be read.
const KNOWN: i64 = 1000;
const MIGRATIONS: &[Migration] = &[Migration { name: "bench/0001-event", up: event }];

/// Rows of about 120 bytes, a primary key and one more index.
fn event(schema: &mut Schema<'_, '_>) -> Result<(), StoreError> {
    schema.create_table(
        Table::create()
            .table("event")
            .col(ColumnDef::new("id").string_len(36).not_null().primary_key())
            .col(ColumnDef::new("at").big_integer().not_null())
            .col(ColumnDef::new("text").text().not_null()),
    )?;
    schema.create_index(Index::create().name("event_at").table("event").col("at"))
}

fn id(number: i64) -> String {
    format!("{:036x}", (number as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

fn text() -> String {
    "x".repeat(70)
}

/// Units of work a second through the store.
async fn through_the_store(folder: &Path) -> f64 {
    let db = Db::open(&DbUrl::Sqlite(folder.join("store.db")), MIGRATIONS).await.unwrap();
    db.write(|tx| (0..KNOWN).try_for_each(|number| insert(tx, number))).await.unwrap();
    let next = Arc::new(AtomicI64::new(KNOWN));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (db, next) = (db.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                while begun.elapsed() < ROUND {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    db.write(move |tx| {
                        let known = id(number % KNOWN);
                        let read: Option<Row> = tx.row(
                            Query::select().columns(["at", "text"]).from("event").and_where(Expr::col("id").eq(known)),
                        )?;
                        assert!(read.is_some());
                        insert(tx, number)
                    })
                    .await
                    .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rate = (next.load(Ordering::Relaxed) - KNOWN) as f64 / begun.elapsed().as_secs_f64();
    db.close().await;
    rate
}

fn insert(tx: &mut store::Tx<'_>, number: i64) -> Result<(), StoreError> {
    tx.exec(Query::insert().into_table("event").columns(["id", "at", "text"]).values_panic([
        id(number).into(),
        number.into(),
        text().into(),
    ]))
    .map(|_| ())
}

/// Inserts a second, each committed by itself.
fn through_the_driver(folder: &Path) -> f64 {
    let connection = rusqlite::Connection::open(folder.join("driver.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             CREATE TABLE event (id varchar(36) NOT NULL PRIMARY KEY, at bigint NOT NULL, text text NOT NULL);
             CREATE INDEX event_at ON event (at);",
        )
        .unwrap();
    let mut statement = connection.prepare("INSERT INTO event (id, at, text) VALUES (?1, ?2, ?3)").unwrap();
    let (begun, mut number) = (Instant::now(), 0_i64);
    while begun.elapsed() < ROUND {
        statement.execute(rusqlite::params![id(number), number, text()]).unwrap();
        number += 1;
    }
    number as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let parent = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let (mut store, mut driver) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir_in(&parent).unwrap();
        driver.push(through_the_driver(folder.path()));
        store.push(through_the_store(folder.path()).await);
    }
    let (store, driver) = (bench::median(store), bench::median(driver));
    bench::row(
        &format!("unit of work (read, insert, commit, durable) at {TASKS} tasks on SQLite"),
        &format!("one INSERT a commit through the raw driver: {driver:.0}/s"),
        &format!("{store:.0}/s, {:.1} ×", store / driver),
        "≥ 5 ×",
    );
}
