//! A connection to a backend: its socket, what has been read and not used, what is to be written.

use crate::proxy::half_closed::HalfClosed;
use crate::worker::Pulse;
use bytes::{Buf, Bytes, BytesMut};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// What is read at once, at first; more while bytes come in such pieces.
const PIECE: usize = 8 * 1024;
const LARGEST_PIECE: usize = 128 * 1024;

/// A buffer for writing that has grown beyond this is given up when the connection rests.
const KEPT_OUTPUT: usize = 16 * 1024;

/// Where a backend listens decides.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Has the other side closed it, or said something that nobody asked for? Looks only at what has been noticed already.
    fn is_disturbed(&self) -> bool {
        let mut byte = [0];
        let read = match self {
            Self::Tcp(stream) => stream.try_read(&mut byte),
            Self::Unix(stream) => stream.try_read(&mut byte),
        };
        !matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// A connection that serves one exchange after the other.
pub(crate) struct Connection {
    stream: HalfClosed<Stream>,
    /// Came, and is not used yet.
    pub(super) input: BytesMut,
    piece: usize,
    /// To be written: heads and framing first, then `data`, then `tail`.
    pub(super) output: Vec<u8>,
    written: usize,
    data: Bytes,
    tail: &'static [u8],
    /// Bytes that went out since the exchange began.
    pub(super) delivered: u64,
    pub(super) pulse: Rc<Pulse>,
}

impl Connection {
    pub(crate) fn new(stream: Stream, pulse: Rc<Pulse>) -> Self {
        Self {
            stream: HalfClosed::new(stream),
            input: BytesMut::new(),
            piece: PIECE,
            output: Vec::new(),
            written: 0,
            data: Bytes::new(),
            tail: &[],
            delivered: 0,
            pulse,
        }
    }

    /// Can another exchange begin?
    pub(crate) fn is_usable(&self) -> bool {
        self.input.is_empty() && !self.stream.is_deaf() && !self.stream.inner().is_disturbed()
    }

    /// An exchange is over.
    pub(super) fn rest(&mut self) {
        self.pulse.rest();
        self.output.clear();
        self.output.shrink_to(KEPT_OUTPUT);
        self.piece = PIECE;
        if self.input.capacity() > 2 * PIECE {
            self.input = BytesMut::new();
        }
    }

    /// Nobody reads any more what is written.
    pub(super) fn is_deaf(&self) -> bool {
        self.stream.is_deaf()
    }

    /// Puts `data` behind what is to be written, and `tail` behind that. All before must have been written.
    pub(super) fn write(&mut self, data: Bytes, tail: &'static [u8]) {
        (self.data, self.tail) = (data, tail);
    }

    /// Writes what is to be written; ready when nothing is left.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.output.len() || !self.data.is_empty() || !self.tail.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let written = if self.data.is_empty() && self.tail.is_empty() {
                ready!(stream.poll_write(cx, &self.output[self.written..]))?
            } else {
                let slices = [&self.output[self.written..], &self.data, self.tail].map(io::IoSlice::new);
                ready!(stream.poll_write_vectored(cx, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if !self.stream.is_deaf() {
                self.delivered += written as u64;
            }
            self.pulse.moved();
            self.advance(written);
        }
        self.output.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        let first = written.min(self.output.len() - self.written);
        let second = (written - first).min(self.data.len());
        self.written += first;
        self.data.advance(second);
        self.tail = &self.tail[written - first - second..];
    }

    /// Reads what is there into `input`; nought bytes are the end. While nothing is, the pulse is watched.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < self.piece / 4 {
            self.input.reserve(self.piece);
        }
        let room = self.input.capacity() - self.input.len();
        let Poll::Ready(read) = pin!(self.stream.read_buf(&mut self.input)).poll(cx) else {
            return match self.pulse.wait(cx) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            };
        };
        self.pulse.rest();
        if matches!(read, Ok(read) if read == room) {
            self.piece = (self.piece * 2).min(LARGEST_PIECE);
        }
        Poll::Ready(read)
    }

    /// The socket, and what came over it after the last answer.
    pub(super) fn into_parts(self) -> (HalfClosed<Stream>, Bytes) {
        (self.stream, self.input.freeze())
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Sockets have nothing to flush.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
