//! One request and its answer over a connection. Sending and receiving go on side by side: an answer may come before the
//! request has been sent to its end, and the rest of the request is sent all the same.

use super::connection::{Connection, Stream};
use super::request::{announced, write_end, write_head, write_size};
use super::response::{Framing, Head, LONGEST_HEAD, take_head};
use crate::proxy::body::{BodyError, Outgoing};
use crate::proxy::half_closed::HalfClosed;
use crate::proxy::head::{Length, Told};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Method};
use http_body::{Body, Frame, SizeHint};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Why there is no answer, or not all of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// Nothing moved for too long.
    #[error("nothing came for too long")]
    Late,
    #[error("it closed the connection without an answer")]
    Closed,
    #[error("it closed the connection in the middle of its answer")]
    Cut,
    #[error("its answer is no HTTP ({0})")]
    NotHttp(String),
    #[error("its connection broke: {0}")]
    Io(#[source] io::Error),
    /// The client's side failed.
    #[error("the request's body broke off: {0}")]
    Upload(BodyError),
}

/// What is left to send.
enum Sending {
    Body {
        body: Outgoing,
        chunked: bool,
        announced: Vec<HeaderName>,
    },
    /// Nothing that has not been given to the connection.
    Last,
    Done,
}

/// A request under way.
pub(crate) struct Exchange {
    connection: Box<Connection>,
    sending: Sending,
    method: Method,
    /// Of the answer; nought before its head has come.
    framing: Framing,
    keep: bool,
    /// So much of the input is known to hold no whole head.
    searched: usize,
}

impl Exchange {
    /// Begins to send over `connection`; nothing happens before the first poll.
    pub(crate) fn new(mut connection: Box<Connection>, head: &Parts, told: &Told<'_>, body: Outgoing) -> Self {
        write_head(head, told, &mut connection.output);
        connection.delivered = 0;
        let chunked = told.length == Length::Unknown;
        let sending = match body {
            Outgoing::Empty => Sending::Last,
            body => {
                let announced = if chunked { announced(&head.headers) } else { Vec::new() };
                Sending::Body { body, chunked, announced }
            }
        };
        let method = head.method.clone();
        Self { connection, sending, method, framing: Framing::Length(0), keep: false, searched: 0 }
    }

    /// Sends, and waits for the answer's head.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Broken>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            match ready!(self.connection.poll_fill(cx)) {
                Ok(0) => return Poll::Ready(Err(Broken::Closed)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(broken(error))),
            }
            // The first bytes are looked at in any case: they show who speaks another protocol and waits. After that only
            // what can be a whole head is, or one that comes byte by byte would be read as often as it has bytes.
            let input = &self.connection.input;
            if self.searched > 0 && !may_end(&input[self.searched.saturating_sub(2)..]) && input.len() < LONGEST_HEAD {
                self.searched = input.len();
                continue;
            }
            if let Some(head) = take_head(&mut self.connection.input, &self.method).map_err(Broken::NotHttp)? {
                (self.framing, self.keep) = (head.framing, head.keep);
                return Poll::Ready(Ok(head));
            }
            self.searched = self.connection.input.len();
        }
    }

    /// Sends what can be sent; ready when all is.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            if matches!(self.sending, Sending::Done) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.connection.poll_flush(cx)).map_err(Broken::Io)?;
            let Sending::Body { body, chunked, announced } = &mut self.sending else {
                self.sending = Sending::Done;
                return Poll::Ready(Ok(()));
            };
            let output = &mut self.connection.output;
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                None => {
                    if *chunked {
                        write_end(None, announced, output);
                    }
                    self.sending = Sending::Last;
                }
                Some(Err(error)) => return Poll::Ready(Err(Broken::Upload(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    // An empty chunk would be the last.
                    Ok(data) if data.is_empty() => {}
                    Ok(data) if *chunked => {
                        write_size(&data, output);
                        self.connection.write(data, b"\r\n");
                    }
                    Ok(data) => self.connection.write(data, b""),
                    Err(frame) => {
                        if *chunked {
                            write_end(frame.trailers_ref(), announced, output);
                        }
                        self.sending = Sending::Last;
                    }
                },
            }
        }
    }

    /// The request's body, if not a byte of the request went out and nothing of the body was taken.
    pub(crate) fn unsent(self) -> Option<Outgoing> {
        match self.sending {
            _ if self.connection.delivered > 0 => None,
            Sending::Body { body, .. } => body.is_untouched().then_some(body),
            Sending::Last | Sending::Done => Some(Outgoing::Empty),
        }
    }

    /// The next piece of the answer's body.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            if let Some(piece) = self.piece().transpose() {
                return Poll::Ready(Some(piece));
            }
            if self.is_over() {
                return Poll::Ready(None);
            }
            match ready!(self.connection.poll_fill(cx)) {
                Ok(0) if self.framing == Framing::Close => {
                    self.framing = Framing::Length(0);
                    return Poll::Ready(None);
                }
                Ok(0) => return Poll::Ready(Some(Err(Broken::Cut))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(broken(error)))),
            }
        }
    }

    /// What is there of the body.
    fn piece(&mut self) -> Result<Option<Frame<Bytes>>, Broken> {
        use super::chunked::Piece;
        let input = &mut self.connection.input;
        match &mut self.framing {
            Framing::Chunked(chunked) => match chunked.next(input).map_err(|why| Broken::NotHttp(why.to_owned()))? {
                Piece::Data(data) => Ok(Some(Frame::data(data))),
                Piece::Trailers(trailers) => Ok(Some(Frame::trailers(trailers))),
                Piece::End | Piece::More => Ok(None),
            },
            Framing::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= here as u64;
                Ok((here > 0).then(|| Frame::data(input.split_to(here).freeze())))
            }
            Framing::Close => Ok((!input.is_empty()).then(|| Frame::data(input.split().freeze()))),
        }
    }

    /// The answer has been read to its end.
    pub(crate) fn is_over(&self) -> bool {
        use super::chunked::Chunked;
        matches!(self.framing, Framing::Length(0) | Framing::Chunked(Chunked::End))
    }

    /// How much of the answer is to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Length(left) => SizeHint::with_exact(left),
            Framing::Chunked(_) | Framing::Close => SizeHint::default(),
        }
    }

    /// The connection for the next request, if the answer is over and it can be used again. What is not sent of the request
    /// yet is sent in a task of its own: the backend may want it, though it has answered.
    pub(crate) fn end(mut self) -> Option<Box<Connection>> {
        match self.sending {
            Sending::Done if self.keep && !self.connection.is_deaf() => {
                self.connection.rest();
                Some(self.connection)
            }
            Sending::Done => None,
            Sending::Body { .. } | Sending::Last => {
                tokio::task::spawn_local(async move {
                    // Whatever comes of it, nobody is left to be told.
                    let _ = poll_fn(|cx| self.poll_send(cx)).await;
                });
                None
            }
        }
    }

    /// The socket after 101, and what came over it already.
    pub(crate) fn into_parts(self) -> (HalfClosed<Stream>, Bytes) {
        self.connection.into_parts()
    }
}

/// Is there an empty line?
fn may_end(bytes: &[u8]) -> bool {
    let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| &bytes[at + 1..]);
    ends.any(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

fn broken(error: io::Error) -> Broken {
    if error.kind() == io::ErrorKind::TimedOut { Broken::Late } else { Broken::Io(error) }
}
