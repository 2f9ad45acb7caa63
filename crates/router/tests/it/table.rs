//! The table: how it comes, how it changes, where it stays.

use super::house::*;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use router::{Publisher, Table};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_change_among_ten_thousand_routes_applies_within_50_ms() {
    let house = House::new().await;
    let address = named("x").await;
    let many = (0..10_000).map(|n| route(&format!("h{n}.apps.localhost"), "", vec![backend("a", 0, address)]));
    house.publisher.replace_all(Table { routes: many.collect() });
    house.settle().await;
    let mut took = Vec::new();
    for number in 0..20 {
        let host = format!("new{number}.apps.localhost");
        let start = Instant::now();
        house.publisher.set(route(&host, "", vec![backend("a", 0, address)]));
        while house.get(&host, "/").await.0 != 200 {
            assert!(start.elapsed() < Duration::from_secs(5));
        }
        house.publisher.remove(&host);
        while house.get(&host, "/").await.0 != 404 {
            assert!(start.elapsed() < Duration::from_secs(5));
        }
        took.push(start.elapsed() / 2);
    }
    // The middle one: the machine that runs the tests may be busy with others.
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_millis(50), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_changes_under_load_drop_nothing() {
    let house = Arc::new(House::new().await);
    let (one, two) = (named("one").await, named("two").await);
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, one)])).await;
    let done = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..8)
        .map(|_| {
            let (house, done, asked) = (Arc::clone(&house), Arc::clone(&done), Arc::clone(&asked));
            tokio::spawn(async move {
                while !done.load(SeqCst) {
                    let request = Request::post("/").header("host", "a.apps.localhost").body(text("x")).unwrap();
                    let (status, _, body) = whole(house.send(request).await).await;
                    assert_eq!((status, body.len()), (200, 3), "{body}");
                    asked.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for number in 0..100 {
        let address = if number % 2 == 0 { two } else { one };
        match number % 10 {
            0 => house.publisher.replace_all(Table {
                routes: vec![route("a.apps.localhost", "", vec![backend("a", number, address)])],
            }),
            _ => house.publisher.set(route("a.apps.localhost", "", vec![backend("a", number, address)])),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.settle().await;
    done.store(true, SeqCst);
    for asker in askers {
        asker.await.unwrap();
    }
    assert!(asked.load(SeqCst) > 100);
}

#[tokio::test]
async fn a_request_to_an_instance_that_is_taken_out_ends_there() {
    let house = House::new().await;
    let (sender, receiver) = mpsc::channel(1);
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let (old, _) = app(move |_: Request<Incoming>| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        async move { Response::new(pieces(receiver)) }
    })
    .await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, old)])).await;
    let answer = tokio::spawn({
        let request = get("a.apps.localhost", "/").body(text("")).unwrap();
        let address = house.address;
        async move {
            let io = hyper_util::rt::TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
            let (mut client, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            client.send_request(request).await.unwrap()
        }
    });
    sender.send(Bytes::from("before ")).await.unwrap();
    let answer = answer.await.unwrap();
    house.set(route("a.apps.localhost", "", vec![backend("a", 1, named("new").await)])).await;
    assert_eq!(house.get("a.apps.localhost", "/").await.2, "new");
    sender.send(Bytes::from("after")).await.unwrap();
    drop(sender);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "before after");
}

#[tokio::test]
async fn a_router_starts_from_the_kept_table_and_from_nothing() {
    let mut house = House::new().await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("kept").await)])).await;
    house.until_kept("a.apps.localhost").await;
    house.kill_control().await;
    house.stop().await;
    let folder = std::mem::replace(&mut house.folder, tempfile::tempdir().unwrap());
    let file = folder.path().join("router/table.json");

    let mut house = House::without_control(folder, |_| {}).await;
    assert_eq!(house.health().await["table"]["origin"], "file");
    assert_eq!(house.get("a.apps.localhost", "/").await.2, "kept");
    assert_eq!(house.get("b.apps.localhost", "/").await.0, 404);
    // A control process that has not read its database yet makes nobody forget.
    house.start_control();
    house.until(|health| health["table"]["connected"] == true).await;
    assert_eq!(house.get("a.apps.localhost", "/").await.2, "kept");
    house.publisher.replace_all(Table::default());
    house.settle().await;
    assert_eq!(house.get("a.apps.localhost", "/").await.0, 404);
    house.stop().await;

    for damage in ["", "{", "{\"version\":1,\"table\":{\"routes\":[{}]}}", "{\"version\":9,\"table\":{\"routes\":[]}}"]
    {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("router")).unwrap();
        std::fs::write(folder.path().join("router/table.json"), damage).unwrap();
        let mut house = House::without_control(folder, |_| {}).await;
        let (status, headers, _) = house.get("a.apps.localhost", "/").await;
        assert_eq!((status, headers.contains_key("retry-after")), (503, true), "{damage:?}");
        house.stop().await;
    }
    assert!(file.exists());
}

#[tokio::test]
async fn the_very_last_table_is_kept_when_a_router_stops() {
    for number in 0..5 {
        let mut house = House::new().await;
        // One change after another, so that the last comes while the first is being kept.
        for host in ["a", "b", &format!("last{number}")] {
            house.set(route(&format!("{host}.apps.localhost"), "", vec![backend("a", 0, nobody())])).await;
        }
        house.stop().await;
        let kept = std::fs::read_to_string(house.folder.path().join("router/table.json")).unwrap();
        assert!(kept.contains(&format!("last{number}")), "{kept}");
        let left = std::fs::read_dir(house.folder.path().join("router")).unwrap().count();
        assert_eq!(left, 1, "nothing beside it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_starts_beside_control_begins_with_controls_table() {
    let mut house = House::new().await;
    let host = "a.apps.localhost";
    // As it was when the former router was killed: the app had no instance yet.
    house.set(route(host, "", vec![])).await;
    house.until_kept(host).await;
    house.stop().await;
    house.publisher.set(route(host, "", vec![backend("a", 0, named("young").await)]));
    for _ in 0..10 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        house.address = listener.local_addr().unwrap();
        // It waits in the listener's queue, as after `kill -9` of the former router.
        let waiting = tokio::net::TcpStream::connect(house.address).await.unwrap();
        let options = router::Options::new(listener, house.folder.path(), "apps.localhost");
        house.router = Some(tokio::task::spawn_blocking(|| router::start(options)).await.unwrap().unwrap());
        let io = hyper_util::rt::TokioIo::new(waiting);
        let (mut client, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let answer = whole(client.send_request(get(host, "/").body(text("")).unwrap()).await.unwrap()).await;
        assert_eq!((answer.0, answer.2.as_str()), (200, "young"));
        // Killed: nothing of what it learned is kept.
        std::mem::forget(house.router.take());
        let stale = r#"{"version":1,"table":{"routes":[]}}"#;
        std::fs::write(house.folder.path().join("router/table.json"), stale).unwrap();
    }
}

#[tokio::test]
async fn a_follower_that_falls_behind_gets_the_whole_table() {
    let publisher = Publisher::new();
    publisher.replace_all(Table::default());
    let mut changes = Box::pin(publisher.changes(None));
    let first = changes.next().await.unwrap().unwrap();
    assert_eq!(first, "{\"revision\":1,\"table\":{\"routes\":[]}}\n");
    let address = nobody();
    for number in 0..5000 {
        publisher.set(route(&format!("h{number}"), "", vec![backend("a", 0, address)]));
    }
    publisher.set(route("h1", "", vec![backend("a", 0, address)]));
    publisher.remove("h0");
    publisher.remove("unknown");
    let again: serde_json::Value = serde_json::from_slice(&changes.next().await.unwrap().unwrap()).unwrap();
    assert_eq!((again["revision"].as_u64(), again["table"]["routes"].as_array().unwrap().len()), (Some(5002), 4999));
    publisher.remove("h1");
    assert_eq!(changes.next().await.unwrap().unwrap(), "{\"revision\":5003,\"remove\":\"h1\"}\n");
}
