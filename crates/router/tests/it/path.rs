//! What goes through, and how it arrives.

use super::house::*;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// An application that answers with the head it was sent.
async fn mirror() -> std::net::SocketAddr {
    app(|request: Request<Incoming>| async move {
        let mut said = format!("{} {}\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            said += &format!("{name}: {}\n", value.to_str().unwrap());
        }
        let mut response = Response::new(text(said));
        response.headers_mut().insert("connection", "x-gone".parse().unwrap());
        response.headers_mut().insert("x-gone", "1".parse().unwrap());
        response.headers_mut().insert("keep-alive", "timeout=5".parse().unwrap());
        response
    })
    .await
    .0
}

fn line<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

#[tokio::test]
async fn heads_lose_what_is_of_the_connection_and_gain_what_is_ours() {
    let house = House::new().await;
    house.set(route("m.apps.localhost", "", vec![backend("guid", 3, mirror().await)])).await;
    let request = get("m.apps.localhost:7080", "/a/../b%2Fc?d=%20&e")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil")
        .header("forwarded", "for=6.6.6.6")
        .header("x-real-ip", "6.6.6.6")
        .header("x-vcap-request-id", "mine")
        .header("x-cf-applicationid", "mine")
        .header("connection", "keep-alive, x-secret, host, x-forwarded-for")
        .header("x-secret", "1")
        .header("proxy-authorization", "Basic x")
        .header("te", "trailers, deflate")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("x-b3-traceid", "1")
        .header("x-many", "1")
        .header("x-many", "2");
    let (status, headers, head) = whole(house.send(request.body(text("")).unwrap()).await).await;
    assert_eq!((status, head.lines().next().unwrap()), (200, "GET /a/../b%2Fc?d=%20&e"));
    let one = [
        ("host", "m.apps.localhost:7080"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "m.apps.localhost:7080"),
        ("x-cf-applicationid", "guid"),
        ("x-cf-instanceid", "guid-3"),
        ("x-cf-instanceindex", "3"),
        ("te", "trailers"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-b3-traceid", "1"),
    ];
    for (name, value) in one {
        assert_eq!(line(&head, name), [value], "{name}");
    }
    assert_eq!(line(&head, "x-many"), ["1", "2"]);
    for name in ["x-secret", "proxy-authorization", "forwarded", "x-real-ip", "connection"] {
        assert!(line(&head, name).is_empty(), "{name}: {head}");
    }
    let id = line(&head, "x-vcap-request-id")[0];
    assert_eq!((id.len(), headers["x-vcap-request-id"].to_str().unwrap()), (36, id));
    assert!(line(&head, "x-request-start")[0].parse::<u64>().unwrap() > 1_700_000_000_000);
    assert!(!headers.contains_key("x-gone") && !headers.contains_key("keep-alive"));
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_added_to() {
    let house = House::with(|options| options.trusted = vec!["127.0.0.0/8".parse().unwrap()]).await;
    house.set(route("m.apps.localhost", "", vec![backend("guid", 0, mirror().await)])).await;
    let request = get("m.apps.localhost", "/")
        .header("x-forwarded-for", "1.2.3.4, 5.6.7.8")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "shop.example.com");
    let (_, _, head) = whole(house.send(request.body(text("")).unwrap()).await).await;
    assert_eq!(line(&head, "x-forwarded-for"), ["1.2.3.4, 5.6.7.8, 127.0.0.1"]);
    assert_eq!(line(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(line(&head, "x-forwarded-host"), ["shop.example.com"]);
}

#[tokio::test]
async fn an_event_arrives_before_the_answer_ends_and_the_end_of_the_client_reaches_the_application() {
    let house = House::new().await;
    let (gone, mut is_gone) = mpsc::channel::<()>(1);
    let (address, _) = app(move |_| {
        let gone = gone.clone();
        async move {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(async move {
                sender.send(Bytes::from("data: 1\n\n")).await.unwrap();
                sender.closed().await;
                gone.send(()).await.unwrap();
            });
            Response::new(pieces(receiver))
        }
    })
    .await;
    house.set(route("s.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let mut response = house.send(get("s.apps.localhost", "/").body(text("")).unwrap()).await;
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: 1\n\n");
    drop(response);
    tokio::time::timeout(Duration::from_secs(5), is_gone.recv()).await.expect("the application learns of it");
}

#[tokio::test]
async fn a_large_upload_streams_against_back_pressure() {
    let house = House::new().await;
    let (address, _) = app(|request: Request<Incoming>| async move {
        let mut body = request.into_body();
        let mut sum = 0_usize;
        while let Some(frame) = body.frame().await {
            if sum == 0 {
                // As slow at first as an application that writes to a disk.
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            sum += frame.unwrap().into_data().map_or(0, |data| data.len());
        }
        Response::new(text(sum.to_string()))
    })
    .await;
    house.set(route("u.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let (sender, receiver) = mpsc::channel(1);
    let piece = Bytes::from(vec![7_u8; 1 << 20]);
    let request = Request::post("/").header("host", "u.apps.localhost").body(pieces(receiver)).unwrap();
    let sending = tokio::spawn(async move {
        let mut early = 0;
        let start = tokio::time::Instant::now();
        for _ in 0..256 {
            sender.send(piece.clone()).await.unwrap();
            early += usize::from(start.elapsed() < Duration::from_millis(200));
        }
        early
    });
    let (status, _, body) = whole(house.send(request).await).await;
    assert_eq!((status, body.parse::<usize>().unwrap()), (200, 256 << 20));
    // What went out while the application read nothing sits in buffers; sockets hold a few MiB.
    let early = sending.await.unwrap();
    assert!(early < 64, "{early} MiB were taken before the application read any");
}

#[tokio::test]
async fn continue_is_said_and_trailers_pass() {
    let house = House::new().await;
    let (address, _) = app(|request: Request<Incoming>| async move {
        let seen = request.headers().contains_key("expect");
        let body = request.into_body().collect().await.unwrap();
        let trailer = body.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let said = format!("{seen} {:?} {}", trailer, String::from_utf8_lossy(&body.to_bytes()));
        let mut trailers = HeaderMap::new();
        trailers.insert("x-end", "fin".parse().unwrap());
        let frames = [Ok(Frame::data(Bytes::from(said))), Ok(Frame::trailers(trailers))];
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))));
        response.headers_mut().insert("trailer", "x-end".parse().unwrap());
        response
    })
    .await;
    house.set(route("t.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: t.apps.localhost\r\nExpect: 100-continue\r\nTE: trailers\r\n\
                Transfer-Encoding: chunked\r\nTrailer: x-sum\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 100 Continue\r\n"));
    stream.write_all(b"4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("false Some(\"4\") body") && rest.ends_with("0\r\nx-end: fin\r\n\r\n"), "{rest}");
}

#[tokio::test]
async fn connections_to_an_instance_are_kept() {
    let house = House::with(|options| options.workers = 1).await;
    let (address, connections) = app(|_| async { Response::new(text("x")) }).await;
    house.set(route("k.apps.localhost", "", vec![backend("a", 0, address)])).await;
    for method in [Method::GET, Method::POST, Method::HEAD, Method::GET] {
        let request = Request::builder().method(method).uri("/").header("host", "k.apps.localhost");
        whole(house.send(request.body(text("")).unwrap()).await).await;
    }
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn each_application_has_its_access_log() {
    let mut house = House::new().await;
    house.set(route("l.apps.localhost", "", vec![backend("guid", 1, named("hello").await)])).await;
    house.set(route("dead.apps.localhost", "", vec![backend("dead", 0, nobody())])).await;
    let request = Request::post("/a?b").header("host", "l.apps.localhost").header("user-agent", "te\"st");
    whole(house.send(request.body(text("12345")).unwrap()).await).await;
    house.get("dead.apps.localhost", "/").await;
    house.stop().await;
    let read = |source: &str| {
        let query = logs::Query { start: 0, end: i64::MAX, limit: 10, descending: false };
        logs::read(&house.folder.path().join("logs"), source, &query).unwrap()
    };
    let lines = read("guid");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].source_type.as_str(), lines[0].instance.as_str()), ("RTR", "1"));
    let payload = &lines[0].payload;
    assert!(payload.starts_with("l.apps.localhost - ["), "{payload}");
    let middle = r#"] "POST /a?b HTTP/1.1" 200 5 5 "-" "te\"st" "127.0.0.1:"#;
    assert!(payload.contains(middle) && payload.ends_with(r#" app_id:"guid" app_index:"1""#), "{payload}");
    assert!(read("dead")[0].payload.contains("\" 502 0 "), "{:?}", read("dead"));
}
