//! One client's connection: which HTTP it speaks, its deadlines, its end.

use super::watch::{Watch, watched};
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
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// How an HTTP/2 connection begins (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The number of header lines that hyper allows by itself.
const HYPERS_MAX_HEADERS: usize = 100;

/// Requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 250;

/// Who is at the other end. Lives as long as the connection, a tunnel included, and is counted so long.
pub(crate) struct Client {
    /// Its address, as headers say it.
    pub(crate) address: HeaderValue,
    /// The same with its port, as logs say it.
    pub(crate) peer: Box<str>,
    /// Is it a proxy whose words are believed?
    pub(crate) trusted: bool,
    /// Does it speak TLS?
    pub(crate) secure: bool,
    /// `None` for HTTP/2, where requests overlap and pings tell who is there.
    watch: Option<Arc<Watch>>,
    _open: Open,
}

impl Client {
    fn new(open: Open, peer: SocketAddr, watch: Option<Arc<Watch>>) -> Rc<Self> {
        let address = peer.ip().to_canonical();
        Rc::new(Self {
            address: HeaderValue::from_str(&address.to_string()).expect("an address is visible ASCII"),
            peer: peer.to_string().into(),
            trusted: open.worker.shared.trusted.iter().any(|network| network.contains(address)),
            secure: false,
            watch,
            _open: open,
        })
    }

    /// A request begins.
    pub(crate) fn busy(&self) {
        self.watch.iter().for_each(|watch| watch.busy());
    }

    /// Its answer is over.
    pub(crate) fn rest(&self) {
        self.watch.iter().for_each(|watch| watch.rest());
    }
}

/// Holds a connection's place among those counted. The count was made when it was accepted.
struct Open {
    worker: Rc<Worker>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.counters().connections.fetch_sub(1, Relaxed);
        self.worker.closed.notify_one();
    }
}

/// Serves `stream` in a task of its own. It is counted already.
pub(crate) fn begin(worker: &Rc<Worker>, stream: io::Result<TcpStream>, peer: SocketAddr) {
    let open = Open { worker: Rc::clone(worker) };
    let Ok(stream) = stream else { return };
    let watch = worker.watched.borrow_mut().add();
    tokio::task::spawn_local(async move {
        // Answers go out at once; a peer that is gone already shows at the first read.
        let _ = stream.set_nodelay(true);
        if let Err(error) = serve(open, stream, peer, watch).await {
            // A client's doing, mostly; never worth a line in the platform's log.
            tracing::debug!(%peer, error = &*error, "connection ended");
        }
    });
}

async fn serve(
    open: Open,
    mut stream: TcpStream,
    peer: SocketAddr,
    watch: Arc<Watch>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let worker = Rc::clone(&open.worker);
    let shared = &worker.shared;
    let start = match watched(&watch, first_bytes(&mut stream), |_| {}).await {
        Some(start) => start?,
        None => return Ok(()),
    };
    if start.is_empty() {
        return Ok(());
    }
    let second = start.starts_with(PREFACE);
    if second {
        // Its deadlines are those of its requests and of its pings.
        watch.busy();
    }
    let client = Client::new(open, peer, (!second).then(|| Arc::clone(&watch)));
    let limit = shared.timeouts.client_idle;
    let io = TokioIo::new(ClientIo { stream, start, watch: Arc::clone(&watch), stall: None, limit });
    let service = {
        let worker = Rc::clone(&worker);
        service_fn(move |request| proxy::handle(&worker, &client, request))
    };
    let ended = if second {
        let mut http = http2::Builder::new(LocalExecutor);
        http.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(shared.max_header_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        watched(&watch, http.serve_connection(io, service), |connection| connection.graceful_shutdown()).await
    } else {
        let mut http = http1::Builder::new();
        http.max_header_size(shared.max_header_bytes).max_buf_size(shared.max_header_bytes.max(8192));
        // Deadlines are the watch's; hyper's own would set a timer for each request.
        http.header_read_timeout(None);
        if shared.max_headers != HYPERS_MAX_HEADERS {
            // A number of our own makes hyper prepare so many places for each request.
            http.max_headers(shared.max_headers);
        }
        let connection = http.serve_connection(io, service).with_upgrades();
        watched(&watch, connection, |connection| connection.graceful_shutdown()).await
    };
    Ok(ended.transpose().map(|_| ())?)
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
    watch: Arc<Watch>,
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
        self.watch.bytes_came();
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
