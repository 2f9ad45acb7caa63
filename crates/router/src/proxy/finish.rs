//! What is left to do when an answer has gone out: give the connection back, write the log line. Done on drop, so that it
//! is done whatever ends the answer: its end, the client going away, a deadline.

use super::body::{Progress, Reply, Upload};
use super::head;
use super::pool::Sender;
use crate::access::{Outcome, Record};
use crate::index::{Endpoint, InFlight};
use crate::worker::{Client, Worker};
use http::header::HeaderValue;
use http::{Request, Response, StatusCode};
use http_body::Body;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The end of a request.
pub(crate) struct Finish {
    worker: Rc<Worker>,
    client: Rc<Client>,
    upload: Rc<Upload>,
    request_id: HeaderValue,
    /// `None` for control's requests, which control logs itself.
    log: Option<Log>,
    /// Who has the request, or had it last.
    in_flight: Option<InFlight>,
    sender: Option<Sender>,
    status: StatusCode,
    waiting_since: Instant,
    waited: Duration,
    /// Bytes of the answer's body so far.
    pub(crate) sent: u64,
    /// The answer's body has been read to its end.
    pub(crate) complete: bool,
}

struct Log {
    record: Record,
    forwarded_for: Option<HeaderValue>,
    forwarded_proto: Option<HeaderValue>,
}

impl Finish {
    pub(crate) fn new<B>(
        worker: &Rc<Worker>,
        client: &Rc<Client>,
        request: &Request<B>,
        record: Option<Record>,
        request_id: HeaderValue,
        upload: &Rc<Upload>,
        now: Instant,
    ) -> Self {
        let log = record.map(|record| Log {
            record,
            forwarded_for: request.headers().get(head::FORWARDED_FOR).cloned(),
            forwarded_proto: request.headers().get(head::FORWARDED_PROTO).cloned(),
        });
        Self {
            worker: Rc::clone(worker),
            client: Rc::clone(client),
            upload: Rc::clone(upload),
            request_id,
            log,
            in_flight: None,
            sender: None,
            status: StatusCode::BAD_GATEWAY,
            waiting_since: now,
            waited: Duration::ZERO,
            sent: 0,
            complete: false,
        }
    }

    /// An instance gets the request. It counts as busy until the next one gets it or all is over.
    pub(crate) fn tries(&mut self, endpoint: &Arc<Endpoint>) {
        self.in_flight = Some(InFlight::new(endpoint));
    }

    /// The answer's head has come, over `sender`.
    pub(crate) fn answered(&mut self, sender: Sender, status: StatusCode) {
        self.sender = Some(sender);
        self.status = status;
        self.waited = self.waiting_since.elapsed();
    }

    /// The router itself answers: nobody did, or not in a way that can be passed on.
    pub(crate) fn refused(mut self, mut response: Response<Reply>) -> Response<Reply> {
        response.headers_mut().insert(head::REQUEST_ID, self.request_id.clone());
        self.sender = None;
        self.status = response.status();
        self.waited = self.waiting_since.elapsed();
        self.sent = response.body().size_hint().lower();
        response
    }

    /// The bytes a tunnel took from the client.
    pub(crate) fn received(&self, bytes: u64) {
        self.upload.received.set(bytes);
    }

    pub(crate) fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }

    pub(crate) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        self.in_flight.as_ref().map(InFlight::endpoint)
    }

    pub(crate) fn request_id(&self) -> &HeaderValue {
        &self.request_id
    }

    /// Did the client come over TLS?
    pub(crate) fn secure(&self) -> bool {
        self.client.secure
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        let Some(in_flight) = self.in_flight.take() else { return };
        let endpoint = in_flight.endpoint();
        let now = Instant::now();
        if let Some(sender) = self.sender.take()
            && self.complete
            && self.upload.progress.get() == Progress::Done
        {
            self.worker.pool.give_back(endpoint, sender, now);
        }
        if let (Some(log), Some(instance)) = (&self.log, &endpoint.instance) {
            let outcome = Outcome {
                status: self.status.as_u16(),
                received: self.upload.received.get(),
                sent: self.sent,
                client: &self.client.peer,
                backend: &instance.address,
                forwarded_for: log.forwarded_for.as_ref(),
                forwarded_proto: log.forwarded_proto.as_ref(),
                request_id: &self.request_id,
                waited: self.waited,
                app: &instance.backend.app,
                index: instance.backend.index,
            };
            self.worker.log(instance, log.record.at(), |text| log.record.write(text, &outcome, now));
        }
    }
}
