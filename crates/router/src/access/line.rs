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
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        let (mut host, mut referer, mut agent) = (None, None, None);
        for (name, value) in &self.head.headers {
            let place = match *name {
                header::HOST => &mut host,
                header::REFERER => &mut referer,
                header::USER_AGENT => &mut agent,
                _ => continue,
            };
            place.get_or_insert(value.as_bytes());
        }
        match self.head.uri.authority() {
            Some(authority) => say(text, authority.as_str()),
            None => escaped(text, host),
        }
        say(text, " - [");
        time(text, self.at);
        say(text, "] \"");
        say(text, self.head.method.as_str());
        text.push(b' ');
        say(text, self.head.uri.path_and_query().map_or("/", |path| path.as_str()));
        say(
            text,
            match self.head.version {
                Version::HTTP_10 => " HTTP/1.0\" ",
                Version::HTTP_2 => " HTTP/2.0\" ",
                _ => " HTTP/1.1\" ",
            },
        );
        for value in [u64::from(self.status), self.received, self.sent] {
            text.extend_from_slice(Digits::of(value).as_bytes());
            text.push(b' ');
        }
        quoted(text, referer);
        text.push(b' ');
        quoted(text, agent);
        for address in [self.client, &self.instance.address] {
            say(text, " \"");
            say(text, address);
            text.push(b'"');
        }
        say(text, " x_forwarded_for:");
        quoted(text, Some(self.forwarded_for.as_bytes()));
        say(text, " x_forwarded_proto:");
        quoted(text, Some(self.forwarded_proto.as_bytes()));
        say(text, " vcap_request_id:");
        quoted(text, Some(self.request_id));
        let own = self.whole.saturating_sub(self.waited);
        for (label, time) in [(" response_time:", self.whole), (" gorouter_time:", own)] {
            say(text, label);
            text.extend_from_slice(Digits::of(time.as_secs()).as_bytes());
            text.push(b'.');
            text.extend_from_slice(Digits::padded(u64::from(time.subsec_micros()), 6).as_bytes());
        }
        say(text, " app_id:\"");
        say(text, &self.instance.backend.app);
        say(text, "\" app_index:\"");
        text.extend_from_slice(Digits::of(u64::from(self.instance.backend.index)).as_bytes());
        text.push(b'"');
    }
}

fn say(text: &mut Vec<u8>, words: &str) {
    text.extend_from_slice(words.as_bytes());
}

fn quoted(text: &mut Vec<u8>, value: Option<&[u8]>) {
    text.push(b'"');
    escaped(text, value);
    text.push(b'"');
}

/// `-` for nothing; what could end the quotes or the line is escaped.
fn escaped(text: &mut Vec<u8>, value: Option<&[u8]>) {
    const FINE: [bool; 256] = {
        let mut fine = [false; 256];
        let mut byte = b' ';
        while byte <= b'~' {
            fine[byte as usize] = byte != b'"' && byte != b'\\';
            byte += 1;
        }
        fine
    };
    match value {
        None | Some([]) => text.push(b'-'),
        Some(bytes) if bytes.iter().all(|byte| FINE[usize::from(*byte)]) => text.extend_from_slice(bytes),
        Some(bytes) => {
            for letter in String::from_utf8_lossy(bytes).chars() {
                match letter {
                    '"' | '\\' => text.extend_from_slice(&[b'\\', letter as u8]),
                    letter if letter.is_control() => letter.escape_default().for_each(|letter| text.push(letter as u8)),
                    letter => say(text, letter.encode_utf8(&mut [0; 4])),
                }
            }
        }
    }
}

/// `2026-11-20T13:45:17.123456789Z`; the part before the point is made once a second.
fn time(text: &mut Vec<u8>, at: i64) {
    thread_local! {
        static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    let (second, nanos) = (at.div_euclid(1_000_000_000), at.rem_euclid(1_000_000_000));
    SECOND.with_borrow_mut(|(known, prefix)| {
        if *known != second {
            *known = second;
            *prefix = Timestamp::from_second(second).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
        say(text, prefix.as_str());
        text.push(b'.');
        text.extend_from_slice(Digits::padded(nanos as u64, 9).as_bytes());
        text.push(b'Z');
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
        let mut line = Vec::new();
        outcome.write(&mut line);
        let line = String::from_utf8(line).expect("text");
        let wanted = concat!(
            r#"x.apps.localhost - [2027-01-15T08:00:00.000000007Z] "GET /a?b=c HTTP/1.1" 200 3 40 "-" "says \"hi\"\\" "#,
            r#""127.0.0.1:5000" "10.0.0.2:8080" x_forwarded_for:"127.0.0.1" x_forwarded_proto:"http" vcap_request_id:"id" "#,
            r#"response_time:1.200034 gorouter_time:0.000034 app_id:"guid" app_index:"12""#
        );
        assert_eq!(line, wanted);
    }
}
