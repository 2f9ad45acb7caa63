//! Deadlines and the end of connections, at no cost while all is well.
//!
//! A connection notes what it is doing as it does it; a sweep of all connections, a few times a second, sees which have
//! been doing the same for too long, and tells them so. There is no timer to be set for a request that takes microseconds.

use crate::options::Timeouts;
use futures_util::task::AtomicWaker;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::{Duration, Instant};

/// When draining, a connection that is new or at rest may still say a request within this time: it may be on its way. The
/// answer says that the connection ends, so that its client opens another (at whoever accepts now) without a loss.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// The client is expected to say something: it is new, or has begun a head.
    Head = 0,
    /// Kept alive, at rest.
    Rest = 1,
    /// A request is being served. Its deadlines are elsewhere.
    Busy = 2,
}

/// What a connection is to do. The larger number prevails.
const GO_ON: u8 = 0;
const DRAIN: u8 = 1;
const END: u8 = 2;

/// One connection's notes. Only its own thread writes; atomic because hyper wants its transports to be movable.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The phase in the lowest two bits; above them a count, so that each phase differs from the one before.
    state: AtomicU64,
    order: AtomicU8,
    waker: AtomicWaker,
}

impl Watch {
    /// Of a new connection.
    fn new(draining: bool) -> Arc<Self> {
        let order = AtomicU8::new(if draining { DRAIN } else { GO_ON });
        Arc::new(Self { state: AtomicU64::new(Phase::Head as u64), order, waker: AtomicWaker::new() })
    }

    fn enter(&self, phase: Phase) {
        let count = (self.state.load(Relaxed) >> 2) + 1;
        self.state.store(count << 2 | phase as u64, Relaxed);
    }

    /// The client said something.
    pub(crate) fn bytes_came(&self) {
        if self.rests() {
            self.enter(Phase::Head);
        }
    }

    /// A request's head is complete.
    pub(crate) fn busy(&self) {
        self.enter(Phase::Busy);
    }

    /// Its answer is over.
    pub(crate) fn rest(&self) {
        self.enter(Phase::Rest);
    }

    fn rests(&self) -> bool {
        self.state.load(Relaxed) & 3 == Phase::Rest as u64
    }

    fn order(&self, order: u8) {
        if self.order.load(Relaxed) < order {
            self.order.store(order, Relaxed);
            self.waker.wake();
        }
    }
}

/// Runs `connection` until it ends or is told to: `drain` begins its orderly end.
pub(crate) async fn watched<C: Future>(watch: &Watch, connection: C, drain: impl Fn(Pin<&mut C>)) -> Option<C::Output> {
    let mut connection = pin!(connection);
    // A task keeps its waker, so that it is registered at the first poll, and again after it has been used.
    let (mut first, mut draining) = (true, false);
    poll_fn(|cx| {
        if std::mem::take(&mut first) {
            watch.waker.register(cx.waker());
        }
        match watch.order.load(Relaxed) {
            END => return Poll::Ready(None),
            DRAIN if !draining => {
                watch.waker.register(cx.waker());
                // First what it has at hand: hyper closes a connection at once that has not begun a request.
                if let Poll::Ready(output) = connection.as_mut().poll(cx) {
                    return Poll::Ready(Some(output));
                }
                if watch.rests() {
                    return Poll::Pending;
                }
                draining = true;
                drain(connection.as_mut());
            }
            _ => {}
        }
        connection.as_mut().poll(cx).map(Some)
    })
    .await
}

/// All connections of one thread.
#[derive(Default)]
pub(crate) struct Watched {
    seen: Vec<Seen>,
    draining: bool,
}

struct Seen {
    watch: Arc<Watch>,
    state: u64,
    since: Instant,
}

impl Watched {
    /// Adds a connection.
    pub(crate) fn add(&mut self) -> Arc<Watch> {
        let watch = Watch::new(self.draining);
        self.seen.push(Seen { watch: Arc::clone(&watch), state: 0, since: Instant::now() });
        watch
    }

    /// Ends who has been in one phase for too long, and forgets who is gone.
    pub(crate) fn sweep(&mut self, timeouts: &Timeouts) {
        let now = Instant::now();
        self.seen.retain_mut(|seen| {
            let state = seen.watch.state.load(Relaxed);
            if seen.state != state {
                (seen.state, seen.since) = (state, now);
            }
            let limit = match state & 3 {
                busy if busy == Phase::Busy as u64 => Duration::MAX,
                _ if self.draining => LAST_WORDS,
                head if head == Phase::Head as u64 => timeouts.head,
                _ => timeouts.keep_alive,
            };
            if now.duration_since(seen.since) >= limit {
                seen.watch.order(END);
            }
            Arc::strong_count(&seen.watch) > 1
        });
    }

    /// Begins the end of all connections, those still to come included.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
        for seen in &mut self.seen {
            // However long it has been at rest, its last words are counted from here.
            seen.since = Instant::now();
            seen.watch.order(DRAIN);
        }
    }
}
