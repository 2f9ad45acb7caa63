//! Start, run, stop: the router's process.

use crate::access::Sink;
use crate::feed::follow::Follower;
use crate::gateway::{Reporter, Tickets};
use crate::index::{Applied, Endpoint, Index};
use crate::stats::{Stats, serve_status};
use crate::traffic::Counted;
use crate::worker::{self, Part, Shared};
use crate::{Options, RouterError};
use arc_swap::ArcSwap;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Connections that may wait to be accepted; the system may allow fewer (`net.core.somaxconn`).
const LISTEN_QUEUE: i32 = 4096;

/// A control process that runs but does not say its table is not waited for any longer.
const FIRST_TABLE: Duration = Duration::from_secs(1);

/// The router's process: serves until SIGTERM or SIGINT, then drains and returns.
///
/// Draining: the listening sockets are let go (whoever shares them goes on accepting), running requests get
/// `timeouts.drain` to end, idle connections are closed at once.
///
/// # Errors
///
/// When it cannot start, or when one of its threads panicked.
pub fn serve(options: Options) -> Result<(), RouterError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(RouterError::Threads)?;
    let router = start(options)?;
    runtime
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                // A thread that ended early must not leave a router behind that serves with the rest.
                () = router.ended() => {}
            }
            io::Result::Ok(())
        })
        .map_err(RouterError::Threads)?;
    router.stop()
}

/// A running router.
#[derive(Debug)]
pub struct Router {
    addresses: Vec<SocketAddr>,
    drain: watch::Sender<bool>,
    workers: Vec<JoinHandle<io::Result<()>>>,
    rest: Vec<JoinHandle<()>>,
    stats: Arc<Stats>,
    ended: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
}

/// Starts the router's threads; returns when it serves. Where control runs, its table is in force by then; where it does
/// not (yet), the one kept on disk.
///
/// # Errors
///
/// When sockets or threads cannot be had.
pub fn start(options: Options) -> Result<Router, RouterError> {
    let addresses = options.listeners.iter().map(|listener| listener.local_addr()).collect::<io::Result<Vec<_>>>();
    let addresses = addresses.map_err(RouterError::Listener)?;
    options.listeners.iter().try_for_each(|one| one.set_nonblocking(true)).map_err(RouterError::Listener)?;
    for listener in &options.listeners {
        // Anew, for a longer queue than the 128 that the standard library asks for: a burst of clients overruns that.
        rustix::net::listen(listener, LISTEN_QUEUE).map_err(|error| RouterError::Listener(error.into()))?;
    }
    let status = bind_status(&options.status_socket)
        .map_err(|source| RouterError::Status { path: options.status_socket.clone(), source })?;

    let workers = options.workers.max(1);
    let stats = Arc::new(Stats::new(workers));
    let index = Arc::new(ArcSwap::from_pointee(Index::empty()));
    let (drain, draining) = watch::channel(false);
    let shared = Arc::new(Shared {
        index: Arc::clone(&index),
        stats: Arc::clone(&stats),
        control: Arc::new(Endpoint::control(options.control)),
        tickets: Tickets::new(),
        timeouts: options.timeouts,
        trusted: options.trusted,
        below_domain: format!(".{}", options.domain.to_ascii_lowercase()),
        max_connections: options.max_connections.min(connections_that_fit()),
        max_header_bytes: options.max_header_bytes,
        max_headers: options.max_headers,
        drain: draining,
    });
    let mut follower = Follower {
        socket: options.table_socket,
        file: options.table_file,
        index: Arc::clone(&index),
        stats: Arc::clone(&stats),
        applied: Applied::new(),
        first: None,
        follower: uuid::Uuid::new_v4().to_string(),
        revision: watch::channel(0).0,
    };
    let reporter = Reporter {
        socket: follower.socket.clone(),
        follower: follower.follower.clone(),
        index: Arc::clone(&index),
        applied: follower.revision.subscribe(),
        counted: Counted::default(),
    };
    let counted = reporter.counted.clone();
    follower.start_from_file();
    let (first, known) = std::sync::mpsc::channel();
    follower.first = Some(first);
    let (stop, stopped) = watch::channel(false);
    let table = thread("router-table", move || follow(status, follower, reporter, stopped))?;
    // Ends with an error, which is the signal: the sender is dropped.
    let _ = known.recv_timeout(FIRST_TABLE);

    let (sink, batches) = Sink::new(options.logs, options.access_log_bytes, Arc::clone(&stats), counted, workers);
    let rest = vec![table, thread("router-log", move || sink.run())?];
    let (outboxes, inboxes): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
    let (end, ended) = watch::channel(false);
    let mut threads = Vec::new();
    for (number, (log, inbox)) in batches.into_iter().zip(inboxes).enumerate() {
        let listeners = options.listeners.iter().map(std::net::TcpListener::try_clone).collect::<io::Result<Vec<_>>>();
        let listeners = listeners.map_err(RouterError::Listener)?;
        let part = Part { number, shared: Arc::clone(&shared), listeners, log, inbox, outboxes: outboxes.clone() };
        let end = end.clone();
        threads.push(thread(&format!("router-{number}"), move || {
            // Told on every way out, a panic included.
            let _end = EndGuard(end);
            let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
            runtime.block_on(worker::run(part))
        })?);
    }
    Ok(Router { addresses, drain, workers: threads, rest, stats, ended, stop })
}

impl Router {
    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Drains and waits for the end, `timeouts.drain` at most.
    ///
    /// # Errors
    ///
    /// When a thread panicked.
    pub fn stop(self) -> Result<(), RouterError> {
        self.stats.draining.store(true, Relaxed);
        self.drain.send_replace(true);
        let mut result = Ok(());
        for worker in self.workers {
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => result = Err(RouterError::Threads(error)),
                Err(_) => result = Err(RouterError::Panicked),
            }
        }
        self.stop.send_replace(true);
        for thread in self.rest {
            if thread.join().is_err() {
                result = Err(RouterError::Panicked);
            }
        }
        // Its status socket's file stays: the next router may have put its own in this place already.
        result
    }

    async fn ended(&self) {
        let mut ended = self.ended.clone();
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

/// The table's thread: follows control and serves the status socket until `stopped`, which is not at the drain's begin:
/// health tells how it goes.
fn follow(
    status: std::os::unix::net::UnixListener,
    follower: Follower,
    reporter: Reporter,
    stopped: watch::Receiver<bool>,
) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return tracing::error!("no runtime for the table's thread; the table will not change");
    };
    runtime.block_on(async move {
        let (stats, index) = (Arc::clone(&follower.stats), Arc::clone(&follower.index));
        match tokio::net::UnixListener::from_std(status) {
            Ok(listener) => drop(tokio::spawn(serve_status(listener, stats, index))),
            Err(error) => tracing::error!(%error, "the status socket cannot be served"),
        }
        tokio::spawn(reporter.run());
        follower.run(stopped).await;
    });
}

struct EndGuard(watch::Sender<bool>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

fn thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, RouterError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(RouterError::Threads)
}

/// Binds the status socket, in place of what an earlier router left.
fn bind_status(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Raises the limit on open files as far as it goes; a connection needs two: the client's and the backend's.
fn connections_that_fit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    files.map_or(usize::MAX, |files| (usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(200) / 2).max(16))
}
