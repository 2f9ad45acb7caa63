//! Runtime logs as the `racetrack` command follows them: Socket.IO over Engine.IO 4 by long polling, and nothing else of
//! either. Pages and other programs use `…/logs/stream`, which asks for credentials.
//!
//! The command sends no token here. So a subscription is let in only by what came just before it from the same address: the
//! question for that very job (`GET /job/NAME/VERSION`), with a token that may read it. Such an admission is good once and for
//! some seconds. Where many share one address and nobody is to be trusted with that, the setting `cli_log_stream` closes it.
//!
//! Invariant: a slow reader holds back its own lines only; a session that is not asked for is over within a minute.

mod session;

pub use session::Sessions;

use super::body;
use super::log::{self, Kind};
use crate::repo::deployment::Deployment;
use crate::repo::family::Family;
use crate::repo::job::Job;
use crate::repo::setting;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use router::VersionRef;
use serde::Deserialize;
use serde_json::{Value, json};
use session::{PING, Session};
use std::sync::Arc;
use std::time::Duration;

/// Packets of one payload are parted by this.
const PART: char = '\u{1e}';
/// Bytes that a client may send at once.
const MOST: usize = 1_000_000;
/// Between two looks for new lines.
const LOOK: Duration = Duration::from_millis(250);

/// What every request says of itself.
#[derive(Debug, Deserialize)]
pub struct Transport {
    #[serde(rename = "EIO")]
    protocol: Option<String>,
    transport: Option<String>,
    sid: Option<String>,
}

fn refused(code: u8, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "code": code, "message": message }))).into_response()
}

fn payload(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// The session that is meant, or what is wrong with the question.
fn find(jobs: &Jobs, asked: &Transport) -> Result<Option<Arc<Session>>, Box<Response>> {
    match asked.transport.as_deref() {
        Some("polling") => {}
        // Clients that try it go on by polling.
        Some("websocket") => return Err(Box::new(StatusCode::FORBIDDEN.into_response())),
        _ => return Err(Box::new(refused(0, "Transport unknown"))),
    }
    let Some(id) = &asked.sid else {
        let good = asked.protocol.as_deref() == Some("4");
        return if good { Ok(None) } else { Err(Box::new(refused(5, "Unsupported protocol version"))) };
    };
    match jobs.sessions.get(id) {
        Some(session) => Ok(Some(session)),
        None => Err(Box::new(refused(1, "Session ID unknown"))),
    }
}

/// `GET /lifecycle/socket.io/`: opens a session, or waits for what it has to say.
pub async fn poll(State(jobs): State<Jobs>, Query(asked): Query<Transport>) -> Response {
    match find(&jobs, &asked) {
        Err(refusal) => *refusal,
        Ok(Some(session)) => match session.take().await {
            Some(packets) => payload(packets.join(&PART.to_string())),
            None => refused(3, "another request is waiting for this session already"),
        },
        Ok(None) => match jobs.sessions.open() {
            Some(session) => {
                let hello = json!({
                    "sid": session.id,
                    "upgrades": [],
                    "pingTimeout": 20_000,
                    "pingInterval": PING.as_millis(),
                    "maxPayload": MOST,
                });
                payload(format!("0{hello}"))
            }
            None => (StatusCode::SERVICE_UNAVAILABLE, "too many follow logs already: try again later").into_response(),
        },
    }
}

/// `POST /lifecycle/socket.io/`: what the client says.
pub async fn post(
    State(jobs): State<Jobs>,
    Query(asked): Query<Transport>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, JobsError> {
    let session = match find(&jobs, &asked) {
        Ok(Some(session)) => session,
        Ok(None) => return Ok(refused(3, "Bad request: a session is opened by GET")),
        Err(refusal) => return Ok(*refusal),
    };
    session.touch();
    let said = body::read(request, MOST).await?;
    let Ok(said) = std::str::from_utf8(&said) else { return Ok(refused(3, "Bad request: no text")) };
    for packet in said.split(PART) {
        match packet.split_at_checked(1) {
            Some(("1", _)) => jobs.sessions.close(&session.id),
            Some(("4", message)) => hear(&jobs, &session, &headers, message),
            // A pong, and what is of no meaning here.
            _ => {}
        }
    }
    Ok(([(header::CONTENT_TYPE, "text/html")], "ok").into_response())
}

/// One Socket.IO packet.
fn hear(jobs: &Jobs, session: &Arc<Session>, headers: &HeaderMap, message: &str) {
    match message.split_at_checked(1) {
        Some(("0", place)) if place.is_empty() || place.starts_with(['{', ',']) || place.starts_with("/,") => {
            session.say(format!("40{}", json!({ "sid": session.id })));
        }
        Some(("0", place)) => {
            let name = place.split(',').next().unwrap_or_default();
            session.say(format!("44{name},{}", json!({ "message": "Unable to connect" })));
        }
        Some(("1", _)) => jobs.sessions.close(&session.id),
        Some(("2", rest)) => {
            let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let event: Value = serde_json::from_str(&rest[number.len()..]).unwrap_or_default();
            if event[0] == "subscribe_for_logs" {
                let (jobs, session, address) = (jobs.clone(), Arc::clone(session), address(headers));
                tokio::spawn(async move { follow(&jobs, &session, &address, &number, &event[1]).await });
            }
        }
        Some(("3", _)) => session.acknowledged(),
        _ => {}
    }
}

/// Sends the lines of a job, the newest first and then each as it comes, for as long as the session is asked for.
async fn follow(jobs: &Jobs, session: &Arc<Session>, address: &str, number: &str, event: &Value) {
    let wanted = &event["resource_properties"];
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let (name, version) = (text("job_name").to_owned(), text("job_version").to_owned());
    let acknowledgement = json!([format!("{}_{name}_{version}", session.id)]);
    let found = {
        let (name, version) = (name.clone(), version.clone());
        jobs.db.read(move |tx| {
            let open = setting::is_open(tx, setting::CLI_LOG_STREAM)?;
            let Some(family) = Family::named(tx, &name)? else { return Ok((open, None)) };
            Ok::<_, JobsError>((open, Job::resolve(tx, &family, &VersionRef::parse(&version))?))
        })
    };
    let job = match found.await {
        Ok((true, Some(job))) if jobs.sessions.admitted(address, &job.id) => job,
        refused => {
            let why = match refused {
                Ok((false, _)) => "an administrator has closed this stream (setting cli_log_stream)",
                Ok(_) => {
                    "logs are followed right after \"racetrack\" has asked for the job with a token that may read it"
                }
                Err(_) => "the database does not answer; try again",
            };
            let line = format!("the logs of job {name} {version} are not shown: {why}");
            session.say(format!("43{number}{acknowledgement}"));
            session.say_line(&line);
            session.say("41".into());
            return;
        }
    };
    session.say(format!("43{number}{acknowledgement}"));
    let tail = wanted["tail"].as_str().and_then(|tail| tail.parse().ok()).or(wanted["tail"].as_u64()).unwrap_or(20);
    let tail = usize::try_from(tail).unwrap_or(log::MOST).min(log::MOST);
    let source = job.deployment_id.map(|id| format!("{}{id}", Deployment::WORKLOAD)).unwrap_or_default();
    let mut after = jiff::Timestamp::now().as_nanosecond().try_into().unwrap_or(i64::MAX);
    let mut lines = log::lines(jobs, source.clone(), Kind::Runtime, 0, tail).await;
    loop {
        for line in &lines {
            after = line.at;
            if !session.room().await {
                return;
            }
            session.say_line(&line.payload);
        }
        if !session.is_open() {
            return;
        }
        tokio::time::sleep(LOOK).await;
        lines = log::lines(jobs, source.clone(), Kind::Runtime, after + 1, log::MOST).await;
    }
}

/// Remembers that somebody at this address may read the job, if it is the command that asks: it may want to follow its logs.
pub(super) fn admit(jobs: &Jobs, headers: &HeaderMap, job: &Job) {
    if headers.get(header::USER_AGENT).is_some_and(|agent| agent == "request") {
        jobs.sessions.admit(address(headers), job.id.clone());
    }
}

/// The client's address, as the front door wrote it.
pub(super) fn address(headers: &HeaderMap) -> String {
    let last = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|list| list.rsplit(',').next()).unwrap_or_default().trim().to_owned()
}
