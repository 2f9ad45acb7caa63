//! Connections to backends, of one thread.
//!
//! A connection serves one request at a time (HTTP/1.1) or many (HTTP/2). It comes back when the answer has been read to
//! its end and the request written to its end, never otherwise. The newest is taken first, so that surplus ones grow old
//! and are closed.

use super::body::Outgoing;
use super::half_closed::HalfClosed;
use crate::Protocol;
use crate::index::{Address, Endpoint};
use crate::worker::LocalExecutor;
use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// Idle connections kept per endpoint and thread.
const IDLE_PER_ENDPOINT: usize = 128;

/// A request that must not be sent twice goes over a connection that was in use this recently, or over a new one: a
/// backend that closes idle connections does so after seconds, and then nobody could tell whether the request was taken.
const SURELY_ALIVE: Duration = Duration::from_millis(500);

/// One way to send a request.
pub(crate) enum Sender {
    Http1(http1::SendRequest<Outgoing>),
    Http2(http2::SendRequest<Outgoing>),
}

/// A connection in use.
pub(crate) struct Lease {
    pub(crate) sender: Sender,
    /// It served a request before.
    pub(crate) reused: bool,
}

impl Lease {
    /// Begins to send at once, so that the request is moved once only; the future is the answer.
    pub(crate) fn send(&mut self, request: Request<Outgoing>) -> impl Future<Output = Sent> + use<> {
        match &mut self.sender {
            Sender::Http1(sender) => Either::Left(sender.try_send_request(request)),
            Sender::Http2(sender) => Either::Right(sender.try_send_request(request)),
        }
    }
}

/// What comes of sending.
type Sent = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>;

struct Idle {
    sender: http1::SendRequest<Outgoing>,
    since: Instant,
}

/// The connections of one endpoint.
struct Kept {
    endpoint: Arc<Endpoint>,
    idle: Vec<Idle>,
    shared: Option<http2::SendRequest<Outgoing>>,
}

/// The connections of one thread.
#[derive(Default)]
pub(crate) struct Pool {
    kept: RefCell<HashMap<u64, Kept>>,
}

impl Pool {
    /// A connection to `endpoint`, a waiting one if there is one. `once`: for a request that must not be sent twice.
    pub(crate) async fn lease(&self, endpoint: &Arc<Endpoint>, once: bool, limit: Duration) -> io::Result<Lease> {
        match endpoint.protocol() {
            Protocol::Http1 => {
                while let Some(mut sender) = self.waiting(endpoint, once) {
                    // Its task may not have run since the last answer; a closed one says so here.
                    if sender.is_ready() || sender.ready().await.is_ok() {
                        return Ok(Lease { sender: Sender::Http1(sender), reused: true });
                    }
                }
                // On the heap: rare, and large.
                Box::pin(self.fresh(endpoint, limit)).await
            }
            Protocol::Http2 => {
                let shared = self.kept.borrow().get(&endpoint.id).and_then(|kept| kept.shared.clone());
                if let Some(mut sender) = shared.filter(|sender| !sender.is_closed())
                    && sender.ready().await.is_ok()
                {
                    return Ok(Lease { sender: Sender::Http2(sender), reused: true });
                }
                // On the heap: rare, and large.
                Box::pin(self.fresh(endpoint, limit)).await
            }
        }
    }

    fn waiting(&self, endpoint: &Arc<Endpoint>, once: bool) -> Option<http1::SendRequest<Outgoing>> {
        let mut kept = self.kept.borrow_mut();
        let idle = &mut kept.get_mut(&endpoint.id)?.idle;
        while let Some(newest) = idle.last() {
            if once && newest.since.elapsed() > SURELY_ALIVE {
                return None;
            }
            let sender = idle.pop()?.sender;
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    /// A new connection.
    pub(crate) async fn fresh(&self, endpoint: &Arc<Endpoint>, limit: Duration) -> io::Result<Lease> {
        let connect = async {
            match &endpoint.address {
                Address::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    self.handshake(stream, endpoint).await
                }
                Address::Unix(path) => self.handshake(UnixStream::connect(path).await?, endpoint).await,
            }
        };
        let sender = timeout(limit, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(Lease { sender, reused: false })
    }

    async fn handshake<S>(&self, stream: S, endpoint: &Arc<Endpoint>) -> io::Result<Sender>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(HalfClosed::new(stream));
        match endpoint.protocol() {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
                tokio::task::spawn_local(async move {
                    // Whoever waits for an answer learns of it, too.
                    if let Err(error) = connection.with_upgrades().await {
                        tracing::trace!(%error, "backend connection");
                    }
                });
                Ok(Sender::Http1(sender))
            }
            Protocol::Http2 => {
                let mut http = http2::Builder::new(LocalExecutor);
                http.timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(20));
                let (sender, connection) = http.handshake(io).await.map_err(io::Error::other)?;
                tokio::task::spawn_local(async move {
                    if let Err(error) = connection.await {
                        tracing::trace!(%error, "backend connection");
                    }
                });
                self.of(endpoint, |kept| kept.shared = Some(sender.clone()));
                Ok(Sender::Http2(sender))
            }
        }
    }

    /// Takes a connection back whose request and answer are complete.
    pub(crate) fn give_back(&self, endpoint: &Arc<Endpoint>, sender: Sender, now: Instant) {
        if let Sender::Http1(sender) = sender
            && !sender.is_closed()
            && !endpoint.is_retired()
        {
            self.of(endpoint, |kept| {
                if kept.idle.len() < IDLE_PER_ENDPOINT {
                    kept.idle.push(Idle { sender, since: now });
                }
            });
        }
    }

    fn of(&self, endpoint: &Arc<Endpoint>, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept.borrow_mut();
        let fresh = || Kept { endpoint: Arc::clone(endpoint), idle: Vec::new(), shared: None };
        change(kept.entry(endpoint.id).or_insert_with(fresh));
    }

    /// Closes what has been idle for `limit`, and everything of endpoints that no table names any more.
    pub(crate) fn sweep(&self, limit: Duration) {
        self.kept.borrow_mut().retain(|_, kept| {
            // The oldest come first.
            let old = kept.idle.partition_point(|idle| idle.since.elapsed() >= limit);
            kept.idle.drain(..old);
            kept.shared.take_if(|sender| sender.is_closed());
            !kept.endpoint.is_retired() && (!kept.idle.is_empty() || kept.shared.is_some())
        });
    }

    /// Closes all idle connections.
    pub(crate) fn clear(&self) {
        self.kept.borrow_mut().clear();
    }
}
