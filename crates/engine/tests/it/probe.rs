//! Probes against real sockets, well-behaved and not.

use engine::{HealthKind, NetProber, Prober};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers every request with `answer`, and never closes.
async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            open.push(stream);
        }
    });
    address
}

async fn probe(kind: HealthKind, at: Option<SocketAddr>) -> Result<(), String> {
    NetProber.probe(&kind, at, Duration::from_millis(300)).await
}

#[tokio::test]
async fn http_is_well_at_exactly_200() {
    let http = || HealthKind::Http { endpoint: "/health?full=1".into() };
    let table = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Ok(())),
        ("HTTP/1.1 200 OK\r\n\r\nendless", Ok(())),
        ("HTTP/1.1 204 No\r\n\r\n", Err("GET /health?full=1 answered 204")),
        ("HTTP/1.1 302 Go\r\nLocation: /\r\n\r\n", Err("GET /health?full=1 answered 302")),
        ("HTTP/1.1 503 No\r\n\r\n", Err("GET /health?full=1 answered 503")),
        ("SSH-2.0-x\r\n", Err("GET /health?full=1: no HTTP answer")),
        ("", Err("GET /health?full=1 did not answer within 0.3 s")),
    ];
    for (answer, expected) in table {
        let seen = probe(http(), Some(server(answer).await)).await;
        match (&seen, expected) {
            (Ok(()), Ok(())) => {}
            (Err(seen), Err(expected)) if seen.starts_with(expected) => {}
            _ => panic!("{answer:?}: {seen:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn a_port_is_well_when_it_opens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(probe(HealthKind::Port, Some(address)).await, Ok(()));
    drop(listener);
    assert_eq!(
        probe(HealthKind::Port, Some(address)).await,
        Err(format!("nothing listens on port {}", address.port()))
    );
    assert!(probe(HealthKind::Port, None).await.is_err());
    assert_eq!(probe(HealthKind::Process, None).await, Ok(()));
}
