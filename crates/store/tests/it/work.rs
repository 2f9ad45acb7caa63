use super::help::*;
use sea_query::{Expr, ExprTrait, Func, Order, Query, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::testing::{on_each_database, on_each_url};
use store::{Db, DbKind, Row, StoreError};

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    on_each_database(MIGRATIONS, |db| async move {
        let long = "x".repeat(300_000);
        let rows: [[Value; 7]; 4] = [
            [
                i64::MAX.into(),
                "Zoë 🏁".into(),
                true.into(),
                i32::MAX.into(),
                0.1.into(),
                long.clone().into(),
                vec![0_u8, 255, 39].into(),
            ],
            [
                i64::MIN.into(),
                "".into(),
                false.into(),
                i32::MIN.into(),
                (-1.5e300).into(),
                "' OR 1=1 -- \\ \" \n".into(),
                vec![0_u8; 0].into(),
            ],
            [
                1_u64.into(),
                "nulls".into(),
                None::<bool>.into(),
                None::<i32>.into(),
                None::<f64>.into(),
                None::<String>.into(),
                None::<Vec<u8>>.into(),
            ],
            // Narrower and wider types than the columns'.
            [
                2_u8.into(),
                'c'.into(),
                1_i64.into(),
                7_i16.into(),
                2.0_f32.into(),
                "t".into(),
                vec![7_u8; 100_000].into(),
            ],
        ];
        let columns = ["id", "name", "flag", "count", "ratio", "text", "bytes"];
        db.write(move |tx| {
            for row in &rows {
                let row = row.clone().map(Expr::val);
                tx.exec(Query::insert().into_table("thing").columns(columns).values_panic(row))?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
        let rows: Vec<Row> = db
            .read(move |tx| tx.rows(Query::select().columns(columns).from("thing").order_by("id", Order::Asc)))
            .await
            .map_err(|error: StoreError| error.to_string())
            .unwrap();
        let [low, one, two, high] = &rows[..] else { panic!("{}", rows.len()) };
        assert_eq!((low.get::<i64>("id").unwrap(), low.get::<String>("name").unwrap()), (i64::MIN, String::new()));
        assert_eq!((low.get::<bool>("flag").unwrap(), low.get::<i32>("count").unwrap()), (false, i32::MIN));
        assert_eq!(low.get::<f64>("ratio").unwrap(), -1.5e300);
        assert_eq!(low.get::<String>("text").unwrap(), "' OR 1=1 -- \\ \" \n");
        assert_eq!(low.get::<Option<Vec<u8>>>("bytes").unwrap(), Some(Vec::new()));
        for column in &columns[2..] {
            assert_eq!(one.get::<Option<i64>>(column).unwrap(), None, "{column}");
        }
        assert_eq!((two.get::<String>("name").unwrap(), two.get::<bool>("flag").unwrap()), ("c".into(), true));
        assert_eq!((two.get::<f64>("ratio").unwrap(), two.get::<Vec<u8>>("bytes").unwrap().len()), (2.0, 100_000));
        assert_eq!((high.get::<i64>("id").unwrap(), high.get::<f64>("ratio").unwrap()), (i64::MAX, 0.1));
        assert_eq!((high.get::<String>("name").unwrap(), high.get::<String>("text").unwrap()), ("Zoë 🏁".into(), long));
        assert_eq!(high.get::<Vec<u8>>("bytes").unwrap(), [0, 255, 39]);
        assert!(
            matches!(high.get::<i16>("count"), Err(StoreError::Decode { .. })) && high.get::<i64>("nothing").is_err()
        );

        let sums = db.read(|tx| {
            let ask = |expr: Expr| Query::select().expr(expr).from("thing").and_where(Expr::col("id").gt(0)).to_owned();
            let count: Option<i64> = tx.value(&ask(Func::count(Expr::col("id")).into()))?;
            let sum: Option<Option<i64>> = tx.value(&ask(Func::sum(Expr::col("count")).into()))?;
            let most: Option<Option<i32>> = tx.value(&ask(Func::max(Expr::col("count")).into()))?;
            let none: Option<Option<i64>> = tx.value(Query::select().expr(Func::sum(Expr::col("id"))).from("part"))?;
            Ok::<_, StoreError>((count, sum.flatten(), most.flatten(), none.flatten()))
        });
        assert_eq!(sums.await.unwrap(), (Some(3), Some(i64::from(i32::MAX) + 7), Some(i32::MAX), None));
        let huge = db.write(|tx| tx.exec(Query::update().table("thing").value("count", u64::MAX))).await;
        assert!(matches!(huge, Err(StoreError::Other { .. })), "{huge:?}");
    })
    .await;
}

#[tokio::test]
async fn text_compares_and_sorts_by_its_bytes() {
    on_each_database(MIGRATIONS, |db| async move {
        for (id, name) in ["a", "B", "A", "b", "ä", "aa", "a-", "Ä"].into_iter().enumerate() {
            put(&db, id as i64, name).await.expect(name);
        }
        let rows: Vec<Row> = db
            .read(|tx| tx.rows(Query::select().column("name").from("thing").order_by("name", Order::Asc)))
            .await
            .map_err(|error: StoreError| error.to_string())
            .unwrap();
        let names: Vec<String> = rows.iter().map(|row| row.get("name").unwrap()).collect();
        assert_eq!(names, ["A", "B", "a", "a-", "aa", "b", "Ä", "ä"]);
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_undoes_itself_alone_and_a_failed_closure_undoes_all() {
    on_each_database(MIGRATIONS, |db| async move {
        put(&db, 1, "one").await.unwrap();
        assert!(matches!(put(&db, 1, "other").await, Err(StoreError::Duplicate { .. })));
        assert!(matches!(put(&db, 2, "one").await, Err(StoreError::Duplicate { .. })));
        let orphan = db.write(|tx| part(tx, 77)).await;
        assert!(matches!(orphan, Err(StoreError::Reference(_))), "{orphan:?}");

        let kept = db.write(|tx| {
            insert(tx, 2, "two")?;
            assert!(matches!(insert(tx, 3, "one"), Err(StoreError::Duplicate { .. })));
            assert_eq!(ids(tx)?, [1, 2], "what came before the failed statement stays");
            insert(tx, 4, "four")
        });
        kept.await.unwrap();
        let undone: Result<(), StoreError> = db
            .write(|tx| {
                insert(tx, 5, "five")?;
                Err(StoreError::Closed)
            })
            .await;
        assert!(matches!(undone, Err(StoreError::Closed)));
        let panicked: Result<(), StoreError> = db
            .write(|tx| {
                insert(tx, 6, "six")?;
                panic!("a mistake")
            })
            .await;
        assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
        let wrote = db.read(|tx| insert(tx, 7, "seven")).await;
        assert!(wrote.is_err(), "a read does not write");
        assert_eq!(all_ids(&db).await, [1, 2, 4]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_of_work_have_the_effect_of_running_one_after_the_other() {
    on_each_database(MIGRATIONS, |db| async move {
        put(&db, 1, "counter").await.unwrap();
        let effects = Arc::new(AtomicUsize::new(0));
        let tasks = (0..16).map(|task| {
            let (db, effects) = (db.clone(), Arc::clone(&effects));
            tokio::spawn(async move {
                for round in 0..5_i64 {
                    let effects = Arc::clone(&effects);
                    db.write(move |tx| {
                        let effects = Arc::clone(&effects);
                        tx.after_commit(move || {
                            effects.fetch_add(1, Ordering::SeqCst);
                        });
                        // Read, then write what was read: lost if two run side by side.
                        let count = count_of(tx, 1)?;
                        tx.exec(
                            Query::update().table("thing").value("count", count + 1).and_where(Expr::col("id").eq(1)),
                        )?;
                        // The next free id: twice the same if two run side by side.
                        let last: Option<i64> =
                            tx.value(Query::select().expr(Func::max(Expr::col("id"))).from("thing"))?;
                        insert(tx, last.unwrap_or(0) + 1, &format!("{task}-{round}"))
                    })
                    .await
                    .unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(db.read(|tx| count_of(tx, 1)).await.unwrap(), 80);
        assert_eq!(all_ids(&db).await, (1..=81).collect::<Vec<_>>());
        assert_eq!(effects.load(Ordering::SeqCst), 80, "once each, however often the closure ran");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_sees_one_moment() {
    on_each_database(MIGRATIONS, |db| async move {
        put(&db, 1, "one").await.unwrap();
        let (looked, first) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel();
        let wait = std::sync::Mutex::new(wait);
        let reader = tokio::spawn({
            let db = db.clone();
            async move {
                db.read(move |tx| {
                    let before = ids(tx)?;
                    looked.send(()).unwrap();
                    wait.lock().unwrap().recv().unwrap();
                    Ok::<_, StoreError>((before, ids(tx)?))
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || first.recv().unwrap()).await.unwrap();
        put(&db, 2, "two").await.unwrap();
        go.send(()).unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), (vec![1], vec![1]));
        assert_eq!(all_ids(&db).await, [1, 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_what_was_handed_in_and_refuses_the_rest() {
    on_each_url(|url, _| async move {
        let db = Db::open(&url, MIGRATIONS).await.unwrap();
        let writes: Vec<_> = (0..50)
            .map(|id| {
                let db = db.clone();
                tokio::spawn(async move { put(&db, id, &id.to_string()).await })
            })
            .collect();
        // The first is in; the others are somewhere on their way.
        while all_ids(&db).await.is_empty() {
            tokio::task::yield_now().await;
        }
        db.close().await;
        assert!(matches!(put(&db, 100, "late").await, Err(StoreError::Closed)));
        let mut kept = Vec::new();
        for (id, write) in writes.into_iter().enumerate() {
            match write.await.unwrap() {
                Ok(()) => kept.push(id as i64),
                Err(error) => assert!(matches!(error, StoreError::Closed), "{error:?}"),
            }
        }
        let db = Db::open(&url, MIGRATIONS).await.unwrap();
        assert_eq!(all_ids(&db).await, kept, "acknowledged and only that");
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_is_a_whole_database_taken_while_work_goes_on() {
    on_each_url(|url, folder| async move {
        let db = Db::open(&url, MIGRATIONS).await.unwrap();
        let to = folder.join("copy.db");
        if db.kind() != DbKind::Sqlite {
            assert!(db.snapshot(&to).await.unwrap_err().to_string().contains("pg_dump"));
            return;
        }
        for id in 0..100 {
            put(&db, id, &format!("before {id}")).await.unwrap();
        }
        let writer = tokio::spawn({
            let db = db.clone();
            async move {
                for id in 100..200 {
                    put(&db, id, &format!("during {id}")).await.unwrap();
                }
            }
        });
        db.snapshot(&to).await.unwrap();
        writer.await.unwrap();
        assert!(db.snapshot(&to).await.is_err(), "an existing file is left alone");
        let copy = Db::open(&store::DbUrl::Sqlite(to), MIGRATIONS).await.unwrap();
        let copied = all_ids(&copy).await;
        assert!(copied.len() >= 100 && copied == (0..copied.len() as i64).collect::<Vec<_>>(), "{copied:?}");
    })
    .await;
}
