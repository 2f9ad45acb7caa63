//! What comes after 101: bytes both ways, until both sides have ended or neither says anything for too long.

use super::finish::Finish;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Joins client and backend in a task of its own; `finish` writes the log line at the end.
pub(crate) fn join(client: OnUpgrade, backend: OnUpgrade, mut finish: Finish, limit: Duration) {
    tokio::task::spawn_local(async move {
        let (client, backend) = match tokio::try_join!(client, backend) {
            Ok(both) => both,
            Err(error) => return tracing::debug!(%error, "an upgrade was not carried out"),
        };
        let traffic =
            Rc::new(Traffic { last: Cell::new(Instant::now()), from_client: Cell::new(0), to_client: Cell::new(0) });
        let mut client = Watched { inner: TokioIo::new(client), traffic: Rc::clone(&traffic) };
        let mut backend = TokioIo::new(backend);
        let mut copy = pin!(tokio::io::copy_bidirectional(&mut client, &mut backend));
        // An error is the usual end: one side goes away.
        while tokio::time::timeout_at((traffic.last.get() + limit).into(), copy.as_mut()).await.is_err() {
            if traffic.last.get().elapsed() >= limit {
                break;
            }
        }
        finish.received(traffic.from_client.get());
        finish.sent = traffic.to_client.get();
        drop(finish);
    });
}

struct Traffic {
    last: Cell<Instant>,
    from_client: Cell<u64>,
    to_client: Cell<u64>,
}

impl Traffic {
    fn count(&self, counter: &Cell<u64>, bytes: usize) {
        counter.set(counter.get() + bytes as u64);
        self.last.set(Instant::now());
    }
}

/// The client's side, which sees every byte of both directions.
struct Watched<S> {
    inner: S,
    traffic: Rc<Traffic>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.traffic.count(&self.traffic.from_client, buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.traffic.count(&self.traffic.to_client, written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
