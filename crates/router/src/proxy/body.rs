//! Bodies on their way, in both directions: never more than a piece of them in memory, and never without a deadline.

use super::http1::{Broken, Exchange};
use super::passage::Passage;
use crate::gateway::Fault;
use crate::worker::Client;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// What breaks a body off.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// How the client's body is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    /// All of it has come.
    Done,
    /// The client sent nothing for too long.
    Stalled,
    /// The client went away or broke the framing.
    Broken,
}

/// What the request side knows of a running upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) progress: Cell<Progress>,
    pub(crate) received: Cell<u64>,
    /// When the last piece came.
    pub(crate) touched: Cell<Instant>,
}

/// A request's body towards the backend.
pub(crate) enum Outgoing {
    Empty,
    /// Held, so that it can be sent again.
    Small(Option<Bytes>),
    /// Passed on piece by piece, as fast as the backend takes it.
    Stream {
        incoming: Incoming,
        upload: Rc<Upload>,
        stall: Stall,
    },
}

impl Outgoing {
    /// The client's body as it comes, and what is to be known of it.
    pub(crate) fn new(incoming: Incoming, now: Instant, limit: Duration) -> (Self, Option<Rc<Upload>>) {
        if incoming.is_end_stream() {
            return (Self::Empty, None);
        }
        let (progress, received, touched) = (Cell::new(Progress::Running), Cell::new(0), Cell::new(now));
        let upload = Rc::new(Upload { progress, received, touched });
        (Self::Stream { incoming, upload: Rc::clone(&upload), stall: Stall::new(limit) }, Some(upload))
    }

    /// Has nothing been taken of it yet?
    pub(crate) fn is_untouched(&self) -> bool {
        match self {
            Self::Empty | Self::Small(Some(_)) => true,
            Self::Small(None) => false,
            Self::Stream { upload, .. } => upload.received.get() == 0 && upload.progress.get() == Progress::Running,
        }
    }

    /// The same body again, if it can be had again.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Small(bytes) => Some(Self::Small(bytes.clone())),
            Self::Stream { .. } => None,
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (incoming, upload, stall) = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Small(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream { incoming, upload, stall } => (incoming, upload, stall),
        };
        let Poll::Ready(frame) = Pin::new(&mut *incoming).poll_frame(cx) else {
            ready!(stall.poll(cx));
            upload.progress.set(Progress::Stalled);
            return Poll::Ready(Some(Err("the client stopped sending the body it announced".into())));
        };
        stall.moved();
        upload.touched.set(Instant::now());
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                upload.received.set(upload.received.get() + bytes as u64);
                if incoming.is_end_stream() {
                    upload.progress.set(Progress::Done);
                }
            }
            Some(Err(_)) => upload.progress.set(Progress::Broken),
            None => upload.progress.set(Progress::Done),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty | Self::Small(None) => true,
            Self::Small(Some(_)) => false,
            Self::Stream { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Small(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Stream { incoming, .. } => incoming.size_hint(),
        }
    }
}

/// An answer's body towards the client. When it goes, the client's connection is at rest again.
pub(crate) struct Reply {
    pub(crate) content: Content,
    pub(crate) client: Option<Rc<Client>>,
}

pub(crate) enum Content {
    /// The router's own words.
    Own(Option<Bytes>),
    /// A backend's. Dropped before its end, it takes the backend's connection with it.
    Passed(Box<Passage>),
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.client.iter().for_each(|client| client.rest());
    }
}

/// The body of a backend's answer, as it comes.
pub(crate) enum Answer {
    Http1(Exchange),
    Http2 { incoming: Incoming, stall: Stall },
}

impl Answer {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        const STALLED: &str = "the application stopped in the middle of its answer";
        match self {
            Self::Http1(exchange) => exchange.poll_frame(cx).map_err(|error| match error {
                Broken::Late => STALLED.into(),
                error => error.into(),
            }),
            Self::Http2 { incoming, stall } => {
                let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
                    ready!(stall.poll(cx));
                    return Poll::Ready(Some(Err(STALLED.into())));
                };
                stall.moved();
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(exchange) => exchange.is_over(),
            Self::Http2 { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(exchange) => exchange.size_hint(),
            Self::Http2 { incoming, .. } => incoming.size_hint(),
        }
    }
}

impl Reply {
    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        Self { content: Content::Own(Some(text.into())), client: None }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let passage = match &mut self.get_mut().content {
            Content::Own(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Passed(passage) => &mut **passage,
        };
        let Some(answer) = &mut passage.answer else { return Poll::Ready(None) };
        let frame = ready!(answer.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => passage.sent += frame.data_ref().map_or(0, Bytes::len) as u64,
            Some(Err(_)) => passage.fault = Some(Fault::Broken),
            None => {}
        }
        passage.complete = frame.is_none() || answer.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(bytes) => bytes.is_none(),
            Content::Passed(passage) => passage.answer.as_ref().is_none_or(Answer::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Content::Passed(passage) => passage.answer.as_ref().map_or(SizeHint::with_exact(0), Answer::size_hint),
        }
    }
}

/// Ends what does not move. Costs nothing while everything moves: the timer is made at the first wait.
pub(crate) struct Stall {
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, sleep: None }
    }

    /// Called while waiting; ready when nothing has moved for the limit.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit))).as_mut().poll(cx)
    }

    /// Called when something moved.
    pub(crate) fn moved(&mut self) {
        self.sleep = None;
    }
}
