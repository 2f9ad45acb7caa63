//! One place to send requests to: an instance of an application, or control.

use crate::{Backend, Protocol};
use http::HeaderValue;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Where it listens.
#[derive(Debug)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// One place to send requests to, shared by all threads and by successive tables.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Unique in this process. Pools are keyed by it, never by address: an address may belong to another instance tomorrow.
    pub(crate) id: u64,
    pub(crate) address: Address,
    pub(crate) instance: Option<Instance>,
    in_flight: AtomicUsize,
    /// Milliseconds since `born`; 0 when it was never ejected.
    ejected_until: AtomicU64,
    born: Instant,
    retired: AtomicBool,
}

/// What is said of an instance in requests and logs, made once.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) backend: Backend,
    /// Its address and port, as the logs say them.
    pub(crate) address: Box<str>,
    /// Its application, as the logs name it.
    pub(crate) source: Arc<str>,
    pub(crate) app: HeaderValue,
    pub(crate) id: HeaderValue,
    pub(crate) index: HeaderValue,
}

static IDS: AtomicU64 = AtomicU64::new(0);

impl Endpoint {
    /// An instance of an application.
    pub(crate) fn instance(backend: Backend) -> Self {
        // Guids are ours and hold no control characters; were one to, the header stays empty rather than the route dead.
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        let (app, id, index) = (value(&backend.app), value(&backend.instance), HeaderValue::from(backend.index));
        let (address, source) = (backend.address.to_string().into(), backend.app.as_str().into());
        Self::new(Address::Tcp(backend.address), Some(Instance { address, source, backend, app, id, index }))
    }

    /// The control process.
    pub(crate) fn control(socket: PathBuf) -> Self {
        Self::new(Address::Unix(socket), None)
    }

    fn new(address: Address, instance: Option<Instance>) -> Self {
        Self {
            id: IDS.fetch_add(1, Relaxed),
            address,
            instance,
            in_flight: AtomicUsize::new(0),
            ejected_until: AtomicU64::new(0),
            born: Instant::now(),
            retired: AtomicBool::new(false),
        }
    }

    pub(crate) fn backend(&self) -> Option<&Backend> {
        self.instance.as_ref().map(|instance| &instance.backend)
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.backend().map_or(Protocol::Http1, |backend| backend.protocol)
    }

    pub(crate) fn weight(&self) -> u32 {
        self.backend().and_then(|backend| backend.weight).unwrap_or(1)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Leaves it out of the choice for a moment.
    pub(crate) fn eject(&self, duration: Duration) {
        self.ejected_until.store((self.born.elapsed() + duration).as_millis() as u64, Relaxed);
    }

    /// It answered: back into the choice at once.
    pub(crate) fn restore(&self) {
        if self.ejected_until.load(Relaxed) != 0 {
            self.ejected_until.store(0, Relaxed);
        }
    }

    pub(crate) fn is_ejected(&self) -> bool {
        let until = self.ejected_until.load(Relaxed);
        until != 0 && (self.born.elapsed().as_millis() as u64) < until
    }

    /// No table names it any more: its idle connections are closed; running requests end on their own.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Relaxed);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Relaxed)
    }
}

/// Counts one request on its endpoint until dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Endpoint>);

impl InFlight {
    pub(crate) fn new(endpoint: &Arc<Endpoint>) -> Self {
        endpoint.in_flight.fetch_add(1, Relaxed);
        Self(Arc::clone(endpoint))
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}
