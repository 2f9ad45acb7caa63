use super::help::{append, entry, sealed};
use ledger::{Fault, Ledger, VerifyError};
use proptest::prelude::*;
use sea_query::{Expr, ExprTrait, Query};
use store::testing::on_each_database;
use store::{Db, StoreError};

async fn fault(ledger: &Ledger) -> Option<(i64, Fault)> {
    match ledger.verify().await {
        Ok(_) => None,
        Err(VerifyError::Broken { position, fault }) => Some((position, fault)),
        Err(error) => panic!("{error}"),
    }
}

async fn set(db: &Db, position: i64, column: &'static str, value: impl Into<Expr> + Clone + Send + Sync + 'static) {
    let changed = db.write(move |tx| {
        tx.exec(
            Query::update().table("ledger").value(column, value.clone()).and_where(Expr::col("position").eq(position)),
        )
    });
    assert_eq!(changed.await.map_err(|error: StoreError| error.to_string()).unwrap(), 1);
}

async fn remove(db: &Db, position: i64) {
    let removed =
        db.write(move |tx| tx.exec(Query::delete().from_table("ledger").and_where(Expr::col("position").eq(position))));
    assert_eq!(removed.await.map_err(|error: StoreError| error.to_string()).unwrap(), 1);
}

#[tokio::test]
async fn the_first_break_is_found_and_told_apart() {
    on_each_database(ledger::MIGRATIONS, |db| async move {
        // More than one page of the verifier.
        for batch in 0..7 {
            let many = db.write(move |tx| {
                (0..100).try_for_each(|n| ledger::append(tx, &entry("a", &format!("{batch}-{n}"), &["o"])).map(drop))
            });
            many.await.map_err(|error: StoreError| error.to_string()).unwrap();
        }
        let ledger = sealed(&db, 700).await;
        let whole = ledger.verify().await.unwrap();
        assert_eq!((whole.entries, whole.head.len()), (700, 64));

        let original = ledger.after(599, 1).await.unwrap().remove(0);
        set(&db, 600, "object_name", "someone else").await;
        assert_eq!(fault(&ledger).await, Some((600, Fault::Altered)));
        set(&db, 600, "object_name", original.object.name.clone()).await;
        set(&db, 600, "data", format!("{} ", original.data)).await;
        assert_eq!(fault(&ledger).await, Some((600, Fault::Altered)), "not even a blank");
        set(&db, 600, "data", original.data.to_string()).await;
        assert_eq!(fault(&ledger).await, None);

        // Swapped.
        set(&db, 5, "position", 10_000_i64).await;
        set(&db, 620, "position", 5_i64).await;
        set(&db, 10_000, "position", 620_i64).await;
        assert_eq!(fault(&ledger).await, Some((5, Fault::OutOfOrder { found_at: 620 })));
        set(&db, 5, "position", 10_000_i64).await;
        set(&db, 620, "position", 5_i64).await;
        set(&db, 10_000, "position", 620_i64).await;
        assert_eq!(fault(&ledger).await, None);

        // Added by hand at the end, then the end and a middle removed.
        append(&db, entry("a", "last", &[])).await;
        while ledger.head().await.unwrap() < 701 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        remove(&db, 701).await;
        assert_eq!(fault(&ledger).await, Some((701, Fault::Missing)), "a removed end shows");
        remove(&db, 3).await;
        assert_eq!(fault(&ledger).await, Some((3, Fault::Missing)));
        let words = ledger.verify().await.unwrap_err().to_string();
        assert_eq!(words, "the ledger breaks at position 3: the entry is missing");
    })
    .await;
}

#[derive(Debug, Clone)]
enum Harm {
    /// Column, where in its text, and what is added to the byte.
    Alter(usize, usize, u8),
    Remove,
    SwapWith(usize),
}

const COLUMNS: [&str; 13] = [
    "id",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "object_kind",
    "object_id",
    "object_name",
    "scope",
    "scope_inner",
    "data",
    "hash",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever single thing is done to a stored ledger, past the program, shows; and never before its place.
    #[test]
    fn any_single_harm_shows(at in 0_usize..6, harm in prop_oneof![
        6 => (0..COLUMNS.len(), any::<usize>(), 1_u8..=255).prop_map(|(column, index, add)| Harm::Alter(column, index, add)),
        1 => Just(Harm::Remove),
        2 => (0_usize..6).prop_map(Harm::SwapWith),
    ]) {
        prop_assume!(!matches!(harm, Harm::SwapWith(other) if other == at));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pitlane.db");
        runtime.block_on(async {
            let url = store::DbUrl::Sqlite(path.clone());
            let db = Db::open(&url, ledger::MIGRATIONS).await.unwrap();
            for n in 0..6 {
                append(&db, entry("audit.app.update", &format!("app{n}"), &["o", "s"])).await;
            }
            db.close().await;
            damage(&path, at as i64 + 1, &harm);
            let db = Db::open(&url, ledger::MIGRATIONS).await.unwrap();
            let first = match harm { Harm::SwapWith(other) => at.min(other), _ => at } as i64 + 1;
            let found = fault(&Ledger::new(db)).await;
            assert_eq!(found.map(|(position, _)| position), Some(first), "{harm:?} at {at}: {found:?}");
        });
    }
}

/// With SQLite's own driver, as someone at the machine would.
fn damage(path: &std::path::Path, position: i64, harm: &Harm) {
    let connection = rusqlite::Connection::open(path).unwrap();
    match harm {
        Harm::Remove => drop(connection.execute("DELETE FROM ledger WHERE position = ?1", [position]).unwrap()),
        Harm::SwapWith(other) => {
            for (from, to) in [(position, -1), (*other as i64 + 1, position), (-1, *other as i64 + 1)] {
                connection.execute("UPDATE ledger SET position = ?2 WHERE position = ?1", [from, to]).unwrap();
            }
        }
        Harm::Alter(column, index, add) => {
            let column = COLUMNS[*column];
            if column == "at" {
                connection
                    .execute("UPDATE ledger SET at = at + ?2 WHERE position = ?1", [position, i64::from(*add)])
                    .unwrap();
                return;
            }
            let select = format!("SELECT CAST({column} AS BLOB) FROM ledger WHERE position = ?1");
            let mut bytes: Vec<u8> = connection.query_row(&select, [position], |row| row.get(0)).unwrap();
            let index = index % bytes.len();
            // Another ASCII character, so that the text stays text.
            bytes[index] = b'!' + (bytes[index].wrapping_sub(b'!').wrapping_add(1 + add % 92) % 94);
            let update = format!("UPDATE ledger SET {column} = CAST(?2 AS TEXT) WHERE position = ?1");
            connection.execute(&update, rusqlite::params![position, bytes]).unwrap();
        }
    }
}
