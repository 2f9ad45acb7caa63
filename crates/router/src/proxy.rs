//! The path of a request: whose is it, what is told to the backend, which instance, what comes back.
//!
//! Everything here runs on one thread and holds plain cells; nothing here blocks.

mod attempt;
mod body;
mod cookies;
mod finish;
mod forward;
mod head;
mod host;
mod pool;
mod refuse;
mod tunnel;

pub(crate) use body::Reply;
pub(crate) use pool::Pool;

use crate::access::Record;
use crate::index::{Entry, Found};
use crate::worker::{Client, Worker};
use forward::{Job, Target};
use host::Host;
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Answers one request, whatever happens.
pub(crate) async fn handle(
    worker: Rc<Worker>,
    client: Rc<Client>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    let answer = answer(&worker, &client, request).await;
    worker.counters().answered(answer.status());
    Ok(answer)
}

async fn answer(worker: &Rc<Worker>, client: &Rc<Client>, request: Request<Incoming>) -> Response<Reply> {
    let started = Instant::now();
    let at = jiff::Timestamp::now();
    let (head, body) = request.into_parts();
    if head.method == Method::CONNECT {
        return refuse::connect();
    }
    let host = match Host::of(&head) {
        Ok(host) => host,
        Err(why) => return refuse::bad_request(why),
    };
    let index = worker.shared.index.load();
    let target = match index.find(&host, head.uri.path()) {
        Found::Entry(entry) => match pinned(&entry, &head, &host) {
            Ok(pin) => Target::App { entry, pin },
            Err(refusal) => return *refusal,
        },
        Found::NoPath => return refuse::unknown_route(&host),
        Found::NoHost if worker.shared.is_app_host(&host) => {
            return if index.origin == crate::index::Origin::None {
                refuse::no_table(&host)
            } else {
                refuse::unknown_route(&host)
            };
        }
        Found::NoHost => Target::Control,
    };
    drop(index);
    let record = matches!(target, Target::App { .. })
        .then(|| Record::new(&head, client.peer, i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX), started));
    let upgrade = head.version == Version::HTTP_11 && head::wants_upgrade(&head.headers);
    let mut request = Request::from_parts(head, body);
    let upgrade = upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let request_id = worker.request_id();
    head::towards_backend(&mut head, client, &request_id, at.as_millisecond(), upgrade.is_some());
    forward::forward(worker, client, Job { target, host, head, upgrade, record, request_id, started }, body).await
}

/// The instance that the request asks for by `X-CF-APP-INSTANCE` or `X-CF-PROCESS-INSTANCE`, if it does.
fn pinned(
    entry: &Arc<Entry>,
    head: &http::request::Parts,
    host: &str,
) -> Result<Option<Arc<crate::index::Endpoint>>, Box<Response<Reply>>> {
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
