//! What the router counts, and the socket on which it tells.

use crate::gateway::{COUNTS, CallCounts, Counts};
use crate::index::Index;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::net::UnixListener;

#[derive(Debug)]
/// Counts since start. Each thread adds to its own [`Counters`]; whoever asks adds them up.
pub(crate) struct Stats {
    pub(crate) table_connected: AtomicBool,
    pub(crate) draining: AtomicBool,
    /// Access-log lines given up because the disk could not follow.
    pub(crate) dropped_lines: AtomicU64,
    pub(crate) workers: Vec<Counters>,
    started: Instant,
}

/// Counts of one thread, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    /// Open connections of clients, tunnels included.
    pub(crate) connections: AtomicUsize,
    /// Answers by first digit of their status: 1 to 5.
    pub(crate) answers: [AtomicU64; 5],
    /// Requests sent again, to another instance or over a new connection.
    pub(crate) retries: AtomicU64,
    /// Requests of control's that control did not take.
    pub(crate) control_away: AtomicU64,
    /// Of calls of jobs.
    pub(crate) calls: Counts,
}

impl Counters {
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.answers[class - 1].fetch_add(1, Relaxed);
    }
}

impl Stats {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            table_connected: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            dropped_lines: AtomicU64::new(0),
            workers: (0..workers).map(|_| Counters::default()).collect(),
            started: Instant::now(),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.connections.load(Relaxed)).sum()
    }

    fn calls(&self, index: &Index) -> CallCounts {
        CallCounts::of(self.workers.iter().map(|worker| &worker.calls), &index.calls)
    }

    fn json(&self, index: &Index) -> serde_json::Value {
        let sum = |pick: &dyn Fn(&Counters) -> &AtomicU64| -> u64 {
            self.workers.iter().map(|worker| pick(worker).load(Relaxed)).sum()
        };
        let answers: Vec<u64> = (0..5).map(|class| sum(&|worker| &worker.answers[class])).collect();
        json!({
            "status": if self.draining.load(Relaxed) { "draining" } else { "ok" },
            "pid": std::process::id(),
            "uptime_seconds": self.started.elapsed().as_secs(),
            "table": {
                "revision": index.revision,
                "routes": index.routes,
                "origin": index.origin,
                "connected": self.table_connected.load(Relaxed),
            },
            "connections": self.connections(),
            "requests": {
                "total": answers.iter().sum::<u64>(),
                "1xx": answers[0], "2xx": answers[1], "3xx": answers[2], "4xx": answers[3], "5xx": answers[4],
            },
            "retries": sum(&|worker| &worker.retries),
            "control_away": sum(&|worker| &worker.control_away),
            "dropped_log_lines": self.dropped_lines.load(Relaxed),
        })
    }
}

/// Answers `GET /healthz` on `listener` for ever, and tells what was counted of calls.
pub(crate) async fn serve_status(listener: UnixListener, stats: Arc<Stats>, index: Arc<ArcSwap<Index>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: the next attempt may find some.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (stats, index) = (Arc::clone(&stats), Arc::clone(&index));
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let json = match (request.method(), request.uri().path()) {
                (&Method::GET, "/healthz") => Ok(stats.json(&index.load())),
                (&Method::GET, COUNTS) => Ok(json!(stats.calls(&index.load()))),
                (_, "/healthz" | COUNTS) => Err((StatusCode::METHOD_NOT_ALLOWED, "")),
                _ => Err((StatusCode::NOT_FOUND, "only /healthz and /calls are here\n")),
            };
            let answer = match json {
                Ok(json) => Response::builder()
                    .header("content-type", "application/json")
                    .body(Full::<Bytes>::from(json.to_string())),
                Err((status, words)) => Response::builder().status(status).body(Full::from(words)),
            };
            async move { Ok::<_, Infallible>(answer.expect("the answer's parts are constant")) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "status connection");
            }
        });
    }
}
