//! Sends a request to an instance, to another one if need be, and makes the answer of what comes back.

use super::attempt::attempt;
use super::body::{Answer, Content, Outgoing, Progress, Reply};
use super::host::Host;
use super::passage::Passage;
use super::{cookies, head, refuse, tunnel};
use crate::gateway::{self, Fault};
use crate::index::{Endpoint, Entry};
use http::{Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Instances tried for one request, at most.
const ATTEMPTS: usize = 3;

/// A body up to this size is held for a second attempt, if the request's method allows one.
const SMALL_BODY: u64 = 16 * 1024;

/// Whose the request is.
pub(crate) enum Target {
    /// An application's, of which the client may have named the instance.
    App { entry: Arc<Entry>, pin: Option<Arc<Endpoint>> },
    /// A job's, which the caller may call.
    Job(Box<gateway::Call>),
    /// The platform's own.
    Control,
}

/// Sends the request; answers in any case.
pub(crate) async fn forward(mut passage: Box<Passage>) -> Response<Reply> {
    let repeatable = passage.is_repeatable();
    if repeatable && let Err(refusal) = hold_small(&mut passage).await {
        return passage.failed(Fault::Canceled, refusal);
    }
    let mut tried = Vec::new();
    let mut refusal = None;
    loop {
        let Some(endpoint) = choose(&passage, &tried) else {
            let none = || match passage.call() {
                Some(call) => gateway::dead(call, Fault::Refused, "no instance of it runs"),
                None => refuse::no_endpoints(&Host::of(&passage.head).unwrap_or_default()),
            };
            let (fault, refusal) = refusal.unwrap_or_else(|| (Fault::Refused, none()));
            return passage.failed(fault, refusal);
        };
        passage.tries(&endpoint);
        let failure = match attempt(&mut passage, &endpoint, repeatable).await {
            Ok(response) => {
                endpoint.restore();
                return answer(passage, response);
            }
            Err(failure) => failure,
        };
        match passage.progress() {
            Progress::Stalled => return passage.failed(Fault::Canceled, refuse::stalled()),
            Progress::Broken => return passage.failed(Fault::Canceled, refuse::broken()),
            Progress::Running | Progress::Done => {}
        }
        let counters = passage.worker.counters();
        if matches!(passage.target, Target::Control) {
            counters.control_away.fetch_add(1, Relaxed);
            tracing::debug!(why = failure.why, "control does not answer");
            let refusal = refuse::control_away(&passage.head.headers);
            return passage.refused(refusal);
        }
        if failure.fault == Fault::Refused {
            endpoint.eject(passage.worker.shared.timeouts.ejection);
        }
        let words = match passage.call() {
            Some(call) => gateway::dead(call, failure.fault, &failure.why),
            None => refuse::endpoint_failure(&endpoint, &failure.why),
        };
        tried.push(endpoint.id);
        if passage.body.is_none() || tried.len() == ATTEMPTS {
            return passage.failed(failure.fault, words);
        }
        refusal = Some((failure.fault, words));
        counters.retries.fetch_add(1, Relaxed);
    }
}

/// The next place to try; `None` when there is none.
fn choose(passage: &Passage, tried: &[u64]) -> Option<Arc<Endpoint>> {
    let (entry, pin) = match &passage.target {
        Target::Control => return Some(Arc::clone(&passage.worker.shared.control)),
        Target::Job(call) => (&call.job.entry, None),
        Target::App { entry, pin } => (entry, pin.as_ref()),
    };
    if let Some(pin) = pin {
        return tried.is_empty().then(|| Arc::clone(pin));
    }
    let sticky = if passage.marks.cookie && tried.is_empty() { cookies::instance(&passage.head.headers) } else { None };
    let own = sticky.and_then(|instance| {
        let endpoints = entry.balance.endpoints().iter();
        endpoints.filter(|one| !one.is_ejected()).find(|one| one.backend().is_some_and(|b| b.instance == instance))
    });
    own.or_else(|| entry.balance.pick(tried)).map(Arc::clone)
}

/// Takes the client's body in, if it is small, so that it can be sent twice.
async fn hold_small(passage: &mut Passage) -> Result<(), Response<Reply>> {
    let small =
        |body: &mut Outgoing| !body.is_end_stream() && body.size_hint().upper().is_some_and(|most| most <= SMALL_BODY);
    let Some(body) = passage.body.take_if(small) else { return Ok(()) };
    // On the heap: rare, and large.
    let whole = Box::pin(body.collect()).await;
    let Ok(whole) = whole else {
        return Err(if passage.progress() == Progress::Stalled { refuse::stalled() } else { refuse::broken() });
    };
    passage.upload.iter().for_each(|upload| upload.progress.set(Progress::Done));
    passage.body = Some(Outgoing::Small(Some(whole.to_bytes())));
    Ok(())
}

/// The client's answer, made of the backend's.
fn answer(mut passage: Box<Passage>, response: Response<()>) -> Response<Reply> {
    let (mut head, ()) = response.into_parts();
    head.version = Version::HTTP_11;
    head.headers.insert(head::REQUEST_ID, passage.request_id_value());
    if let Some(call) = passage.call() {
        gateway::finish(call, &mut head.headers);
    } else if let Some(backend) = passage.endpoint().and_then(|endpoint| endpoint.backend()) {
        let asked = &passage.head.headers;
        let session = passage.marks.cookie && cookies::has_session(asked);
        let moved = session && cookies::instance(asked) != Some(&backend.instance);
        cookies::bind(&mut head.headers, &backend.instance, moved, passage.client.secure);
    }
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        // An empty body is never asked for its end.
        passage.complete = passage.answer.as_ref().is_some_and(Answer::is_end_stream);
        return Response::from_parts(head, Reply { content: Content::Passed(passage), client: None });
    }
    let (Some(client), Some(Answer::Http1(backend))) = (passage.upgrade.take(), passage.answer.take()) else {
        let words = match passage.endpoint() {
            Some(endpoint) if endpoint.backend().is_some() => {
                refuse::endpoint_failure(endpoint, "it switched protocols without having been asked")
            }
            _ => refuse::control_away(&passage.head.headers),
        };
        return passage.refused(words);
    };
    tunnel::join(client, backend, passage);
    head.extensions.clear();
    Response::from_parts(head, Reply { content: Content::Own(None), client: None })
}
