//! One line, in Gorouter's form:
//!
//! `host - [time] "METHOD path HTTP/1.1" status rx tx "referer" "agent" "client:port" "backend:port" x_forwarded_for:"…"
//! x_forwarded_proto:"…" vcap_request_id:"…" response_time:… gorouter_time:… app_id:"…" app_index:"…"`

use crate::digits::Digits;
use crate::index::Instance;
use http::request::Parts;
use http::{HeaderValue, Version, header};
use jiff::Timestamp;
use std::cell::RefCell;
use std::time::Duration;

/// What is known when the answer has been sent.
pub(crate) struct Outcome<'a> {
    /// The request, as it came.
    pub(crate) head: &'a Parts,
    /// Nanoseconds since 1970 at which it came.
    pub(crate) at: i64,
    pub(crate) status: u16,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Address and port.
    pub(crate) client: &'a str,
    pub(crate) instance: &'a Instance,
    pub(crate) forwarded_for: &'a HeaderValue,
    pub(crate) forwarded_proto: &'a HeaderValue,
    pub(crate) request_id: &'a [u8],
    /// How long the backend was waited for.
    pub(crate) waited: Duration,
    /// From the request's arrival to the end of its answer.
    pub(crate) whole: Duration,
}

impl Outcome<'_> {
    /// Appends the line, without an end.
    pub(crate) fn write(&self, text: &mut String) {
        let headers = &self.head.headers;
        match self.head.uri.authority() {
            Some(authority) => text.push_str(authority.as_str()),
            None => plain(text, headers.get(header::HOST)),
        }
        text.push_str(" - [");
        time(text, self.at);
        text.push_str("] \"");
        text.push_str(self.head.method.as_str());
        text.push(' ');
        text.push_str(self.head.uri.path_and_query().map_or("/", |path| path.as_str()));
        text.push_str(match self.head.version {
            Version::HTTP_10 => " HTTP/1.0\" ",
            Version::HTTP_2 => " HTTP/2.0\" ",
            _ => " HTTP/1.1\" ",
        });
        for value in [u64::from(self.status), self.received, self.sent] {
            text.push_str(Digits::of(value).as_str());
            text.push(' ');
        }
        quoted(text, headers.get(header::REFERER).map(HeaderValue::as_bytes));
        text.push(' ');
        quoted(text, headers.get(header::USER_AGENT).map(HeaderValue::as_bytes));
        for address in [self.client, &self.instance.address] {
            text.push_str(" \"");
            text.push_str(address);
            text.push('"');
        }
        text.push_str(" x_forwarded_for:");
        quoted(text, Some(self.forwarded_for.as_bytes()));
        text.push_str(" x_forwarded_proto:");
        quoted(text, Some(self.forwarded_proto.as_bytes()));
        text.push_str(" vcap_request_id:");
        quoted(text, Some(self.request_id));
        let own = self.whole.saturating_sub(self.waited);
        for (label, time) in [(" response_time:", self.whole), (" gorouter_time:", own)] {
            text.push_str(label);
            text.push_str(Digits::of(time.as_secs()).as_str());
            text.push('.');
            text.push_str(Digits::padded(u64::from(time.subsec_micros()), 6).as_str());
        }
        text.push_str(" app_id:\"");
        text.push_str(&self.instance.backend.app);
        text.push_str("\" app_index:\"");
        text.push_str(Digits::of(u64::from(self.instance.backend.index)).as_str());
        text.push('"');
    }
}

fn plain(text: &mut String, value: Option<&HeaderValue>) {
    text.push_str(value.and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty()).unwrap_or("-"));
}

/// In quotes, `-` for nothing; what could end the quotes or the line is escaped.
fn quoted(text: &mut String, value: Option<&[u8]>) {
    text.push('"');
    match value {
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
        text.push_str(Digits::padded(nanos as u64, 9).as_str());
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
        let backend = crate::Backend {
            address: "10.0.0.2:8080".parse().expect("an address"),
            app: "guid".to_owned(),
            process: "p".to_owned(),
            instance: "i".to_owned(),
            index: 12,
            weight: None,
            protocol: crate::Protocol::Http1,
        };
        let endpoint = crate::index::Endpoint::instance(backend);
        let outcome = Outcome {
            head: &request.into_parts().0,
            at: 1_800_000_000_000_000_007,
            status: 200,
            received: 3,
            sent: 40,
            client: "127.0.0.1:5000",
            instance: endpoint.instance.as_ref().expect("it is one"),
            forwarded_for: &HeaderValue::from_static("127.0.0.1"),
            forwarded_proto: &HeaderValue::from_static("http"),
            request_id: b"id",
            waited: Duration::from_micros(1_200_000),
            whole: Duration::from_micros(1_200_034),
        };
        let mut line = String::new();
        outcome.write(&mut line);
        let wanted = concat!(
            r#"x.apps.localhost - [2027-01-15T08:00:00.000000007Z] "GET /a?b=c HTTP/1.1" 200 3 40 "-" "says \"hi\"\\" "#,
            r#""127.0.0.1:5000" "10.0.0.2:8080" x_forwarded_for:"127.0.0.1" x_forwarded_proto:"http" vcap_request_id:"id" "#,
            r#"response_time:1.200034 gorouter_time:0.000034 app_id:"guid" app_index:"12""#
        );
        assert_eq!(line, wanted);
    }
}
