//! One instance's chance to answer.

use super::body::{Outgoing, Upload};
use super::pool::Lease;
use crate::index::Endpoint;
use crate::worker::Worker;
use http::{Request, Response};
use hyper::body::Incoming;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Why there is no answer.
pub(crate) struct Failure {
    /// No connection could be made.
    pub(crate) refused: bool,
    /// In words, without a full stop.
    pub(crate) why: String,
}

/// Sends the `request` and waits for the answer's head. After a failure the request is there again if it may be sent once
/// more. A kept connection that ends without an answer may just have been too old, so the same instance gets the request
/// over a new one; if it is `repeatable`, or had not been sent at all.
pub(crate) async fn attempt(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    request: &mut Option<Request<Outgoing>>,
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
        let mut lease = lease.map_err(|error| Failure { refused: true, why: format!("no connection: {error}") })?;
        let Some(sent) = request.take() else {
            return Err(Failure { refused: false, why: "the request cannot be sent again".to_owned() });
        };
        *request = if repeatable { copy(&sent) } else { None };
        let mut error = match in_time(lease.send(sent), upload, timeouts.response).await {
            Some(Ok(response)) => return Ok((lease, response)),
            Some(Err(error)) => error,
            None => {
                *request = None;
                let why = format!("no answer within {} seconds", timeouts.response.as_secs());
                return Err(Failure { refused: false, why });
            }
        };
        if let Some(unsent) = error.take_message() {
            *request = Some(unsent);
        }
        if !lease.reused || fresh || request.is_none() {
            return Err(Failure { refused: false, why: words(error.error()) });
        }
        worker.counters().retries.fetch_add(1, Relaxed);
        fresh = true;
    }
}

/// The answer, or `None` when it takes longer than `limit` after the last piece of the request.
async fn in_time<A: Future>(sending: A, upload: &Upload, limit: Duration) -> Option<A::Output> {
    let mut sending = pin!(sending);
    let mut deadline = Instant::now() + limit;
    loop {
        if let Ok(answer) = timeout_at(deadline.into(), sending.as_mut()).await {
            return Some(answer);
        }
        // An upload may last longer, as long as its pieces are taken.
        let later = upload.touched.get() + limit;
        if later <= Instant::now() {
            return None;
        }
        deadline = later;
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
