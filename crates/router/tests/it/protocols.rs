//! HTTP/2 on either side, and what leaves HTTP.

use super::house::*;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use router::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn h2(house: &House) -> hyper::client::conn::http2::SendRequest<Body> {
    let stream = TcpStream::connect(house.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Tells the version and what matters of the head, and gives the body back with a trailer, as gRPC does.
async fn echo() -> std::net::SocketAddr {
    app(|request: Request<Incoming>| async move {
        let (head, body) = request.into_parts();
        let said = format!("{:?} {} {:?} ", head.version, head.uri.path(), head.headers.get("cookie"));
        let body = body.collect().await.unwrap().to_bytes();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let frames = [Ok(Frame::data(Bytes::from(said))), Ok(Frame::data(body)), Ok(Frame::trailers(trailers))];
        Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))))
    })
    .await
    .0
}

#[tokio::test]
async fn http2_in_front_and_behind_in_all_combinations() {
    let house = House::new().await;
    let address = echo().await;
    let mut second = backend("a", 0, address);
    second.protocol = Protocol::Http2;
    house.set(route("one.apps.localhost", "", vec![backend("a", 0, address)])).await;
    house.set(route("two.apps.localhost", "", vec![second])).await;
    for (host, seen) in [("one", "HTTP/1.1"), ("two", "HTTP/2.0")] {
        let host = format!("{host}.apps.localhost");
        let mut sender = h2(&house).await;
        // Many at a time over one connection.
        let answers = (0..20).map(|number| {
            let request = Request::post(format!("http://{host}/{number}"))
                .version(Version::HTTP_2)
                .header("te", "trailers")
                .header("cookie", "a=1")
                .header("cookie", "b=2")
                .body(text(format!("body {number}")))
                .unwrap();
            sender.send_request(request)
        });
        let answers = futures_util::future::join_all(answers).await;
        for (number, answer) in answers.into_iter().enumerate() {
            let body = answer.unwrap().into_body().collect().await.unwrap();
            if seen == "HTTP/2.0" {
                assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
            }
            let said = String::from_utf8(body.to_bytes().to_vec()).unwrap();
            assert_eq!(said, format!("{seen} /{number} Some(\"a=1; b=2\") body {number}"));
        }
        let (status, _, body) = house.get(&host, "/first").await;
        assert_eq!((status, body), (200, format!("{seen} /first None ")));
    }
    // Control, too, is reached from HTTP/2.
    let request = Request::get("http://127.0.0.1/v3").version(Version::HTTP_2).body(text("")).unwrap();
    let (_, _, body) = whole(h2(&house).await.send_request(request).await.unwrap()).await;
    assert!(body.starts_with("control /v3"));
}

#[tokio::test]
async fn an_upgrade_becomes_a_tunnel_that_outlives_its_route() {
    let house = House::new().await;
    let address = raw_app(|mut stream| async move {
        let head = read_head(&mut stream).await.to_ascii_lowercase();
        let asked = head.contains("\r\nconnection: upgrade\r\n") && head.contains("\r\nupgrade: websocket\r\n");
        assert!(asked && head.contains("\r\nsec-websocket-key: k\r\n"), "{head}");
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst";
        stream.write_all(switch).await.unwrap();
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
        write.write_all(b"last").await.unwrap();
    })
    .await;
    house.set(route("ws.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nHost: ws.apps.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Key: k\r\n\r\nearly";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_head(&mut stream).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101 ") && answer.contains("\r\nupgrade: websocket\r\n"), "{answer}");
    let mut said = [0; 10];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"firstearly");
    house.publisher.remove("ws.apps.localhost");
    house.settle().await;
    for size in [1, 100_000] {
        let sent = vec![b'x'; size];
        let mut back = vec![0; size];
        let (mut read, mut write) = stream.split();
        let (wrote, got) = tokio::join!(write.write_all(&sent), read.read_exact(&mut back));
        wrote.unwrap();
        got.unwrap();
        assert_eq!(sent, back);
    }
    // The client ends its half; what the application still says arrives.
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "last");
    house.until(|health| health["connections"] == 0).await;
}

#[tokio::test]
async fn an_upgrade_that_the_application_declines_is_a_plain_answer() {
    let house = House::new().await;
    house.set(route("no.apps.localhost", "", vec![backend("a", 0, named("plain").await)])).await;
    let request = get("no.apps.localhost", "/").header("connection", "upgrade").header("upgrade", "websocket");
    let (status, _, body) = whole(house.send(request.body(text("")).unwrap()).await).await;
    assert_eq!((status, body.as_str()), (200, "plain"));
    // 101 that nobody asked for is a failure of the application.
    let rude = raw_app(|mut stream| async move {
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    house.set(route("rude.apps.localhost", "", vec![backend("a", 0, rude)])).await;
    assert_eq!(house.get("rude.apps.localhost", "/").await.0, 502);
}
