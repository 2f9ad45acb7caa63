//! The deadline of answers, at no cost while they come.
//!
//! A connection to a backend notes that it waits, and that something moved; a sweep of all such connections, a few times a
//! second, sees for which nothing has moved for too long, and wakes whoever waits there. There is no timer to be set for an
//! answer that takes microseconds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// One connection's notes.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Grows whenever something moves.
    moves: Cell<u64>,
    /// Something is waited for.
    waits: Cell<bool>,
    late: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Pulse {
    /// Something went out or came.
    pub(crate) fn moved(&self) {
        self.moves.set(self.moves.get() + 1);
    }

    /// Nothing is waited for.
    pub(crate) fn rest(&self) {
        self.moved();
        self.waits.set(false);
        self.late.set(false);
    }

    /// Called by whoever waits; ready when nothing has moved for too long.
    pub(crate) fn wait(&self, cx: &Context<'_>) -> Poll<()> {
        if self.late.get() {
            return Poll::Ready(());
        }
        self.waits.set(true);
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// All of one thread.
#[derive(Debug, Default)]
pub(crate) struct Pulses {
    seen: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    pulse: Rc<Pulse>,
    moves: u64,
    since: Instant,
}

impl Pulses {
    /// That of a new connection.
    pub(crate) fn add(&mut self) -> Rc<Pulse> {
        let pulse = Rc::new(Pulse::default());
        self.seen.push(Seen { pulse: Rc::clone(&pulse), moves: 0, since: Instant::now() });
        pulse
    }

    /// Wakes who has waited for `limit`, and forgets who is gone.
    pub(crate) fn sweep(&mut self, limit: Duration) {
        let now = Instant::now();
        self.seen.retain_mut(|seen| {
            let moves = seen.pulse.moves.get();
            if seen.moves != moves || !seen.pulse.waits.get() {
                (seen.moves, seen.since) = (moves, now);
            } else if now.duration_since(seen.since) >= limit {
                seen.pulse.late.set(true);
                seen.pulse.waker.take().into_iter().for_each(Waker::wake);
            }
            Rc::strong_count(&seen.pulse) > 1
        });
    }
}
