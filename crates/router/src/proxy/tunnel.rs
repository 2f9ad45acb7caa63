//! What comes after 101: bytes both ways, until both sides have ended or neither says anything for too long.

use super::http1::Exchange;
use super::passage::Passage;
use bytes::{Buf, Bytes};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Joins client and backend in a task of its own; the passage writes its log line at the end.
pub(crate) fn join(client: OnUpgrade, backend: Exchange, mut passage: Box<Passage>) {
    let limit = passage.worker.shared.timeouts.tunnel;
    tokio::task::spawn_local(async move {
        let client = match client.await {
            Ok(client) => client,
            Err(error) => return tracing::debug!(%error, "an upgrade was not carried out"),
        };
        let traffic =
            Rc::new(Traffic { last: Cell::new(Instant::now()), from_client: Cell::new(0), to_client: Cell::new(0) });
        let mut client = Watched { inner: TokioIo::new(client), traffic: Rc::clone(&traffic) };
        let (stream, start) = backend.into_parts();
        let mut backend = Begun { start, stream };
        let mut copy = pin!(tokio::io::copy_bidirectional(&mut client, &mut backend));
        // An error is the usual end: one side goes away.
        while tokio::time::timeout_at((traffic.last.get() + limit).into(), copy.as_mut()).await.is_err() {
            if traffic.last.get().elapsed() >= limit {
                break;
            }
        }
        passage.received = traffic.from_client.get();
        passage.sent = traffic.to_client.get();
        drop(passage);
    });
}

/// The backend's side, which gives back first what came with the answer's head.
struct Begun<S> {
    start: Bytes,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.start.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let length = self.start.len().min(buffer.remaining());
        buffer.put_slice(&self.start[..length]);
        self.start.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
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
