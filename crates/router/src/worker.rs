//! One thread of the router: its runtime, its share of the clients, its connections to backends.
//!
//! Nothing of a request crosses threads, so all of it lives in plain cells. What threads share is in [`Shared`].

mod accept;
mod connection;
mod pulse;
mod watch;

pub(crate) use accept::{Part, run};
pub(crate) use connection::Client;
pub(crate) use pulse::Pulse;

use crate::access::{Batch, Outcome};
use crate::gateway::Tickets;
use crate::index::{Endpoint, Index};
use crate::options::{Network, Timeouts};
use crate::proxy::Pool;
use crate::stats::{Counters, Stats};
use arc_swap::ArcSwap;
use pulse::Pulses;
use rand::RngExt;
use rand::rngs::SmallRng;
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Notify, watch as signal};
use watch::Watched;

/// What all threads share; read-only but for counters and the table.
pub(crate) struct Shared {
    pub(crate) index: Arc<ArcSwap<Index>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) control: Arc<Endpoint>,
    pub(crate) tickets: Tickets,
    pub(crate) timeouts: Timeouts,
    pub(crate) trusted: Vec<Network>,
    /// The default app domain with a dot before it.
    pub(crate) below_domain: String,
    pub(crate) max_connections: usize,
    pub(crate) max_header_bytes: usize,
    pub(crate) max_headers: usize,
    /// Becomes true when the router stops.
    pub(crate) drain: signal::Receiver<bool>,
}

impl Shared {
    /// Is `host` one that only an application could have?
    pub(crate) fn is_app_host(&self, host: &str) -> bool {
        host.ends_with(&self.below_domain)
    }
}

/// One thread.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    number: usize,
    log: RefCell<Batch>,
    random: RefCell<SmallRng>,
    watched: RefCell<Watched>,
    pulses: RefCell<Pulses>,
    /// Told when a client's connection ends.
    closed: Notify,
}

impl Worker {
    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.stats.workers[self.number]
    }

    /// A new request id: a random UUID. Not a secret, so a fast generator will do.
    pub(crate) fn request_id(&self) -> [u8; uuid::fmt::Hyphenated::LENGTH] {
        let id = uuid::Builder::from_random_bytes(self.random.borrow_mut().random()).into_uuid();
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        text
    }

    /// For a new connection to a backend.
    pub(crate) fn pulse(&self) -> Rc<Pulse> {
        self.pulses.borrow_mut().add()
    }

    /// Puts a line into the access log of the instance's application.
    pub(crate) fn log(&self, outcome: &Outcome<'_>) {
        self.log.borrow_mut().push(outcome);
    }
}

/// Runs hyper's own tasks on the thread they belong to.
#[derive(Clone, Copy)]
pub(crate) struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}
