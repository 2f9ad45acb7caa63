//! One client's connection: which HTTP it speaks, its deadlines, its end.

use super::clock::{HeadTimer, Meter};
use super::{LocalExecutor, Worker};
use crate::proxy;
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, timeout};

/// How an HTTP/2 connection begins (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 250;

/// Who is at the other end. Lives as long as the connection, a tunnel included, and is counted so long.
pub(crate) struct Client {
    pub(crate) peer: SocketAddr,
    /// Its address, as headers say it.
    pub(crate) address: HeaderValue,
    /// Is it a proxy whose words are believed?
    pub(crate) trusted: bool,
    /// Does it speak TLS?
    pub(crate) secure: bool,
    worker: Rc<Worker>,
}

impl Client {
    fn new(worker: &Rc<Worker>, peer: SocketAddr) -> Rc<Self> {
        worker.counters().connections.fetch_add(1, Relaxed);
        let address = peer.ip().to_canonical();
        Rc::new(Self {
            peer,
            address: HeaderValue::from_str(&address.to_string()).expect("an address is visible ASCII"),
            trusted: worker.shared.trusted.iter().any(|network| network.contains(address)),
            secure: false,
            worker: Rc::clone(worker),
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.counters().connections.fetch_sub(1, Relaxed);
        self.worker.closed.notify_one();
    }
}

/// Serves `stream` in a task of its own.
pub(crate) fn begin(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr) {
    let client = Client::new(worker, peer);
    let worker = Rc::clone(worker);
    tokio::task::spawn_local(async move {
        // Answers go out at once; a peer that is gone already shows at the first read.
        let _ = stream.set_nodelay(true);
        if let Err(error) = serve(&worker, client, stream).await {
            // A client's doing, mostly; never worth a line in the platform's log.
            tracing::debug!(%peer, error = &*error, "connection ended");
        }
    });
}

async fn serve(
    worker: &Rc<Worker>,
    client: Rc<Client>,
    mut stream: TcpStream,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let timeouts = &worker.shared.timeouts;
    let mut drain = worker.shared.drain.clone();
    let start = tokio::select! {
        start = timeout(timeouts.head, first_bytes(&mut stream)) => start??,
        _ = drain.wait_for(|drain| *drain) => return Ok(()),
    };
    if start.is_empty() {
        return Ok(());
    }
    let second = start.starts_with(PREFACE);
    let meter = Meter::new();
    let io =
        TokioIo::new(ClientIo { stream, start, meter: Arc::clone(&meter), stall: None, limit: timeouts.client_idle });
    let service = {
        let worker = Rc::clone(worker);
        service_fn(move |request| proxy::handle(Rc::clone(&worker), Rc::clone(&client), request))
    };
    let shared = &worker.shared;
    if second {
        let mut http = http2::Builder::new(LocalExecutor);
        http.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(shared.max_header_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        let mut connection = pin!(http.serve_connection(io, service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return Ok(ended?),
            _ = drain.wait_for(|drain| *drain) => connection.as_mut().graceful_shutdown(),
        }
        return Ok(connection.await?);
    }
    let mut http = http1::Builder::new();
    http.timer(HeadTimer::new(meter, timeouts))
        .header_read_timeout(timeouts.head)
        .max_headers(shared.max_headers)
        .max_header_size(shared.max_header_bytes)
        .max_buf_size(shared.max_header_bytes.max(8192));
    let mut connection = pin!(http.serve_connection(io, service).with_upgrades());
    tokio::select! {
        biased;
        ended = connection.as_mut() => return Ok(ended?),
        _ = drain.wait_for(|drain| *drain) => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

/// Enough to tell HTTP/2 from HTTP/1.1. Empty when the client closed without a word.
async fn first_bytes(stream: &mut TcpStream) -> io::Result<Bytes> {
    let mut start = BytesMut::with_capacity(1024);
    loop {
        let read = stream.read_buf(&mut start).await?;
        let undecided = start.len() < PREFACE.len() && PREFACE.starts_with(&start);
        if read == 0 || !undecided {
            return Ok(start.freeze());
        }
    }
}

/// The client's socket: gives back first what was read already, notes that bytes came, and ends a client that takes
/// nothing of its answer.
struct ClientIo {
    stream: TcpStream,
    start: Bytes,
    meter: Arc<Meter>,
    stall: Option<Pin<Box<Sleep>>>,
    limit: Duration,
}

impl ClientIo {
    fn written<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stall = None;
            return result;
        }
        ready!(self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.start.is_empty() {
            let length = self.start.len().min(buffer.remaining());
            buffer.put_slice(&self.start[..length]);
            self.start.advance(length);
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.meter.bytes_came();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
