//! One instance's chance to answer.

use super::body::{Answer, Outgoing, Stall};
use super::head;
use super::http1::{Broken, Exchange};
use super::passage::Passage;
use super::pool::Lease;
use crate::gateway::Fault;
use crate::index::Endpoint;
use http::header::{HOST, HeaderValue};
use http::uri::Scheme;
use http::{Request, Response, Uri, Version};
use hyper::client::conn::http2;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Why there is no answer.
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// In words, without a full stop.
    pub(crate) why: String,
}

impl Failure {
    fn of(why: impl Into<String>) -> Self {
        Self { fault: Fault::Broken, why: why.into() }
    }
}

/// Sends the request and waits for the answer's head; the rest of the answer is then the passage's. After a failure the
/// passage has its body again if the request may be sent once more. A kept connection that ends without an answer may just
/// have been too old, so the same instance gets the request over a new one; if it is `repeatable`, or had not been sent at all.
pub(crate) async fn attempt(
    passage: &mut Passage,
    endpoint: &Arc<Endpoint>,
    repeatable: bool,
) -> Result<Response<()>, Failure> {
    let worker = std::rc::Rc::clone(&passage.worker);
    let timeouts = &worker.shared.timeouts;
    let mut fresh = false;
    loop {
        let lease = if fresh {
            Box::pin(worker.pool.fresh(&worker, endpoint)).await
        } else {
            worker.pool.lease(&worker, endpoint, !repeatable).await
        };
        let lease = lease.map_err(|error| Failure { fault: Fault::Refused, why: format!("no connection: {error}") })?;
        let Some(body) = passage.body.take() else {
            return Err(Failure::of("the request cannot be sent again"));
        };
        passage.body = if repeatable { body.again() } else { None };
        let (reused, failure) = match lease {
            Lease::Http1 { connection, reused } => {
                let mut exchange = Exchange::new(connection, &passage.head, &passage.told(endpoint, &body), body);
                let error = match poll_fn(|cx| exchange.poll_head(cx)).await {
                    Ok(head) => {
                        passage.answered(head.response.status(), Answer::Http1(exchange));
                        return Ok(head.response);
                    }
                    Err(Broken::Late) => {
                        passage.body = None;
                        return Err(late(timeouts.response));
                    }
                    Err(error) => error,
                };
                passage.body = passage.body.take().or_else(|| exchange.unsent());
                (reused, error.to_string())
            }
            // On the heap: rare, and large.
            Lease::Http2 { sender, reused } => match Box::pin(second(passage, endpoint, sender, body)).await {
                Ok(response) => return Ok(response),
                Err(Some(failure)) => (reused, failure),
                Err(None) => {
                    passage.body = None;
                    return Err(late(timeouts.response));
                }
            },
        };
        if !reused || fresh || passage.body.is_none() {
            return Err(Failure::of(failure));
        }
        worker.counters().retries.fetch_add(1, Relaxed);
        fresh = true;
    }
}

fn late(limit: Duration) -> Failure {
    Failure { fault: Fault::Late, why: format!("no answer within {} seconds", limit.as_secs()) }
}

/// The same over HTTP/2; `None` when the answer is late.
async fn second(
    passage: &mut Passage,
    endpoint: &Endpoint,
    mut sender: http2::SendRequest<Outgoing>,
    body: Outgoing,
) -> Result<Response<()>, Option<String>> {
    let limit = passage.worker.shared.timeouts.response;
    let mut request = Request::new(());
    *request.method_mut() = passage.head.method.clone();
    let mut uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .path_and_query(passage.head.uri.path_and_query().map_or("/", |path| path.as_str()));
    let headers = request.headers_mut();
    head::lines(&passage.head, &passage.told(endpoint, &body), |name, value| {
        if *name == HOST {
            uri = std::mem::take(&mut uri).authority(value);
        } else if let Ok(value) = HeaderValue::from_bytes(value) {
            // Never longer or stranger than what has been parsed from the wire.
            headers.append(name, value);
        }
    });
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri.build().map_err(|error| Some(format!("it cannot be asked by HTTP/2: {error}")))?;
    let sending = sender.try_send_request(request.map(|()| body));
    let response = match in_time(sending, passage, limit).await {
        Some(Ok(response)) => response,
        Some(Err(mut error)) => {
            if let Some(unsent) = error.take_message() {
                passage.body = Some(unsent.into_body());
            }
            return Err(Some(words(error.error())));
        }
        None => return Err(None),
    };
    let (mut head, incoming) = response.into_parts();
    head::strip_hop_by_hop(&mut head.headers);
    passage.answered(head.status, Answer::Http2 { incoming, stall: Stall::new(limit) });
    Ok(Response::from_parts(head, ()))
}

/// The answer, or `None` when it takes longer than `limit` after the last piece of the request.
async fn in_time<A: Future>(sending: A, passage: &Passage, limit: Duration) -> Option<A::Output> {
    let mut sending = pin!(sending);
    let mut deadline = Instant::now() + limit;
    loop {
        if let Ok(answer) = timeout_at(deadline.into(), sending.as_mut()).await {
            return Some(answer);
        }
        // An upload may last longer, as long as its pieces are taken.
        let later = passage.upload.as_ref().map_or(passage.arrival.instant, |upload| upload.touched.get()) + limit;
        if later <= Instant::now() {
            return None;
        }
        deadline = later;
    }
}

fn words(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
