//! A thread's life: accept, serve, sweep, drain.

use super::{Shared, Worker, connection};
use crate::access::Batch;
use crate::proxy::Pool;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

/// A connection that another thread accepted.
pub(crate) type Handed = (std::net::TcpStream, SocketAddr);

/// How often log lines are handed over.
const LOG_TICK: Duration = Duration::from_millis(100);

/// What one thread is given at start.
pub(crate) struct Part {
    pub(crate) number: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) listeners: Vec<std::net::TcpListener>,
    pub(crate) log: Batch,
    pub(crate) inbox: mpsc::UnboundedReceiver<Handed>,
    pub(crate) outboxes: Vec<mpsc::UnboundedSender<Handed>>,
}

/// The thread's body: returns when drained, or at the drain's deadline.
pub(crate) async fn run(part: Part) -> std::io::Result<()> {
    let Part { number, shared, listeners, log, mut inbox, outboxes } = part;
    let worker = Rc::new(Worker {
        shared,
        pool: Pool::default(),
        number,
        log: RefCell::new(log),
        random: RefCell::new(SmallRng::from_rng(&mut rand::rng())),
        watched: RefCell::default(),
        pulses: RefCell::default(),
        closed: Notify::new(),
    });
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let listener = TcpListener::from_std(listener)?;
            Ok(tokio::task::spawn_local(accept(Rc::clone(&worker), listener, outboxes.clone())))
        })
        .collect::<std::io::Result<_>>()?;
    drop(outboxes);
    // Goes on while draining, and ends with the runtime.
    tokio::task::spawn_local(keep_house(Rc::clone(&worker)));
    let mut drain = worker.shared.drain.clone();
    loop {
        tokio::select! {
            biased;
            Some((stream, peer)) = inbox.recv() => {
                connection::begin(&worker, TcpStream::from_std(stream), peer);
            }
            // Ends when its sender is gone, too: then nobody is left to say when to stop.
            _ = drain.wait_for(|drain| *drain) => break,
        }
    }
    accepting.iter().for_each(|task| task.abort());
    worker.watched.borrow_mut().drain();
    inbox.close();
    while let Ok((stream, peer)) = inbox.try_recv() {
        // Accepted before the end: its request is answered.
        connection::begin(&worker, TcpStream::from_std(stream), peer);
    }
    let deadline = Instant::now() + worker.shared.timeouts.drain;
    while worker.counters().connections.load(Relaxed) > 0 {
        if timeout_at(deadline, worker.closed.notified()).await.is_err() {
            tracing::warn!(connections = worker.counters().connections.load(Relaxed), "closed at the drain's deadline");
            break;
        }
    }
    worker.pool.clear();
    worker.log.borrow_mut().hand_over();
    Ok(())
}

/// Accepts, and gives each connection to the thread that has the fewest: all threads wait on one listening socket, and
/// the system wakes whichever it likes.
async fn accept(worker: Rc<Worker>, listener: TcpListener, outboxes: Vec<mpsc::UnboundedSender<Handed>>) {
    let stats = &worker.shared.stats;
    loop {
        while stats.connections() >= worker.shared.max_connections {
            // The listen queue holds them; a client gives up by itself.
            sleep(Duration::from_millis(10)).await;
        }
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                if !matches!(error.kind(), std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::Interrupted) {
                    tracing::warn!(%error, "cannot accept; trying again");
                    sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
        };
        let load = |number: &usize| stats.workers[*number].connections.load(Relaxed);
        let least = (0..outboxes.len()).min_by_key(load).filter(|least| load(least) < load(&worker.number));
        // Counted here, so that the next choice and the limit know of it.
        let chosen = least.unwrap_or(worker.number);
        stats.workers[chosen].connections.fetch_add(1, Relaxed);
        if chosen == worker.number {
            connection::begin(&worker, Ok(stream), peer);
        } else if !stream.into_std().is_ok_and(|stream| outboxes[chosen].send((stream, peer)).is_ok()) {
            // That thread is draining, as this one is about to.
            stats.workers[chosen].connections.fetch_sub(1, Relaxed);
        }
    }
}

/// Hands over log lines, ends what is too late, closes idle backend connections.
async fn keep_house(worker: Rc<Worker>) {
    let mut tick = interval(LOG_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ticks = 0_u32;
    loop {
        tick.tick().await;
        worker.log.borrow_mut().hand_over();
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(2) {
            worker.watched.borrow_mut().sweep(&worker.shared.timeouts);
            worker.pulses.borrow_mut().sweep(worker.shared.timeouts.response);
        }
        if ticks.is_multiple_of(10) {
            worker.pool.sweep(worker.shared.timeouts.backend_idle);
        }
    }
}
