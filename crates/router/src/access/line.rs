//! One line, in Gorouter's form:
//!
//! `host - [time] "METHOD path HTTP/1.1" status rx tx "referer" "agent" "client:port" "backend:port" x_forwarded_for:"…"
//! x_forwarded_proto:"…" vcap_request_id:"…" response_time:… gorouter_time:… app_id:"…" app_index:"…"`

use super::sink;
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use jiff::Timestamp;
use logs::Line;
use std::cell::RefCell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is known when the request arrives.
pub(crate) struct Record {
    at: i64,
    pub(crate) started: Instant,
    method: Method,
    uri: Uri,
    version: Version,
    host: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    client: SocketAddr,
}

/// What is known when the answer has been sent.
pub(crate) struct Outcome<'a> {
    pub(crate) status: u16,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) backend: Option<SocketAddr>,
    pub(crate) forwarded_for: Option<&'a HeaderValue>,
    pub(crate) forwarded_proto: Option<&'a HeaderValue>,
    pub(crate) request_id: &'a HeaderValue,
    /// What of the response time was not spent waiting for the backend.
    pub(crate) own: Duration,
    pub(crate) app: &'a str,
    pub(crate) index: u32,
}

impl Record {
    /// Notes the request as it came.
    pub(crate) fn new(head: &http::request::Parts, client: SocketAddr, at: i64, started: Instant) -> Self {
        let get = |headers: &HeaderMap, name| headers.get(name).cloned();
        Self {
            at,
            started,
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            host: get(&head.headers, header::HOST),
            referer: get(&head.headers, header::REFERER),
            agent: get(&head.headers, header::USER_AGENT),
            client,
        }
    }

    /// The finished line.
    pub(crate) fn line(&self, outcome: &Outcome<'_>) -> Line {
        let mut text = String::with_capacity(448);
        // Writing to a String cannot fail; so all results below are dropped.
        match self.uri.authority() {
            Some(authority) => text.push_str(authority.as_str()),
            None => plain(&mut text, self.host.as_ref()),
        }
        text.push_str(" - [");
        time(&mut text, self.at);
        text.push_str("] \"");
        text.push_str(self.method.as_str());
        text.push(' ');
        text.push_str(self.uri.path_and_query().map_or("/", |path| path.as_str()));
        let _ = write!(text, " {:?}\" {} {} {} ", self.version, outcome.status, outcome.received, outcome.sent);
        quoted(&mut text, self.referer.as_ref());
        text.push(' ');
        quoted(&mut text, self.agent.as_ref());
        let _ = write!(text, " \"{}\" ", self.client);
        let _ = match outcome.backend {
            Some(backend) => write!(text, "\"{backend}\""),
            None => write!(text, "\"-\""),
        };
        text.push_str(" x_forwarded_for:");
        quoted(&mut text, outcome.forwarded_for);
        text.push_str(" x_forwarded_proto:");
        quoted(&mut text, outcome.forwarded_proto);
        text.push_str(" vcap_request_id:");
        quoted(&mut text, Some(outcome.request_id));
        let whole = self.started.elapsed();
        let _ = write!(
            text,
            " response_time:{}.{:06} gorouter_time:{}.{:06} app_id:\"{}\" app_index:\"{}\"",
            whole.as_secs(),
            whole.subsec_micros(),
            outcome.own.as_secs(),
            outcome.own.subsec_micros(),
            outcome.app,
            outcome.index
        );
        sink::line(self.at, outcome.index, text)
    }
}

fn plain(text: &mut String, value: Option<&HeaderValue>) {
    text.push_str(value.and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty()).unwrap_or("-"));
}

/// In quotes, `-` for nothing; what could end the quotes or the line is escaped.
fn quoted(text: &mut String, value: Option<&HeaderValue>) {
    text.push('"');
    match value.map(HeaderValue::as_bytes) {
        None | Some([]) => text.push('-'),
        Some(bytes) if bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) => {
            text.push_str(std::str::from_utf8(bytes).expect("visible ASCII"));
        }
        Some(bytes) => {
            for letter in String::from_utf8_lossy(bytes).chars() {
                match letter {
                    '"' | '\\' => text.extend(['\\', letter]),
                    letter if letter.is_control() => text.extend(letter.escape_default()),
                    letter => text.push(letter),
                }
            }
        }
    }
    text.push('"');
}

/// `2026-11-20T13:45:17.123456789Z`; the part before the point is made once a second.
fn time(text: &mut String, at: i64) {
    thread_local! {
        static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    let (second, nanos) = (at.div_euclid(1_000_000_000), at.rem_euclid(1_000_000_000));
    SECOND.with_borrow_mut(|(known, prefix)| {
        if *known != second {
            *known = second;
            *prefix = Timestamp::from_second(second).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
        let _ = write!(text, "{prefix}.{nanos:09}Z");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_gorouters() {
        let request = http::Request::get("/a?b=c")
            .header("host", "x.apps.localhost")
            .header("user-agent", "says \"hi\"\\")
            .body(())
            .expect("valid");
        let client = "127.0.0.1:5000".parse().expect("valid");
        let record = Record::new(&request.into_parts().0, client, 1_800_000_000_000_000_007, Instant::now());
        let one = HeaderValue::from_static("127.0.0.1");
        let outcome = Outcome {
            status: 200,
            received: 3,
            sent: 4,
            backend: Some("10.0.0.2:8080".parse().expect("valid")),
            forwarded_for: Some(&one),
            forwarded_proto: Some(&HeaderValue::from_static("http")),
            request_id: &HeaderValue::from_static("id"),
            own: Duration::from_micros(120),
            app: "guid",
            index: 2,
        };
        let line = record.line(&outcome);
        let (before, after) = line.payload.split_once(" response_time:").expect("has a response time");
        let wanted = concat!(
            r#"x.apps.localhost - [2027-01-15T08:00:00.000000007Z] "GET /a?b=c HTTP/1.1" 200 3 4 "-" "says \"hi\"\\" "#,
            r#""127.0.0.1:5000" "10.0.0.2:8080" x_forwarded_for:"127.0.0.1" x_forwarded_proto:"http" vcap_request_id:"id""#
        );
        assert_eq!(before, wanted);
        assert!(after.ends_with(r#" gorouter_time:0.000120 app_id:"guid" app_index:"2""#), "{after}");
    }
}
