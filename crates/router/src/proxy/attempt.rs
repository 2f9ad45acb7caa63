//! One instance's chance to answer.

use super::body::{Outgoing, Progress, Upload};
use super::pool::Lease;
use crate::index::Endpoint;
use crate::worker::Worker;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Why there is no answer.
pub(crate) struct Failure {
    /// The request, if it may be sent once more.
    pub(crate) request: Option<Request<Outgoing>>,
    /// No connection could be made.
    pub(crate) refused: bool,
    /// In words, without a full stop.
    pub(crate) why: String,
}

/// Sends `request` and waits for the answer's head. A kept connection that ends without an answer may just have been too
/// old, so the same instance gets the request over a new one; if it is `repeatable`, or had not been sent at all.
pub(crate) async fn attempt(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    mut request: Request<Outgoing>,
    upload: &Upload,
    repeatable: bool,
) -> Result<(Lease, Response<Incoming>), Failure> {
    let timeouts = &worker.shared.timeouts;
    let mut fresh = false;
    loop {
        let lease = if fresh {
            Box::pin(worker.pool.fresh(endpoint, timeouts.connect)).await
        } else {
            worker.pool.lease(endpoint, !repeatable, timeouts.connect).await
        };
        let mut lease = match lease {
            Ok(lease) => lease,
            Err(error) => {
                let why = format!("no connection: {error}");
                return Err(Failure { request: Some(request), refused: true, why });
            }
        };
        let spare = if repeatable { copy(&request) } else { None };
        let mut error = match answer(&mut lease, request, upload, timeouts.response).await {
            Some(Ok(response)) => return Ok((lease, response)),
            Some(Err(error)) => error,
            None => {
                let why = format!("no answer within {} seconds", timeouts.response.as_secs());
                return Err(Failure { request: None, refused: false, why });
            }
        };
        let (next, why) = (error.take_message().or(spare), words(error.error()));
        match next {
            Some(next) if lease.reused && !fresh => {
                worker.counters().retries.fetch_add(1, Relaxed);
                fresh = true;
                request = next;
            }
            next => return Err(Failure { request: next, refused: false, why }),
        }
    }
}

/// The answer, or `None` when it takes longer than `limit` after the last piece of the request.
async fn answer(
    lease: &mut Lease,
    request: Request<Outgoing>,
    upload: &Upload,
    limit: Duration,
) -> Option<Result<Response<Incoming>, TrySendError<Request<Outgoing>>>> {
    let mut sending = pin!(lease.send(request));
    let mut deadline = Instant::now() + limit;
    loop {
        if let Ok(answer) = timeout_at(deadline.into(), sending.as_mut()).await {
            return Some(answer);
        }
        // An upload may take long; it has a deadline of its own while it waits for the client.
        let counted_from = match upload.progress.get() {
            Progress::Running => upload.touched.get().max(deadline - limit / 2),
            _ => upload.touched.get(),
        };
        if counted_from + limit <= Instant::now() {
            return None;
        }
        deadline = counted_from + limit;
    }
}

fn copy(request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
    let mut again = Request::new(request.body().again()?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

fn words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        "it closed the connection without an answer".to_owned()
    } else if error.is_parse() {
        format!("its answer is no HTTP ({error})")
    } else {
        match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }
}
