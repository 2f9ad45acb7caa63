//! One line, in Gorouter's form:
//!
//! `host - [time] "METHOD path HTTP/1.1" status rx tx "referer" "agent" "client:port" "backend:port" x_forwarded_for:"…"
//! x_forwarded_proto:"…" vcap_request_id:"…" response_time:… gorouter_time:… app_id:"…" app_index:"…"`

use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use jiff::Timestamp;
use std::cell::RefCell;
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
}

/// What is known when the answer has been sent.
pub(crate) struct Outcome<'a> {
    pub(crate) status: u16,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Address and port.
    pub(crate) client: &'a str,
    /// Address and port.
    pub(crate) backend: &'a str,
    pub(crate) forwarded_for: Option<&'a HeaderValue>,
    pub(crate) forwarded_proto: Option<&'a HeaderValue>,
    pub(crate) request_id: &'a HeaderValue,
    /// How long the backend was waited for.
    pub(crate) waited: Duration,
    pub(crate) app: &'a str,
    pub(crate) index: u32,
}

impl Record {
    /// Notes the request as it came.
    pub(crate) fn new(head: &http::request::Parts, at: i64, started: Instant) -> Self {
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
        }
    }

    /// Nanoseconds since 1970 at which it came.
    pub(crate) fn at(&self) -> i64 {
        self.at
    }

    /// Appends the finished line, without an end.
    pub(crate) fn write(&self, text: &mut String, outcome: &Outcome<'_>, now: Instant) {
        match self.uri.authority() {
            Some(authority) => text.push_str(authority.as_str()),
            None => plain(text, self.host.as_ref()),
        }
        text.push_str(" - [");
        time(text, self.at);
        text.push_str("] \"");
        text.push_str(self.method.as_str());
        text.push(' ');
        text.push_str(self.uri.path_and_query().map_or("/", |path| path.as_str()));
        text.push_str(match self.version {
            Version::HTTP_10 => " HTTP/1.0\" ",
            Version::HTTP_2 => " HTTP/2.0\" ",
            _ => " HTTP/1.1\" ",
        });
        for value in [u64::from(outcome.status), outcome.received, outcome.sent] {
            number(text, value, 1);
            text.push(' ');
        }
        quoted(text, self.referer.as_ref());
        text.push(' ');
        quoted(text, self.agent.as_ref());
        for address in [outcome.client, outcome.backend] {
            text.push_str(" \"");
            text.push_str(address);
            text.push('"');
        }
        text.push_str(" x_forwarded_for:");
        quoted(text, outcome.forwarded_for);
        text.push_str(" x_forwarded_proto:");
        quoted(text, outcome.forwarded_proto);
        text.push_str(" vcap_request_id:");
        quoted(text, Some(outcome.request_id));
        let whole = now.duration_since(self.started);
        for (label, time) in [(" response_time:", whole), (" gorouter_time:", whole.saturating_sub(outcome.waited))] {
            text.push_str(label);
            number(text, time.as_secs(), 1);
            text.push('.');
            number(text, u64::from(time.subsec_micros()), 6);
        }
        text.push_str(" app_id:\"");
        text.push_str(outcome.app);
        text.push_str("\" app_index:\"");
        number(text, u64::from(outcome.index), 1);
        text.push('"');
    }
}

/// Decimal digits, at least `width`. Without the machinery of `format!`, which would be a good part of a request's cost.
fn number(text: &mut String, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value > 0 {
        at -= 1;
        digits[at] += (value % 10) as u8;
        value /= 10;
    }
    at = at.min(digits.len() - width);
    text.push_str(std::str::from_utf8(&digits[at..]).expect("digits"));
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
        text.push_str(prefix);
        text.push('.');
        number(text, nanos as u64, 9);
        text.push('Z');
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
        let started = Instant::now();
        let record = Record::new(&request.into_parts().0, 1_800_000_000_000_000_007, started);
        let one = HeaderValue::from_static("127.0.0.1");
        let outcome = Outcome {
            status: 200,
            received: 3,
            sent: 40,
            client: "127.0.0.1:5000",
            backend: "10.0.0.2:8080",
            forwarded_for: Some(&one),
            forwarded_proto: Some(&HeaderValue::from_static("http")),
            request_id: &HeaderValue::from_static("id"),
            waited: Duration::from_micros(1_200_000),
            app: "guid",
            index: 12,
        };
        let mut line = String::new();
        record.write(&mut line, &outcome, started + Duration::from_micros(1_200_034));
        let wanted = concat!(
            r#"x.apps.localhost - [2027-01-15T08:00:00.000000007Z] "GET /a?b=c HTTP/1.1" 200 3 40 "-" "says \"hi\"\\" "#,
            r#""127.0.0.1:5000" "10.0.0.2:8080" x_forwarded_for:"127.0.0.1" x_forwarded_proto:"http" vcap_request_id:"id" "#,
            r#"response_time:1.200034 gorouter_time:0.000034 app_id:"guid" app_index:"12""#
        );
        assert_eq!(line, wanted);
    }
}
