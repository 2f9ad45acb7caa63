//! Sends a request to an instance, to another one if need be, and makes the answer of what comes back.

use super::attempt::attempt;
use super::body::{Content, Outgoing, Passed, Progress, Reply, Stall, Upload};
use super::finish::Finish;
use super::host::Host;
use super::{cookies, head, refuse, tunnel};
use crate::access::Record;
use crate::gateway;
use crate::index::{Endpoint, Entry};
use crate::worker::{Client, Worker};
use http::header::{HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Instances tried for one request, at most.
const ATTEMPTS: usize = 3;

/// A body up to this size is held for a second attempt, if the request's method allows one.
const SMALL_BODY: u64 = 16 * 1024;

/// Whose the request is.
pub(crate) enum Target {
    /// An application's, of which the client may have named the instance.
    App { entry: Arc<Entry>, pin: Option<Arc<Endpoint>> },
    /// The platform's own.
    Control,
}

/// A request on its way.
pub(crate) struct Job {
    pub(crate) target: Target,
    /// The call of a job that it is, if it is one.
    pub(crate) call: Option<Box<gateway::Call>>,
    pub(crate) host: Host,
    /// Always there but while it is being sent. In one place for its whole way: it is large to be moved about.
    pub(crate) request: Option<Request<Outgoing>>,
    pub(crate) upload: Rc<Upload>,
    pub(crate) upgrade: Option<OnUpgrade>,
    pub(crate) record: Option<Record>,
    pub(crate) request_id: HeaderValue,
    pub(crate) started: Instant,
}

/// Sends the request; answers in any case.
pub(crate) async fn forward(worker: &Rc<Worker>, client: &Rc<Client>, mut job: Box<Job>) -> Response<Reply> {
    let Some(request) = job.request.as_mut() else {
        return refuse::broken();
    };
    let repeatable = job.upgrade.is_none() && request.method().is_idempotent();
    if repeatable && let Err(refusal) = hold_small(request.body_mut(), &job.upload).await {
        return *refusal;
    }
    let session = Session::of(request.headers());
    let accept = matches!(job.target, Target::Control).then(|| refuse::accept(request.headers())).flatten();
    let (record, request_id) = (job.record.take(), job.request_id.clone());
    let mut finish = Finish::new(worker, client, request, record, request_id, &job.upload, job.started);
    let mut tried = Vec::new();
    let mut refusal = None;
    loop {
        let Some(endpoint) = choose(worker, &job.target, session.instance.as_deref(), &tried) else {
            let none = || match &job.call {
                Some(call) => gateway::dead(call, true, "no instance of it runs"),
                None => refuse::no_endpoints(&job.host),
            };
            return finish.refused(refusal.unwrap_or_else(none));
        };
        tried.push(endpoint.id);
        job.request.iter_mut().for_each(|request| name_instance(request.headers_mut(), &endpoint));
        finish.tries(&endpoint);
        let failure = match attempt(worker, &endpoint, &mut job.request, &job.upload, repeatable).await {
            Ok((lease, response)) => {
                endpoint.restore();
                finish.answered(lease.sender, response.status());
                return answer(finish, response, job.upgrade.take(), &session, job.call.as_deref());
            }
            Err(failure) => failure,
        };
        match job.upload.progress.get() {
            Progress::Stalled => return finish.refused(refuse::stalled()),
            Progress::Broken => return finish.refused(refuse::broken()),
            Progress::Running | Progress::Done => {}
        }
        if matches!(job.target, Target::Control) {
            worker.counters().control_away.fetch_add(1, Relaxed);
            tracing::debug!(why = failure.why, "control does not answer");
            return finish.refused(refuse::control_away(accept.as_ref()));
        }
        if failure.refused {
            endpoint.eject(worker.shared.timeouts.ejection);
        }
        let words = match &job.call {
            Some(call) => gateway::dead(call, failure.refused, &failure.why),
            None => refuse::endpoint_failure(&endpoint, &failure.why),
        };
        if job.request.is_none() || tried.len() == ATTEMPTS {
            return finish.refused(words);
        }
        refusal = Some(words);
        worker.counters().retries.fetch_add(1, Relaxed);
    }
}

/// The next place to try; `None` when there is none.
fn choose(worker: &Worker, target: &Target, sticky: Option<&str>, tried: &[u64]) -> Option<Arc<Endpoint>> {
    let (entry, pin) = match target {
        Target::Control => return Some(Arc::clone(&worker.shared.control)),
        Target::App { entry, pin } => (entry, pin),
    };
    if let Some(pin) = pin {
        return tried.is_empty().then(|| Arc::clone(pin));
    }
    let own = sticky.filter(|_| tried.is_empty()).and_then(|instance| {
        let endpoints = entry.balance.endpoints().iter();
        endpoints.filter(|one| !one.is_ejected()).find(|one| one.backend().is_some_and(|b| b.instance == instance))
    });
    own.or_else(|| entry.balance.pick(tried)).map(Arc::clone)
}

/// The session that the client's cookies name.
struct Session {
    present: bool,
    instance: Option<String>,
}

impl Session {
    fn of(headers: &HeaderMap) -> Self {
        Self { present: cookies::has_session(headers), instance: cookies::instance(headers).map(str::to_owned) }
    }
}

/// Takes the client's body in, if it is small, so that it can be sent twice.
async fn hold_small(body: &mut Outgoing, upload: &Upload) -> Result<(), Box<Response<Reply>>> {
    let small = body.size_hint().upper().is_some_and(|most| most <= SMALL_BODY);
    if !small || body.is_end_stream() {
        return Ok(());
    }
    // On the heap: rare, and large.
    match Box::pin(body.collect()).await {
        Ok(whole) => {
            upload.progress.set(Progress::Done);
            *body = Outgoing::Small(Some(whole.to_bytes()));
            Ok(())
        }
        Err(_) if upload.progress.get() == Progress::Stalled => Err(Box::new(refuse::stalled())),
        Err(_) => Err(Box::new(refuse::broken())),
    }
}

/// Tells the instance who it is.
fn name_instance(headers: &mut HeaderMap, endpoint: &Endpoint) {
    if let Some(instance) = &endpoint.instance {
        headers.insert(head::APPLICATION, instance.app.clone());
        headers.insert(head::INSTANCE, instance.id.clone());
        headers.insert(head::INDEX, instance.index.clone());
    }
}

/// The client's answer, made of the backend's.
fn answer(
    mut finish: Finish,
    response: Response<Incoming>,
    upgrade: Option<OnUpgrade>,
    session: &Session,
    call: Option<&gateway::Call>,
) -> Response<Reply> {
    let timeouts = finish.worker().shared.timeouts.clone();
    let (mut head, body) = response.into_parts();
    let switching = head.status == StatusCode::SWITCHING_PROTOCOLS;
    if !switching {
        head::strip_hop_by_hop(&mut head.headers);
    }
    head.version = Version::HTTP_11;
    head.headers.insert(head::REQUEST_ID, finish.request_id().clone());
    if let Some(call) = call {
        gateway::finish(call, &mut head.headers);
    } else if let Some(backend) = finish.endpoint().and_then(|endpoint| endpoint.backend()) {
        let moved = session.present && session.instance.as_ref() != Some(&backend.instance);
        cookies::bind(&mut head.headers, &backend.instance, moved, finish.secure());
    }
    if !switching {
        let stall = Stall::new(timeouts.response);
        // An empty body is never asked for its end.
        finish.complete = body.is_end_stream();
        let passed = Passed { incoming: body, finish, stall };
        return Response::from_parts(head, Reply { content: Content::Passed(Box::new(passed)), client: None });
    }
    let mut response = Response::from_parts(head, body);
    let Some(upgrade) = upgrade else {
        let words = match finish.endpoint() {
            Some(endpoint) => refuse::endpoint_failure(endpoint, "it switched protocols without having been asked"),
            None => refuse::control_away(None),
        };
        return finish.refused(words);
    };
    let backend = hyper::upgrade::on(&mut response);
    tunnel::join(upgrade, backend, finish, timeouts.tunnel);
    let (mut head, _) = response.into_parts();
    head.extensions.clear();
    Response::from_parts(head, Reply { content: Content::Own(None), client: None })
}
