//! The path of a request: whose is it, what is told to the backend, which instance, what comes back.
//!
//! Everything here runs on one thread and holds plain cells; nothing here blocks.

mod attempt;
mod body;
mod cookies;
mod finish;
mod forward;
mod half_closed;
mod head;
mod host;
mod pool;
mod refuse;
mod tunnel;

pub(crate) use body::Reply;
pub(crate) use pool::Pool;

use crate::access::Record;
use crate::gateway;
use crate::index::{Endpoint, Entry, Found, Origin};
use crate::worker::{Client, Worker};
use body::Outgoing;
use forward::{Job, Target};
use host::Host;
use http::{HeaderValue, Method, Request, Response, Version};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

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
            Ok(job) => forward::forward(&worker, &client, job).await,
            Err(refusal) => *refusal,
        };
        worker.counters().answered(answer.status());
        answer.body_mut().client = Some(client);
        Ok(answer)
    }
}

/// Whose request it is, and what is told to them.
fn prepare(worker: &Worker, client: &Client, request: Request<Incoming>) -> Result<Box<Job>, Box<Response<Reply>>> {
    let started = Instant::now();
    let at = jiff::Timestamp::now();
    let (mut head, body) = request.into_parts();
    if head.method == Method::CONNECT {
        return Err(Box::new(refuse::connect()));
    }
    let host = Host::of(&head).map_err(|why| Box::new(refuse::bad_request(why)))?;
    let request_id = worker.request_id();
    let (target, call) = target(worker, &mut head, &host, at.as_microsecond(), &request_id)?;
    let record = matches!(target, Target::App { .. }).then(|| {
        let at = i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX);
        Record::new(&head, at, started)
    });
    let mut request = Request::from_parts(head, body);
    let upgrade = request.version() == Version::HTTP_11 && head::wants_upgrade(request.headers());
    let upgrade = upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let (body, upload) = Outgoing::new(body, started, worker.shared.timeouts.client_idle);
    head::towards_backend(&mut head, client, &request_id, at.as_millisecond(), upgrade.is_some());
    let request = Some(Request::from_parts(head, body));
    Ok(Box::new(Job { target, call, host, request, upload, upgrade, record, request_id, started }))
}

fn target(
    worker: &Worker,
    head: &mut http::request::Parts,
    host: &Host,
    at: i64,
    request_id: &HeaderValue,
) -> Result<(Target, Option<Box<gateway::Call>>), Box<Response<Reply>>> {
    let index = worker.shared.index.load();
    match index.find(host, head.uri.path()) {
        Found::Entry(entry) => {
            let pin = pinned(&entry, head, host)?;
            Ok((Target::App { entry, pin }, None))
        }
        Found::NoHost if !worker.shared.is_app_host(host) => {
            let Some(judged) = gateway::judge(&index.calls, head, at, request_id) else {
                return Ok((Target::Control, None));
            };
            let call = judged?;
            Ok((Target::App { entry: Arc::clone(&call.job.entry), pin: None }, Some(call)))
        }
        Found::NoHost if index.origin == Origin::None => Err(Box::new(refuse::no_table(host))),
        Found::NoHost | Found::NoPath => Err(Box::new(refuse::unknown_route(host))),
    }
}

/// The instance that the request asks for by `X-CF-APP-INSTANCE` or `X-CF-PROCESS-INSTANCE`, if it does.
fn pinned(
    entry: &Arc<Entry>,
    head: &http::request::Parts,
    host: &str,
) -> Result<Option<Arc<Endpoint>>, Box<Response<Reply>>> {
    for (name, process) in [("x-cf-app-instance", false), ("x-cf-process-instance", true)] {
        let Some(value) = head.headers.get(name) else { continue };
        let wanted = value.to_str().ok().and_then(|value| value.split_once(':'));
        let Some((guid, index)) = wanted.and_then(|(guid, index)| Some((guid, index.parse::<u32>().ok()?))) else {
            return Err(Box::new(refuse::bad_instance(name)));
        };
        let found = entry.balance.endpoints().iter().find(|endpoint| {
            endpoint.backend().is_some_and(|backend| {
                backend.index == index && guid == if process { &backend.process } else { &backend.app }
            })
        });
        return match found {
            Some(endpoint) => Ok(Some(Arc::clone(endpoint))),
            None => Err(Box::new(refuse::unknown_instance(host, guid, index))),
        };
    }
    Ok(None)
}
