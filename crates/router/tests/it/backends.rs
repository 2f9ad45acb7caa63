//! How applications may answer by HTTP/1.1, and what becomes of their connections.

use super::house::*;
use http::{Method, Request};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// An application that says `answer` in pieces of `step` bytes to each request, and goes on with the connection or closes
/// it; and how many connections it had.
async fn says(answer: &'static str, step: usize, goes_on: bool) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let connections = Arc::clone(&count);
    let address = raw_app(move |mut stream| {
        connections.fetch_add(1, SeqCst);
        async move {
            stream.set_nodelay(true).unwrap();
            while !read_head(&mut stream).await.is_empty() {
                for piece in answer.as_bytes().chunks(step) {
                    // The router may have heard enough.
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                if !goes_on {
                    return;
                }
            }
        }
    })
    .await;
    (address, count)
}

/// What two requests got, and whether they went over one connection.
async fn twice(answer: &'static str, step: usize, goes_on: bool, method: Method) -> (String, bool) {
    let house = House::with(|options| options.workers = 1).await;
    let (address, count) = says(answer, step, goes_on).await;
    house.set(route("b.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let mut got = Vec::new();
    for _ in 0..2 {
        let request = Request::builder().method(method.clone()).uri("/").header("host", "b.apps.localhost");
        let answer = match house.try_send(request.body(text("")).unwrap()).await {
            Ok(response) => {
                let status = response.status().as_u16();
                response.into_body().collect().await.map(|body| (status, body.to_bytes()))
            }
            Err(error) => Err(error),
        };
        got.push(match answer {
            Ok((status, body)) => {
                format!("{status} {}", String::from_utf8_lossy(&body).lines().next().unwrap_or_default())
            }
            Err(_) => "broken off".to_owned(),
        });
    }
    assert_eq!(got[0], got[1], "{answer:?}");
    (got.remove(0), count.load(SeqCst) == 1)
}

#[tokio::test]
async fn answers_are_read_to_their_end_and_no_further() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, Method::GET, "200 hello", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            true,
            Method::GET,
            "200 hello",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
            true,
            Method::POST,
            "200 hello",
            true,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
            true,
            Method::POST,
            "201 ok",
            true,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", true, Method::DELETE, "204 ", true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true, Method::GET, "304 ", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Method::HEAD, "200 ", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, Method::GET, "200 ", true),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
            true,
            Method::GET,
            "200 hello",
            true,
        ),
        // From here on each request needs a connection of its own.
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, Method::GET, "200 hello", false),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
            true,
            Method::GET,
            "200 hello",
            false,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", false, Method::GET, "200 hello", false),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            true,
            Method::GET,
            "200 hello",
            false,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", false, Method::GET, "broken off", false),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            false,
            Method::GET,
            "broken off",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
            true,
            Method::GET,
            "broken off",
            false,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", true, Method::GET, "broken off", false),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            true,
            Method::POST,
            "502 502 Bad Gateway: Registered endpoint failed to handle the request. Application a, instance 0: its answer is no \
             HTTP (it has two different Content-Lengths).",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-",
            false,
            Method::POST,
            "502 502 Bad Gateway: Registered endpoint failed to handle the request. Application a, instance 0: it closed the \
             connection without an answer.",
            false,
        ),
    ];
    for (answer, goes_on, method, wanted, kept) in cases {
        for step in [1, 7, 10_000] {
            if answer.ends_with("evil") && step < answer.len() {
                // What comes later than its answer's end may be too late to be seen.
                continue;
            }
            let (got, reused) = twice(answer, step, goes_on, method.clone()).await;
            assert_eq!((got.as_str(), reused), (wanted, kept), "{answer:?} by {step}");
        }
    }
}

#[tokio::test]
async fn what_speaks_no_http_and_waits_is_found_out_at_once() {
    let house = House::new().await;
    let address = raw_app(|mut stream| async move {
        stream.write_all(b"220 mail.example.com ESMTP\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        std::future::pending::<()>().await;
    })
    .await;
    house.set(route("mail.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let answer = tokio::time::timeout(Duration::from_secs(10), house.get("mail.apps.localhost", "/")).await.unwrap();
    assert_eq!(answer.0, 502);
    assert!(answer.2.contains("its answer is no HTTP"), "{}", answer.2);
}

#[tokio::test]
async fn an_application_that_answers_first_still_gets_the_whole_upload() {
    let house = House::new().await;
    let (sum, mut sums) = tokio::sync::mpsc::channel(1);
    let address = raw_app(move |mut stream| {
        let sum = sum.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nlater").await.unwrap();
            let (mut read, mut piece) = (0, vec![0; 65_536]);
            while read < 8 << 20 {
                match stream.read(&mut piece).await {
                    Ok(more @ 1..) => read += more,
                    _ => break,
                }
            }
            sum.send(read).await.unwrap();
        }
    })
    .await;
    house.set(route("first.apps.localhost", "", vec![backend("a", 0, address)])).await;
    let request = Request::post("/").header("host", "first.apps.localhost").body(text(vec![1; 8 << 20])).unwrap();
    let (status, _, body) = whole(house.send(request).await).await;
    assert_eq!((status, body.as_str()), (202, "later"));
    let read = tokio::time::timeout(Duration::from_secs(10), sums.recv()).await.unwrap().unwrap();
    assert_eq!(read, 8 << 20);
}
