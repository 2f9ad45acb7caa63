//! The deadline of a request's head: one for a client that is sending it, a longer one for a kept connection at rest.
//!
//! hyper knows one deadline for both. It asks this timer for a sleep whenever it begins to wait for a head; the sleep
//! looks at what the connection has read since.

use crate::options::Timeouts;
use hyper::rt::{Sleep, Timer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What a connection has read. Atomic only because hyper wants its timers to be movable.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Bytes came since the wait for a head began.
    read: AtomicBool,
}

impl Meter {
    /// `true` at first: a new connection has to say something soon.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { read: AtomicBool::new(true) })
    }

    pub(crate) fn bytes_came(&self) {
        self.read.store(true, Relaxed);
    }
}

/// hyper's timer for one connection.
#[derive(Debug)]
pub(crate) struct HeadTimer {
    pub(crate) meter: Arc<Meter>,
    pub(crate) head: Duration,
    pub(crate) keep_alive: Duration,
    fresh: AtomicBool,
}

impl HeadTimer {
    pub(crate) fn new(meter: Arc<Meter>, timeouts: &Timeouts) -> Self {
        Self { meter, head: timeouts.head, keep_alive: timeouts.keep_alive, fresh: AtomicBool::new(true) }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        if !self.fresh.swap(false, Relaxed) {
            self.meter.read.store(false, Relaxed);
        }
        Box::pin(HeadSleep {
            meter: Arc::clone(&self.meter),
            head: self.head,
            rest: Instant::now() + self.keep_alive,
            sending: false,
            sleep: None,
        })
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(Duration::ZERO)
    }
}

struct HeadSleep {
    meter: Arc<Meter>,
    head: Duration,
    rest: Instant,
    sending: bool,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.sending && this.meter.read.load(Relaxed) {
            this.sending = true;
            this.sleep = Some(Box::pin(tokio::time::sleep(this.head)));
        }
        let rest = this.rest;
        this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(rest.into()))).as_mut().poll(cx)
    }
}
