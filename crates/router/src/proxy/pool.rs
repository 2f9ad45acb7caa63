//! Connections to backends, of one thread.
//!
//! A connection serves one request at a time (HTTP/1.1) or many (HTTP/2). It comes back when the answer has been read to
//! its end and the request written to its end, never otherwise. The newest is taken first, so that surplus ones grow old
//! and are closed.

use super::body::Outgoing;
use super::half_closed::HalfClosed;
use super::http1::{Connection, Stream};
use crate::Protocol;
use crate::index::{Address, Endpoint};
use crate::worker::{LocalExecutor, Worker};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// Idle connections kept per endpoint and thread.
const IDLE_PER_ENDPOINT: usize = 128;

/// A request that must not be sent twice goes over a connection that was in use this recently, or over a new one: a
/// backend that closes idle connections does so after seconds, and then nobody could tell whether the request was taken.
const SURELY_ALIVE: Duration = Duration::from_millis(500);

/// Between two looks whether an instance that takes no connection is gone.
const RETIRED_LOOK: Duration = Duration::from_millis(100);

/// A connection in use. `reused`: it served a request before.
pub(crate) enum Lease {
    Http1 { connection: Box<Connection>, reused: bool },
    Http2 { sender: http2::SendRequest<Outgoing>, reused: bool },
}

struct Idle {
    connection: Box<Connection>,
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
    kept: RefCell<HashMap<u64, Kept, BuildHasherDefault<Spread>>>,
}

impl Pool {
    /// A connection to `endpoint`, a waiting one if there is one. `once`: for a request that must not be sent twice.
    pub(crate) async fn lease(&self, worker: &Worker, endpoint: &Arc<Endpoint>, once: bool) -> io::Result<Lease> {
        match endpoint.protocol() {
            Protocol::Http1 => {
                if let Some(connection) = self.waiting(endpoint, once) {
                    return Ok(Lease::Http1 { connection, reused: true });
                }
            }
            Protocol::Http2 => {
                let shared = self.kept.borrow().get(&endpoint.id).and_then(|kept| kept.shared.clone());
                if let Some(mut sender) = shared.filter(|sender| !sender.is_closed())
                    && sender.ready().await.is_ok()
                {
                    return Ok(Lease::Http2 { sender, reused: true });
                }
            }
        }
        // On the heap: rare, and large.
        Box::pin(self.fresh(worker, endpoint)).await
    }

    fn waiting(&self, endpoint: &Arc<Endpoint>, once: bool) -> Option<Box<Connection>> {
        let mut kept = self.kept.borrow_mut();
        let idle = &mut kept.get_mut(&endpoint.id)?.idle;
        while let Some(newest) = idle.last() {
            if once && newest.since.elapsed() > SURELY_ALIVE {
                return None;
            }
            let connection = idle.pop()?.connection;
            if connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }

    /// A new connection.
    pub(crate) async fn fresh(&self, worker: &Worker, endpoint: &Arc<Endpoint>) -> io::Result<Lease> {
        let connect = async {
            let stream = match &endpoint.address {
                Address::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    Stream::Tcp(stream)
                }
                Address::Unix(path) => Stream::Unix(UnixStream::connect(path).await?),
            };
            match endpoint.protocol() {
                Protocol::Http1 => {
                    let connection = Box::new(Connection::new(stream, worker.pulse()));
                    Ok(Lease::Http1 { connection, reused: false })
                }
                Protocol::Http2 => self.shared(stream, endpoint).await,
            }
        };
        let limit = worker.shared.timeouts.connect;
        tokio::select! {
            biased;
            made = timeout(limit, connect) => made.unwrap_or_else(|_| {
                let words = format!("not made within {} ms", limit.as_millis());
                Err(io::Error::new(io::ErrorKind::TimedOut, words))
            }),
            () = retired(endpoint) => {
                Err(io::Error::new(io::ErrorKind::NotConnected, "it has ended and no other serves in its place yet"))
            }
        }
    }

    /// A connection that serves many requests at a time.
    async fn shared(&self, stream: Stream, endpoint: &Arc<Endpoint>) -> io::Result<Lease> {
        let mut http = http2::Builder::new(LocalExecutor);
        http.timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(20));
        let io = TokioIo::new(HalfClosed::new(stream));
        let (sender, connection) = http.handshake(io).await.map_err(io::Error::other)?;
        tokio::task::spawn_local(async move {
            // Whoever waits for an answer learns of it, too.
            if let Err(error) = connection.await {
                tracing::trace!(%error, "backend connection");
            }
        });
        self.of(endpoint, |kept| kept.shared = Some(sender.clone()));
        Ok(Lease::Http2 { sender, reused: false })
    }

    /// Takes a connection back whose request and answer are complete.
    pub(crate) fn give_back(&self, endpoint: &Arc<Endpoint>, connection: Box<Connection>, now: Instant) {
        if connection.is_usable() && !endpoint.is_retired() {
            self.of(endpoint, |kept| {
                if kept.idle.len() < IDLE_PER_ENDPOINT {
                    kept.idle.push(Idle { connection, since: now });
                }
            });
        }
    }

    fn of(&self, endpoint: &Arc<Endpoint>, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept.borrow_mut();
        let fresh = || Kept { endpoint: Arc::clone(endpoint), idle: Vec::new(), shared: None };
        change(kept.entry(endpoint.id).or_insert_with(fresh));
    }

    /// Closes what has been idle for `limit` or closed by the other side, and everything of endpoints that no table names
    /// any more.
    pub(crate) fn sweep(&self, limit: Duration) {
        self.kept.borrow_mut().retain(|_, kept| {
            kept.idle.retain(|idle| idle.since.elapsed() < limit && idle.connection.is_usable());
            kept.shared.take_if(|sender| sender.is_closed());
            !kept.endpoint.is_retired() && (!kept.idle.is_empty() || kept.shared.is_some())
        });
    }

    /// Closes all idle connections.
    pub(crate) fn clear(&self) {
        self.kept.borrow_mut().clear();
    }
}

/// Returns once no table names the endpoint any more. Its address answers nobody then, not even with a refusal, so whoever
/// still waits for it would wait to the limit. An instance that is only slow stays in the table and is waited for.
async fn retired(endpoint: &Endpoint) {
    loop {
        tokio::time::sleep(RETIRED_LOOK).await;
        if endpoint.is_retired() {
            return;
        }
    }
}

/// Hashes the ids of endpoints, which are small numbers that nobody outside chooses.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        // By the golden ratio, so that neighbours land far from each other, in the bits that are looked at.
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15).swap_bytes();
    }
}
