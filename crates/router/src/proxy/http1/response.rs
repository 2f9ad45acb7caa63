//! The head of a backend's answer.

use super::chunked::Chunked;
use crate::proxy::head;
use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode};
use hyper::ext::ReasonPhrase;
use std::mem::MaybeUninit;
use std::ops::Range;

/// The most bytes and lines of a head.
pub(super) const LONGEST_HEAD: usize = 256 * 1024;
const MOST_LINES: usize = 128;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    /// At the connection's end.
    Close,
}

/// An answer's head, without what belongs to the backend's connection (but for that of 101, which is about to be another).
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) response: Response<()>,
    pub(super) framing: Framing,
    /// The connection can be used again afterwards.
    pub(super) keep: bool,
}

/// Takes a head from the front of `input`; `None` when it is not all there. News on the way (1xx) are left out.
pub(super) fn take_head(input: &mut BytesMut, method: &Method) -> Result<Option<Head>, String> {
    loop {
        let head = take_one(input, method)?;
        let news = |head: &Head| {
            head.response.status().is_informational() && head.response.status() != StatusCode::SWITCHING_PROTOCOLS
        };
        if !head.as_ref().is_some_and(news) {
            return Ok(head);
        }
    }
}

fn take_one(input: &mut BytesMut, method: &Method) -> Result<Option<Head>, String> {
    let mut places = [const { MaybeUninit::uninit() }; MOST_LINES];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut parsed, input, &mut places) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() >= LONGEST_HEAD => return Err("its head never ends".to_owned()),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or("its status is no status")?;
    let mut response = Response::new(());
    *response.status_mut() = status;
    let reason = parsed.reason.unwrap_or_default();
    if Some(reason) != status.canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        response.extensions_mut().insert(reason);
    }
    let oldest = parsed.version == Some(0);
    // Values are cut out of the input, not copied; so where they lie is noted first.
    let start = input.as_ptr() as usize;
    let place = |value: &[u8]| {
        let from = if value.is_empty() { 0 } else { value.as_ptr() as usize - start };
        from..from + value.len()
    };
    let lines = parsed.headers.iter().map(|line| Some((line.name.parse().ok()?, place(line.value))));
    let lines: Option<Vec<(HeaderName, Range<usize>)>> = lines.collect();
    let bytes = input.split_to(length).freeze();
    let headers = response.headers_mut();
    // And what is about to be added.
    headers.reserve(lines.as_ref().map_or(0, Vec::len) + 2);
    for (name, place) in lines.ok_or("a header of it has no name")? {
        let value = HeaderValue::from_maybe_shared(bytes.slice(place));
        headers.append(name, value.map_err(|_| "a header of it is no text")?);
    }
    let framing = framing(headers, status, method, oldest)?;
    let keep = keep(headers, oldest) && framing != Framing::Close && status != StatusCode::SWITCHING_PROTOCOLS;
    if status != StatusCode::SWITCHING_PROTOCOLS {
        if headers.contains_key(TRANSFER_ENCODING) {
            // Where both are, the length is a lie (RFC 9112 6.3).
            headers.remove(CONTENT_LENGTH);
        }
        head::strip_hop_by_hop(headers);
    }
    Ok(Some(Head { response, framing, keep }))
}

/// RFC 9112 6.3, stricter: a coding that nobody here can decode is an error, not a body up to the connection's end.
fn framing(headers: &HeaderMap, status: StatusCode, method: &Method, oldest: bool) -> Result<Framing, &'static str> {
    let bodiless = status.is_informational() || matches!(status.as_u16(), 204 | 304) || method == Method::HEAD;
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if oldest || codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err("its Transfer-Encoding is not `chunked`");
        }
        return Ok(if bodiless { Framing::Length(0) } else { Framing::Chunked(Chunked::Size) });
    }
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for part in value.as_bytes().split(|byte| *byte == b',') {
            let part = number(part.trim_ascii()).ok_or("its Content-Length is no number")?;
            if *length.get_or_insert(part) != part {
                return Err("it has two different Content-Lengths");
            }
        }
    }
    Ok(match length {
        _ if bodiless => Framing::Length(0),
        Some(length) => Framing::Length(length),
        None => Framing::Close,
    })
}

fn number(text: &[u8]) -> Option<u64> {
    // No sign, which `parse` would take.
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// Does the backend keep the connection open?
fn keep(headers: &HeaderMap, oldest: bool) -> bool {
    let mut tokens = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let wanted: &[u8] = if oldest { b"keep-alive" } else { b"close" };
    tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(wanted)) == oldest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str, method: Method) -> Result<Option<Head>, String> {
        take_head(&mut BytesMut::from(text), &method)
    }

    #[test]
    fn the_end_of_a_body_is_known_or_the_answer_is_refused() {
        let ok = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        let cases = [
            (ok("Content-Length: 5\r\n"), Framing::Length(5), true),
            (ok("Content-Length: 5\r\nContent-Length: 5, 5\r\n"), Framing::Length(5), true),
            (ok("Transfer-Encoding: Chunked\r\n"), Framing::Chunked(Chunked::Size), true),
            (ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Framing::Chunked(Chunked::Size), true),
            (ok("Content-Length: 5\r\nConnection: x, Close\r\n"), Framing::Length(5), false),
            (ok(""), Framing::Close, false),
            ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), Framing::Length(0), true),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".to_owned(), Framing::Length(0), true),
            ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned(), Framing::Length(5), false),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n".to_owned(),
                Framing::Length(5),
                true,
            ),
            (
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n"
                    .to_owned(),
                Framing::Length(1),
                true,
            ),
        ];
        for (text, framing, keep) in cases {
            let head = take(&text, Method::GET).unwrap().unwrap();
            assert_eq!((head.framing, head.keep), (framing, keep), "{text}");
            assert!(!head.response.headers().contains_key("connection"), "{text}");
            assert!(take(&text[..text.len() - 1], Method::GET).unwrap().is_none(), "{text}");
        }
        let both = take(&ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Method::GET).unwrap().unwrap();
        assert!(both.response.headers().is_empty());
        let asked = take(&ok("Content-Length: 5\r\n"), Method::HEAD).unwrap().unwrap();
        assert_eq!((asked.framing, asked.response.headers().len()), (Framing::Length(0), 1));
        let long = format!("X: {}", "y".repeat(300_000));
        let wrong = [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "X : y\r\n",
            "X: y\r\n folded\r\n",
            &long,
        ];
        for lines in wrong {
            assert!(take(&ok(lines), Method::GET).is_err(), "{lines:.50}");
        }
        assert!(take("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::GET).is_err());
        assert!(take("SSH-2.0-x\r\n\r\n", Method::GET).is_err());
    }

    #[test]
    fn what_belongs_to_the_connection_goes_and_words_of_its_own_stay() {
        let text = "HTTP/1.1 200 Very Well\r\nX-Gone: 1\r\nKeep-Alive: 5\r\nConnection: x-gone\r\nA: 1\r\na: 2\r\nEmpty:\r\nContent-Length: 0\r\n\r\nrest";
        let mut input = BytesMut::from(text);
        let head = take_head(&mut input, &Method::GET).unwrap().unwrap();
        let mut lines: Vec<String> = head
            .response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        assert_eq!(lines, ["a: 1", "a: 2", "content-length: 0", "empty: "]);
        assert_eq!(head.response.extensions().get::<ReasonPhrase>().unwrap().as_bytes(), b"Very Well");
        assert_eq!(&input[..], b"rest");
    }
}
