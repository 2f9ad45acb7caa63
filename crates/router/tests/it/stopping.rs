//! The end of a router.

use super::house::*;
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Says one thing at once and another after a while.
async fn slow(after: Duration) -> std::net::SocketAddr {
    app(move |_: Request<Incoming>| async move {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            sender.send(Bytes::from("begin ")).await.unwrap();
            tokio::time::sleep(after).await;
            let _ = sender.send(Bytes::from("end")).await;
        });
        Response::new(pieces(receiver))
    })
    .await
    .0
}

#[tokio::test]
async fn running_requests_end_idle_connections_close_and_nobody_new_gets_in() {
    let mut house = House::new().await;
    house.set(route("s.apps.localhost", "", vec![backend("a", 0, slow(Duration::from_millis(800)).await)])).await;
    let mut first = house.send(get("s.apps.localhost", "/").body(text("")).unwrap()).await;
    first.body_mut().frame().await.unwrap().unwrap();
    let io = TokioIo::new(TcpStream::connect(house.address).await.unwrap());
    let (mut second, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://s.apps.localhost/").version(Version::HTTP_2).body(text("")).unwrap();
    let second = second.send_request(request).await.unwrap();
    // A new connection that has said nothing and a kept one at rest.
    let mut fresh = TcpStream::connect(house.address).await.unwrap();
    let mut rested = TcpStream::connect(house.address).await.unwrap();
    rested.write_all(b"GET /v3 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_head(&mut rested).await;

    let start = Instant::now();
    let address = house.address;
    let stopping = tokio::spawn(async move {
        house.stop().await;
        house
    });
    // Both may be about to say something, so they get a moment.
    let mut rest = Vec::new();
    rested.read_to_end(&mut rest).await.unwrap();
    assert_eq!(fresh.read(&mut [0; 1]).await.unwrap(), 0);
    let (one, two) = tokio::join!(first.into_body().collect(), second.into_body().collect());
    assert_eq!(one.unwrap().to_bytes(), "end");
    assert_eq!(two.unwrap().to_bytes(), "begin end");
    connection.await.unwrap().unwrap();
    stopping.await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(TcpStream::connect(address).await.is_err());
}

/// What a client sends over a connection that it keeps, while the router has begun to stop, is answered, and the answer says
/// that the connection ends.
#[tokio::test]
async fn a_kept_connection_says_its_next_request_and_learns_that_it_ends() {
    for _ in 0..5 {
        let mut house = House::new().await;
        house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("x").await)])).await;
        let mut kept = TcpStream::connect(house.address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a.apps.localhost\r\n\r\n";
        kept.write_all(request).await.unwrap();
        let head = read_head(&mut kept).await;
        assert!(head.starts_with("HTTP/1.1 200") && !head.to_lowercase().contains("connection: close"), "{head}");
        kept.read_exact(&mut [0; 1]).await.unwrap();
        let router = house.router.take().unwrap();
        let stopping = tokio::task::spawn_blocking(|| router.stop());
        house.until(|health| health["status"] == "draining").await;
        kept.write_all(request).await.unwrap();
        let mut answer = String::new();
        kept.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with('x'), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        stopping.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_does_not_end_is_ended_at_the_deadline() {
    let mut house = House::with(|options| options.timeouts.drain = Duration::from_millis(500)).await;
    house.set(route("s.apps.localhost", "", vec![backend("a", 0, slow(Duration::from_secs(3600)).await)])).await;
    let mut endless = house.send(get("s.apps.localhost", "/").body(text("")).unwrap()).await;
    endless.body_mut().frame().await.unwrap().unwrap();
    let start = Instant::now();
    house.stop().await;
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(450) && took < Duration::from_secs(3), "{took:?}");
    assert!(endless.into_body().collect().await.is_err());
}

/// Two routers share the listening socket while one hands over to the other: nobody is turned away.
#[tokio::test]
async fn a_successor_on_the_same_socket_takes_over_without_a_lost_request() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let shared = listener.try_clone().unwrap();
    let mut house = House::with(|options| options.listeners = vec![listener]).await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("x").await)])).await;
    let address = house.address;
    let asking = tokio::spawn(async move {
        let mut answers = 0;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let asked = b"GET / HTTP/1.1\r\nHost: a.apps.localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(asked).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with('x'), "{answer:?}");
            answers += 1;
        }
        answers
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    // The successor starts from the kept table, whatever control does.
    house.until_kept("a.apps.localhost").await;
    let folder = house.folder.path().to_owned();
    let options = router::Options::new(shared, &folder, "apps.localhost");
    let successor = tokio::task::spawn_blocking(|| router::start(options)).await.unwrap().unwrap();
    house.stop().await;
    // Told from the one that it replaces: it is found where it was.
    tokio::net::UnixStream::connect(folder.join("run/router.sock")).await.unwrap();
    assert!(asking.await.unwrap() > 50);
    tokio::task::spawn_blocking(|| successor.stop()).await.unwrap().unwrap();
}
