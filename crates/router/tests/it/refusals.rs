//! What the router itself answers, and what it does not let through.

use super::house::*;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn each_refusal_has_its_code_and_words() {
    let house = House::new().await;
    house.set(route("empty.apps.localhost", "", Vec::new())).await;
    house.set(route("dead.apps.localhost", "", vec![backend("guid", 4, nobody())])).await;
    let mute = raw_app(|mut stream| async move { drop(read_head(&mut stream).await) }).await;
    house.set(route("mute.apps.localhost", "", vec![backend("guid", 5, mute)])).await;
    let odd = raw_app(|mut stream| async move { stream.write_all(b"SSH-2.0-x\r\n\r\n").await.unwrap() }).await;
    house.set(route("odd.apps.localhost", "", vec![backend("guid", 6, odd)])).await;
    let cases = [
        ("none", 404, "unknown_route", "404 Not Found: Requested route ('none.apps.localhost') does not exist."),
        (
            "empty",
            503,
            "no_endpoints",
            "503 Service Unavailable: Requested route ('empty.apps.localhost') has no available",
        ),
        ("dead", 502, "endpoint_failure", "Application guid, instance 4: no connection: Connection refused"),
        ("mute", 502, "endpoint_failure", "Application guid, instance 5: it closed the connection without an answer."),
        ("odd", 502, "endpoint_failure", "Application guid, instance 6: "),
    ];
    for (name, status, code, words) in cases {
        let (got, headers, body) = house.get(&format!("{name}.apps.localhost"), "/").await;
        assert_eq!((got, headers["x-cf-routererror"].to_str().unwrap()), (status, code), "{body}");
        assert!(body.contains(words), "{body}");
    }
}

#[tokio::test]
async fn without_control_applications_go_on_and_its_own_hosts_say_why() {
    let mut house = House::new().await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("alive").await)])).await;
    house.kill_control().await;
    assert_eq!(house.get("a.apps.localhost", "/").await.2, "alive");
    assert_eq!(house.get("b.apps.localhost", "/").await.0, 404);
    let (status, headers, body) = house.get("127.0.0.1", "/v3/apps").await;
    assert_eq!(
        (status, &headers["retry-after"], &headers["content-type"]),
        (503, &"5".parse().unwrap(), &"application/json".parse().unwrap())
    );
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&json["errors"][0]["code"], &json["errors"][0]["title"]),
        (&10015.into(), &"CF-ServiceUnavailable".into())
    );
    let page = get("127.0.0.1", "/").header("accept", "text/html,*/*;q=0.8").body(text("")).unwrap();
    let (status, headers, body) = whole(house.send(page).await).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (503, "text/html; charset=utf-8"));
    assert!(body.contains("Applications go on running"));
    // Uploads are answered as well.
    let upload = Request::post("/v3/packages").header("host", "127.0.0.1").body(text(vec![0; 100_000])).unwrap();
    assert_eq!(whole(house.send(upload).await).await.0, 503);

    house.start_control();
    house.until(|health| health["table"]["connected"] == true).await;
    assert_eq!(house.get("127.0.0.1", "/v3").await.0, 200);
}

#[tokio::test]
async fn heads_are_bounded() {
    let house = House::new().await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("fine").await)])).await;
    let of = |lines: usize, size: usize| {
        let line = |number| format!("X-{number}: {}\r\n", "v".repeat(size));
        let lines: String = (0..lines).map(line).collect();
        format!("GET / HTTP/1.1\r\nHost: a.apps.localhost\r\n{lines}Connection: close\r\n\r\n")
    };
    let cases = [(90, 100, "200"), (99, 1, "431"), (20, 3000, "200"), (20, 4000, "431"), (1, 70_000, "431")];
    for (lines, size, status) in cases {
        let answer = house.raw(of(lines, size).as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines} × {size}: {answer:.100}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a.apps.localhost\r\n\r\n", "x".repeat(66_000));
    let answer = house.raw(long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 414 ") || answer.starts_with("HTTP/1.1 431 "), "{answer:.100}");
}

/// What two parties could read differently is refused, or reaches the application in one unmistakable form.
#[tokio::test]
async fn nothing_is_smuggled() {
    let house = House::new().await;
    // Says how many requests came over its connection and what they were.
    let spy = raw_app(|mut stream| async move {
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            seen.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&seen).to_ascii_lowercase();
            let framed = text.contains("transfer-encoding: chunked");
            if text.contains("\r\n\r\n") && (!framed || text.ends_with("0\r\n\r\n")) {
                let said = text.replace("\r\n", "|");
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", said.len());
                stream.write_all((head + &said).as_bytes()).await.unwrap();
                return;
            }
        }
    })
    .await;
    house.set(route("spy.apps.localhost", "", vec![backend("a", 0, spy)])).await;
    let refused = [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        "Content-Length: 5, 6\r\n\r\n12345",
        "Content-Length: +5\r\n\r\n12345",
        "Content-Length: -1\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Host: other.apps.localhost\r\n\r\n",
        "X: a\r\n folded: b\r\n\r\n",
        "X\0: a\r\n\r\n",
        "X: a\0b\r\n\r\n",
    ];
    for rest in refused {
        let answer = house.raw(format!("POST / HTTP/1.1\r\nHost: spy.apps.localhost\r\n{rest}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{rest:?}: {answer}");
    }
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@spy.apps.localhost\r\n\r\n",
    ] {
        let answer = house.raw(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    // Both framings: chunked counts (RFC 9112 6.3), the length does not travel on, the connection is closed, and what
    // follows the body is never read as a request.
    let both = "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: spy.apps.localhost\r\n\r\n";
    let both_turned = both.replacen(
        "Content-Length: 60\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 60",
        1,
    );
    for rest in [both, &both_turned] {
        let answer = house.raw(format!("POST / HTTP/1.1\r\nHost: spy.apps.localhost\r\n{rest}").as_bytes()).await;
        assert!(!answer.contains("content-length: 60") && !answer.contains("hidden"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    // A line end in a value that arrives by HTTP/2 would become a header by HTTP/1.1; hyper's types cannot hold one.
    assert!(http::HeaderValue::from_str("a\r\nx-evil: 1").is_err());
    // The request line's host counts, and it is what the application reads.
    let absolute =
        "GET http://spy.apps.localhost/p HTTP/1.1\r\nHost: other.apps.localhost\r\nConnection: close\r\n\r\n";
    let answer = house.raw(absolute.as_bytes()).await;
    assert!(answer.contains("get /p http/1.1|host: spy.apps.localhost|"), "{answer}");
    let connect = house.raw(b"CONNECT spy.apps.localhost:80 HTTP/1.1\r\nHost: spy.apps.localhost\r\n\r\n").await;
    assert!(connect.starts_with("HTTP/1.1 405 "), "{connect}");
}

#[tokio::test]
async fn http_1_0_is_served() {
    let house = House::new().await;
    house.set(route("a.apps.localhost", "", vec![backend("a", 0, named("old").await)])).await;
    let answer = house.raw(b"GET / HTTP/1.0\r\nHost: a.apps.localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("old"), "{answer}");
    let answer = house.raw(b"GET /check HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains("control /check"), "{answer}");
    let mut idle = TcpStream::connect(house.address).await.unwrap();
    idle.shutdown().await.unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
}
