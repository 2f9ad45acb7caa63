//! What a handler leaves of a request's body.
//!
//! A connection whose request was not read to its end is closed after the answer. The router keeps connections, so its
//! next request could meet one that is just closing, and a POST cannot be sent twice. So a small rest is taken in before
//! the answer goes out, and of a large one the answer says that the connection ends.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// Bytes that are taken in.
const LIMIT: usize = 1 << 20;
/// How long they may take to come.
const PATIENCE: Duration = Duration::from_secs(1);

type Slot = Arc<Mutex<Option<Body>>>;

/// A body that comes back when its reader drops it.
struct Lent {
    body: Body,
    slot: Slot,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let body = std::mem::take(&mut self.body);
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

/// The layer.
pub(crate) async fn take_in(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let slot = Slot::default();
    let request = request.map(|body| Body::new(Lent { body, slot: Arc::clone(&slot) }));
    let mut response = next.run(request).await;
    let rest = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(rest) = rest.filter(|rest| !rest.is_end_stream())
        && !matches!(tokio::time::timeout(PATIENCE, axum::body::to_bytes(rest, LIMIT)).await, Ok(Ok(_)))
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
