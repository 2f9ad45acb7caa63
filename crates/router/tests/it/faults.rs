//! Applications that fail, clients that stall.

use super::house::*;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Takes requests and never answers; counts them.
async fn mute() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let address = raw_app(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            read_head(&mut stream).await;
            seen.fetch_add(1, SeqCst);
        }
    })
    .await;
    (address, count)
}

#[tokio::test]
async fn an_instance_that_refuses_is_passed_over_and_left_out_for_a_moment() {
    let house = House::with(|options| options.timeouts.ejection = Duration::from_secs(60)).await;
    let alive = named("alive").await;
    house.set(route("r.apps.localhost", "", vec![backend("a", 0, nobody()), backend("a", 1, alive)])).await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH] {
        for _ in 0..4 {
            let request = Request::builder().method(method.clone()).uri("/").header("host", "r.apps.localhost");
            let (status, _, body) = whole(house.send(request.body(text("body")).unwrap()).await).await;
            assert_eq!((status, body.as_str()), (200, "alive"), "{method}");
        }
    }
    assert_eq!(house.health().await["retries"], 1, "the first met it; the others were spared");
}

#[tokio::test]
async fn who_waits_for_an_instance_that_is_gone_is_told_so_once_the_table_says_it() {
    let house = House::new().await;
    // Its queue is full, so what comes is neither taken nor refused: as with an address that is no more.
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queue.push(stream);
    }
    house.set(route("r.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let began = Instant::now();
    let gone = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        house.set(route("r.apps.localhost", "", vec![])).await;
    };
    let ((status, _, _), ()) = tokio::join!(house.get("r.apps.localhost", "/"), gone);
    assert_eq!(status, 502);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_may_be_sent_twice_is_and_what_may_not_is_not() {
    let cases = [
        (Method::GET, 0, 200, 1),
        (Method::DELETE, 0, 200, 1),
        (Method::PUT, 1000, 200, 1),
        (Method::PUT, 100_000, 502, 1),
        (Method::POST, 0, 502, 1),
        (Method::POST, 1000, 502, 1),
    ];
    for (method, size, status, seen) in cases {
        let house = House::new().await;
        let (mute, count) = mute().await;
        let (alive, _) = app(|request: Request<Incoming>| async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Response::new(text(body.len().to_string()))
        })
        .await;
        house.set(route("r.apps.localhost", "", vec![backend("a", 0, mute), backend("a", 1, alive)])).await;
        let request = Request::builder().method(method.clone()).uri("/").header("host", "r.apps.localhost");
        let (got, _, body) = whole(house.send(request.body(text(vec![1; size])).unwrap()).await).await;
        assert_eq!((got, count.load(SeqCst)), (status, seen), "{method} {size}");
        assert!(got == 502 || body == size.to_string(), "{method} {size}: {body}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_application_closed_costs_nobody_an_answer() {
    let house = House::with(|options| options.workers = 1).await;
    // Answers one request a connection, promises to keep it, and closes it a moment later.
    let address = raw_app(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        read_head(&mut stream).await;
    })
    .await;
    house.set(route("k.apps.localhost", "", vec![backend("a", 0, address)])).await;
    for _ in 0..5 {
        let (status, _, body) = house.get("k.apps.localhost", "/").await;
        assert_eq!((status, body.as_str()), (200, "ok"));
    }
    // A request that cannot be repeated takes no connection that has rested.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let request = Request::post("/").header("host", "k.apps.localhost").body(text("")).unwrap();
    assert_eq!(whole(house.send(request).await).await.0, 200);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_upload_ends_is_passed_on() {
    let house = House::new().await;
    let address = raw_app(|mut stream| async move {
        read_head(&mut stream).await;
        let answer = b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";
        stream.write_all(answer).await.unwrap();
        // Reads on for a moment, as servers do that close gracefully.
        let _ = tokio::time::timeout(Duration::from_millis(200), tokio::io::copy(&mut stream, &mut tokio::io::sink()))
            .await;
    })
    .await;
    house.set(route("e.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move { while sender.send(Bytes::from(vec![0; 65_536])).await.is_ok() {} });
    let request = Request::post("/").header("host", "e.apps.localhost").body(pieces(receiver)).unwrap();
    let (head, body) = house.send(request).await.into_parts();
    assert_eq!(head.status, 413);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "big");
}

#[tokio::test]
async fn an_answer_is_passed_on_although_the_application_closes_with_the_body_unread() {
    let house = House::new().await;
    let address = raw_app(|mut stream| async move {
        read_head(&mut stream).await;
        let answer = b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    house.set(route("f.apps.localhost", "", vec![backend("a", 0, address)])).await;
    for _ in 0..50 {
        let request = Request::post("/").header("host", "f.apps.localhost").body(text(vec![0; 1 << 20])).unwrap();
        let (status, _, body) = whole(house.send(request).await).await;
        assert_eq!((status, body.as_str()), (413, "big"));
    }
}

#[tokio::test]
async fn a_thousand_slow_clients_disturb_nobody_and_are_sent_away() {
    let house = House::with(|options| options.timeouts.head = Duration::from_secs(5)).await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("fast").await)])).await;
    let address = house.address;
    let slow = (0..1000).map(|number| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Nothing at all, half a line, half a head, an unfinished HTTP/2 preface.
        let start =
            ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a.apps.localhost\r\nX-", "PRI * HTTP/2.0\r\n"][number % 4];
        stream.write_all(start.as_bytes()).await.unwrap();
        stream
    });
    let mut slow = futures_util::future::join_all(slow).await;
    house.until(|health| health["connections"] == 1000).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let start = Instant::now();
        assert_eq!(house.get("a.apps.localhost", "/").await.2, "fast");
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    // A byte now and then does not prolong it: the head's deadline counts from its start.
    for stream in slow.iter_mut().skip(1).step_by(4) {
        stream.write_all(b"T").await.unwrap();
    }
    house.until(|health| health["connections"] == 0).await;
    let mut end = [0; 64];
    assert!(matches!(slow[0].read(&mut end).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_408_and_one_that_never_ends_holds_only_itself() {
    let house = House::with(|options| options.timeouts.client_idle = Duration::from_millis(400)).await;
    let (address, _) = app(|request: Request<Incoming>| async move {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        Response::new(text("whole"))
    })
    .await;
    house.set(route("b.apps.localhost", "", vec![backend("a", 0, address)])).await;
    for (head, part) in
        [("POST", "Content-Length: 100"), ("PUT", "Content-Length: 100"), ("POST", "Transfer-Encoding: chunked")]
    {
        let start = Instant::now();
        let said = format!("{head} / HTTP/1.1\r\nHost: b.apps.localhost\r\n{part}\r\n\r\n5\r\n");
        let answer = house.raw(said.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{head} {part}: {answer}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    // One that goes on for ever is passed on for as long as it moves; nobody else notices.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move { while sender.send(Bytes::from(vec![0; 4096])).await.is_ok() {} });
    let endless = Request::post("/").header("host", "b.apps.localhost").body(pieces(receiver)).unwrap();
    let answer = house.send(endless);
    tokio::pin!(answer);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut answer).await.is_err());
    let other = Request::post("/").header("host", "b.apps.localhost").body(text("x")).unwrap();
    assert_eq!(whole(house.send(other).await).await.2, "whole");
}

#[tokio::test]
async fn clients_that_take_nothing_and_applications_that_say_nothing_are_ended() {
    let house = House::with(|options| {
        options.timeouts.client_idle = Duration::from_millis(300);
        options.timeouts.response = Duration::from_millis(500);
    })
    .await;
    let (flood, _) = app(|_| async {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move { while sender.send(Bytes::from(vec![0; 65_536])).await.is_ok() {} });
        Response::new(pieces(receiver))
    })
    .await;
    let (silent, _) = app(|request: Request<Incoming>| async move {
        if request.uri().path() == "/head" {
            std::future::pending::<()>().await;
        }
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            sender.send(Bytes::from("some")).await.unwrap();
            std::future::pending::<()>().await;
        });
        Response::new(pieces(receiver))
    })
    .await;
    house.set(route("flood.apps.localhost", "", vec![backend("a", 0, flood)])).await;
    house.set(route("silent.apps.localhost", "", vec![backend("a", 0, silent)])).await;
    let mut taker = TcpStream::connect(house.address).await.unwrap();
    taker.write_all(b"GET / HTTP/1.1\r\nHost: flood.apps.localhost\r\n\r\n").await.unwrap();
    house.until(|health| health["connections"] == 1).await;
    house.until(|health| health["connections"] == 0).await;

    let (status, _, body) = house.get("silent.apps.localhost", "/head").await;
    assert_eq!(status, 502);
    assert!(body.contains("no answer within"), "{body}");
    let answer = house.send(get("silent.apps.localhost", "/").body(text("")).unwrap()).await;
    assert!(answer.into_body().collect().await.is_err(), "an answer that broke off must not look whole");
}

#[tokio::test]
async fn at_the_limit_of_connections_new_ones_wait() {
    let house = House::with(|options| options.max_connections = 4).await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("x").await)])).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(TcpStream::connect(house.address).await.unwrap());
    }
    house.until(|health| health["connections"].as_u64() >= Some(4)).await;
    let waiting = house.get("a.apps.localhost", "/");
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut waiting).await.is_err());
    held.clear();
    assert_eq!(waiting.await.2, "x");
}
