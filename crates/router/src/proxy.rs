//! The path of a request: whose is it, what is told to the backend, which instance, what comes back.
//!
//! Everything here runs on one thread and holds plain cells; nothing here blocks.

mod attempt;
mod body;
mod cookies;
mod forward;
mod half_closed;
mod head;
mod host;
mod http1;
mod passage;
mod pool;
mod refuse;
mod tunnel;

pub(crate) use body::Reply;
pub(crate) use pool::Pool;

use crate::gateway::{self, Court};
use crate::index::{Endpoint, Entry, Found, Origin};
use crate::worker::{Client, Worker};
use body::Outgoing;
use forward::Target;
use head::{Marks, PINS};
use host::Host;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use passage::{Arrival, Passage};
use std::convert::Infallible;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

/// Answers one request, whatever happens. What can be done at once is done before the future is made, which keeps it small.
pub(crate) fn handle(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Reply>, Infallible>> + use<> {
    client.busy();
    let prepared = prepare(worker, client, request);
    let (worker, client) = (Rc::clone(worker), Rc::clone(client));
    async move {
        let mut answer = match prepared {
            Ok(passage) => forward::forward(passage).await,
            Err(refusal) => *refusal,
        };
        worker.counters().answered(answer.status());
        answer.body_mut().client = Some(client);
        Ok(answer)
    }
}

/// Whose request it is.
fn prepare(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> Result<Box<Passage>, Box<Response<Reply>>> {
    let arrival = Arrival::now(worker);
    let (mut head, body) = request.into_parts();
    if head.method == Method::CONNECT {
        return Err(Box::new(refuse::connect()));
    }
    let mut marks = Marks::of(&head.headers);
    let target = target(worker, client, &mut head, marks, &arrival)?;
    if matches!(target, Target::Job(_)) {
        // A job gets another head than the one that came.
        marks = Marks::of(&head.headers);
    }
    let body = Outgoing::new(body, arrival.instant, worker.shared.timeouts.client_idle);
    Ok(Box::new(Passage::new(worker, client, head, marks, target, body, arrival)))
}

fn target(
    worker: &Worker,
    client: &Client,
    head: &mut Parts,
    marks: Marks,
    arrival: &Arrival,
) -> Result<Target, Box<Response<Reply>>> {
    let host = Host::of(head).map_err(|why| Box::new(refuse::bad_request(why)))?;
    let index = worker.shared.index.load();
    match index.find(&host, head.uri.path()) {
        Found::Entry(entry) => {
            let pin = if marks.pin { pinned(&entry, head, &host)? } else { None };
            return Ok(Target::App { entry, pin });
        }
        Found::NoHost if !worker.shared.is_app_host(&host) => {}
        Found::NoHost if index.origin == Origin::None => return Err(Box::new(refuse::no_table(&host))),
        Found::NoHost | Found::NoPath => return Err(Box::new(refuse::unknown_route(&host))),
    }
    let fresh_id = HeaderValue::from_bytes(&arrival.request_id).expect("hexadecimal digits and hyphens");
    let (tickets, address) = (&worker.shared.tickets, client.address.as_bytes());
    let court = Court { calls: &index.calls, tickets, address, at: arrival.at / 1000 };
    match gateway::judge(court, head, &fresh_id) {
        Some(judged) => {
            worker.counters().calls.judged(&judged, || arrival.instant.elapsed());
            judged.map(Target::Job)
        }
        None => Ok(Target::Control),
    }
}

/// The instance that the request asks for by `X-CF-APP-INSTANCE` or `X-CF-PROCESS-INSTANCE`, if it does.
fn pinned(entry: &Arc<Entry>, head: &Parts, host: &str) -> Result<Option<Arc<Endpoint>>, Box<Response<Reply>>> {
    for (name, process) in &PINS {
        let Some(value) = head.headers.get(name) else { continue };
        let wanted = value.to_str().ok().and_then(|value| value.split_once(':'));
        let Some((guid, index)) = wanted.and_then(|(guid, index)| Some((guid, index.parse::<u32>().ok()?))) else {
            return Err(Box::new(refuse::bad_instance(name.as_str())));
        };
        let found = entry.balance.endpoints().iter().find(|endpoint| {
            endpoint.backend().is_some_and(|backend| {
                backend.index == index && guid == if *process { &backend.process } else { &backend.app }
            })
        });
        return match found {
            Some(endpoint) => Ok(Some(Arc::clone(endpoint))),
            None => Err(Box::new(refuse::unknown_instance(host, guid, index))),
        };
    }
    Ok(None)
}
