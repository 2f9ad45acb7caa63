//! One request on its way through the router, from its head to the end of its answer.
//!
//! Everything that is known of it is in one place on the heap, which the answer's body owns. What is left to do at the end
//! (give the connection back, write the log line) is done on drop, so that it is done whatever ends the answer: its end, the
//! client going away, a deadline.

use super::body::{Answer, Outgoing, Progress, Reply, Upload};
use super::forward::Target;
use super::head::{self, Forwarded, Length, Marks, Told};
use crate::access::Outcome;
use crate::gateway::{self, Fault};
use crate::index::{Endpoint, InFlight};
use crate::worker::{Client, Worker};
use http::header::HeaderValue;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A UUID as text.
type RequestId = [u8; uuid::fmt::Hyphenated::LENGTH];

/// When a request came, and what it is called from then on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Nanoseconds since 1970.
    pub(crate) at: i64,
    pub(crate) instant: Instant,
    pub(crate) request_id: RequestId,
}

impl Arrival {
    pub(crate) fn now(worker: &Worker) -> Self {
        let at = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        Self { at, instant: Instant::now(), request_id: worker.request_id() }
    }
}

/// A request and what has become of it so far.
pub(crate) struct Passage {
    pub(crate) worker: Rc<Worker>,
    pub(crate) client: Rc<Client>,
    /// As the client sent it, to the end.
    pub(crate) head: Parts,
    pub(crate) marks: Marks,
    pub(crate) target: Target,
    pub(crate) forwarded: Forwarded,
    pub(crate) request_id: RequestId,
    /// The client's side of a protocol to come.
    pub(crate) upgrade: Option<OnUpgrade>,
    /// The body. Not there while it is being sent, or when it has been sent and cannot be had again.
    pub(crate) body: Option<Outgoing>,
    /// `None` without a body.
    pub(crate) upload: Option<Rc<Upload>>,
    pub(crate) arrival: Arrival,
    /// Who has the request, or had it last.
    in_flight: Option<InFlight>,
    /// What comes back.
    pub(crate) answer: Option<Answer>,
    /// `None` before anything was answered.
    status: Option<StatusCode>,
    /// Why there is no answer, or no whole one.
    pub(crate) fault: Option<Fault>,
    waited: Duration,
    /// Bytes that a tunnel took from the client.
    pub(crate) received: u64,
    /// Bytes of the answer's body so far.
    pub(crate) sent: u64,
    /// The answer's body has been read to its end.
    pub(crate) complete: bool,
}

impl Passage {
    pub(crate) fn new(
        worker: &Rc<Worker>,
        client: &Rc<Client>,
        mut head: Parts,
        marks: Marks,
        target: Target,
        (body, upload): (Outgoing, Option<Rc<Upload>>),
        arrival: Arrival,
    ) -> Self {
        // hyper's word first, which is there for requests that name a protocol.
        let upgrade = head.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.filter(|_| head.version == http::Version::HTTP_11 && head::wants_upgrade(&head.headers));
        let forwarded = head::forwarded(&head.headers, client);
        Self {
            worker: Rc::clone(worker),
            client: Rc::clone(client),
            head,
            marks,
            target,
            forwarded,
            request_id: arrival.request_id,
            upgrade,
            body: Some(body),
            upload,
            arrival,
            in_flight: None,
            answer: None,
            status: None,
            fault: None,
            waited: Duration::ZERO,
            received: 0,
            sent: 0,
            complete: false,
        }
    }

    /// Can it be sent a second time without harm?
    pub(crate) fn is_repeatable(&self) -> bool {
        self.upgrade.is_none() && self.head.method.is_idempotent()
    }

    /// How the client's body is getting on.
    pub(crate) fn progress(&self) -> Progress {
        self.upload.as_ref().map_or(Progress::Done, |upload| upload.progress.get())
    }

    /// What `endpoint` is told of the request with `body`.
    pub(crate) fn told<'a>(&'a self, endpoint: &'a Endpoint, body: &Outgoing) -> Told<'a> {
        let length = match body {
            // What asks only has no body anyway.
            Outgoing::Empty if self.head.method.is_safe() => Length::None,
            Outgoing::Empty if self.head.headers.contains_key(http::header::CONTENT_LENGTH) => Length::Known(0),
            Outgoing::Empty => Length::None,
            body => body.size_hint().exact().map_or(Length::Unknown, Length::Known),
        };
        Told {
            client: &self.client,
            marks: self.marks,
            forwarded: &self.forwarded,
            request_id: &self.request_id,
            at_ms: self.arrival.at / 1_000_000,
            upgrade: self.upgrade.is_some(),
            instance: endpoint.instance.as_ref(),
            length,
        }
    }

    /// An instance gets the request. It counts as busy until the next one gets it or all is over.
    pub(crate) fn tries(&mut self, endpoint: &Arc<Endpoint>) {
        self.in_flight = Some(InFlight::new(endpoint));
    }

    /// The answer's head has come.
    pub(crate) fn answered(&mut self, status: StatusCode, answer: Answer) {
        self.status = Some(status);
        self.answer = Some(answer);
        self.waited = self.arrival.instant.elapsed();
    }

    /// The router itself answers: nobody did, or not in a way that can be passed on.
    pub(crate) fn refused(mut self: Box<Self>, mut response: Response<Reply>) -> Response<Reply> {
        response.headers_mut().insert(head::REQUEST_ID, self.request_id_value());
        self.answer = None;
        self.status = Some(response.status());
        self.waited = self.arrival.instant.elapsed();
        self.sent = response.body().size_hint().lower();
        response
    }

    /// The same, because of `fault`.
    pub(crate) fn failed(mut self: Box<Self>, fault: Fault, response: Response<Reply>) -> Response<Reply> {
        self.fault = Some(fault);
        self.refused(response)
    }

    pub(crate) fn request_id_value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.request_id).expect("hexadecimal digits and hyphens")
    }

    /// The call of a job that it is, if it is one.
    pub(crate) fn call(&self) -> Option<&gateway::Call> {
        match &self.target {
            Target::Job(call) => Some(call),
            Target::App { .. } | Target::Control => None,
        }
    }

    pub(crate) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        self.in_flight.as_ref().map(InFlight::endpoint)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let now = Instant::now();
        if let Some(call) = self.call() {
            let left = self.status.is_none() || (self.answer.is_some() && !self.complete);
            let fault = self.fault.or(left.then_some(Fault::Canceled));
            let took = now.duration_since(self.arrival.instant);
            self.worker.counters().calls.ended(call, self.status, fault, took);
        }
        let Some(in_flight) = self.in_flight.take() else { return };
        let endpoint = in_flight.endpoint();
        if let Some(Answer::Http1(exchange)) = self.answer.take()
            && self.complete
            && let Some(connection) = exchange.end()
        {
            self.worker.pool.give_back(endpoint, connection, now);
        }
        // Control logs its requests itself.
        if let Some(instance) = &endpoint.instance {
            let received = self.upload.as_ref().map_or(self.received, |upload| upload.received.get());
            let outcome = Outcome {
                head: &self.head,
                at: self.arrival.at,
                status: self.status.unwrap_or(StatusCode::BAD_GATEWAY).as_u16(),
                received,
                sent: self.sent,
                client: &self.client.peer,
                instance,
                forwarded_for: &self.forwarded.by,
                forwarded_proto: &self.forwarded.proto,
                request_id: &self.request_id,
                waited: self.waited,
                whole: now.duration_since(self.arrival.instant),
            };
            self.worker.log(&outcome);
        }
    }
}
