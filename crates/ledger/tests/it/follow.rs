use super::help::{append, entry};
use futures_util::StreamExt;
use ledger::Ledger;
use std::time::{Duration, Instant};
use store::testing::{on_each_database, on_each_url};
use store::{Db, DbKind};

/// Two processes with a database handle each (their only connection is the database), writers on both, followers on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_sees_every_entry_once_and_in_order() {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    on_each_url(|url, _| async move {
        let (one, two) = tokio::join!(Db::open(&url, ledger::MIGRATIONS), Db::open(&url, ledger::MIGRATIONS));
        let dbs = [one.expect("two may start at once"), two.expect("two may start at once")];
        let mut followers = Vec::new();
        for db in &dbs {
            let ledger = Ledger::new(db.clone());
            let sealer = ledger.clone();
            tokio::spawn(async move { sealer.run_sealer(std::future::pending()).await });
            for _ in 0..2 {
                let follow = ledger.follow(0);
                followers.push(tokio::spawn(follow.take(WRITERS * EACH * 2).collect::<Vec<_>>()));
            }
        }
        let writers = (0..WRITERS).map(|writer| {
            let db = dbs[writer % 2].clone();
            tokio::spawn(async move {
                for round in 0..EACH {
                    db.write(move |tx| {
                        // Two entries a transaction: they stay in this order, side by side or not.
                        ledger::append(tx, &entry("first", &format!("{writer}-{round}"), &[]))?;
                        ledger::append(tx, &entry("second", &format!("{writer}-{round}"), &[]))
                    })
                    .await
                    .unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let mut views = Vec::new();
        for follower in followers {
            views.push(tokio::time::timeout(Duration::from_secs(20), follower).await.expect("all arrive").unwrap());
        }
        let first = &views[0];
        let positions: Vec<i64> = first.iter().map(|record| record.position).collect();
        assert_eq!(positions, (1..=(WRITERS * EACH * 2) as i64).collect::<Vec<_>>());
        for view in &views {
            assert!(view.iter().zip(first).all(|(a, b)| (a.position, &a.id, &a.hash) == (b.position, &b.id, &b.hash)));
        }
        for writer in 0..WRITERS {
            let of_writer: Vec<String> = first
                .iter()
                .filter(|record| record.object.id.starts_with(&format!("{writer}-")))
                .map(|record| format!("{} {}", record.object.id, record.action))
                .collect();
            let expected: Vec<String> = (0..EACH)
                .flat_map(|round| ["first", "second"].map(|action| format!("{writer}-{round} {action}")))
                .collect();
            assert_eq!(of_writer, expected, "one writer's entries stay in its order");
        }
        assert_eq!(Ledger::new(dbs[0].clone()).verify().await.unwrap().entries, (WRITERS * EACH * 2) as i64);
    })
    .await;
}

/// From commit in one process to the follower in another. The bound only tells hearing from chancing on it; it is far above
/// the figure that is printed, because other tests run beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_hear_soon_and_go_on_where_they_stopped() {
    on_each_url(|url, _| async move {
        let (here, there) =
            (Db::open(&url, ledger::MIGRATIONS).await.unwrap(), Db::open(&url, ledger::MIGRATIONS).await.unwrap());
        let ledger = Ledger::new(there.clone());
        let sealer = ledger.clone();
        tokio::spawn(async move { sealer.run_sealer(std::future::pending()).await });
        let mut follow = Box::pin(ledger.follow(0));
        append(&here, entry("warm.up", "x", &[])).await;
        assert_eq!(follow.next().await.unwrap().position, 1);
        let mut waits = Vec::new();
        for round in 2..12 {
            append(&here, entry("a", "x", &[])).await;
            let committed = Instant::now();
            assert_eq!(follow.next().await.unwrap().position, round);
            waits.push(committed.elapsed());
        }
        waits.sort();
        assert!(waits[5] < Duration::from_millis(500), "median {:?} on {:?}", waits[5], here.kind());
        println!("{:?}: from commit to follower, median {:?}, most {:?}", here.kind(), waits[5], waits[9]);
        drop(follow);
        let again: Vec<i64> = ledger.follow(9).take(2).map(|record| record.position).collect().await;
        assert_eq!(again, [10, 11]);
        let quiet = ledger.follow(11).collect::<Vec<_>>();
        let (rest, ()) = tokio::join!(quiet, there.close());
        assert!(rest.is_empty(), "a closed store ends its followers");
    })
    .await;
}

#[tokio::test]
async fn the_event_stream_carries_position_and_entry() {
    on_each_database(ledger::MIGRATIONS, |db| async move {
        let ledger = super::help::sealed(&db, 0).await;
        let appended = append(&db, entry("person.activate", "line\nbreak", &["o"])).await;
        let mut follow = Box::pin(ledger.follow(0));
        let event = String::from_utf8(follow.next().await.unwrap().event().to_vec()).unwrap();
        let data = event.strip_prefix("id: 1\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).expect("one event");
        let record: ledger::Record = serde_json::from_str(data).unwrap();
        assert_eq!((record.id, record.object.id.as_str()), (appended.id, "line\nbreak"));
    })
    .await;
}

/// The holder of the lease dies without a word; the next one seals within 2 s, and some more where much
/// else runs. One that stops in order hands over at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_seals_when_the_sealer_dies() {
    on_each_url(|url, _| async move {
        let (one, two) =
            (Db::open(&url, ledger::MIGRATIONS).await.unwrap(), Db::open(&url, ledger::MIGRATIONS).await.unwrap());
        if one.kind() == DbKind::Sqlite {
            return;
        }
        let first = tokio::spawn({
            let ledger = Ledger::new(one.clone());
            async move { ledger.run_sealer(std::future::pending()).await }
        });
        let ledger = Ledger::new(two.clone());
        append(&one, entry("a", "1", &[])).await;
        let mut follow = Box::pin(ledger.follow(0));
        assert_eq!(follow.next().await.unwrap().position, 1);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let second = tokio::spawn({
            let ledger = ledger.clone();
            async move { ledger.run_sealer(async { drop(stopped.await) }).await }
        });
        first.abort();
        let died = Instant::now();
        append(&one, entry("a", "2", &[])).await;
        assert_eq!(follow.next().await.unwrap().position, 2);
        assert!(died.elapsed() < Duration::from_secs(8), "{:?}", died.elapsed());

        // Whoever comes third sees the lease held, and gets it when it is given back.
        let third = Ledger::new(one.clone());
        tokio::spawn(async move { third.run_sealer(std::future::pending()).await });
        stop.send(()).unwrap();
        second.await.unwrap();
        let gone = Instant::now();
        append(&one, entry("a", "3", &[])).await;
        assert_eq!(follow.next().await.unwrap().position, 3);
        assert!(gone.elapsed() < Duration::from_secs(8), "{:?}", gone.elapsed());
        assert_eq!(ledger.verify().await.unwrap().entries, 3);
    })
    .await;
}
