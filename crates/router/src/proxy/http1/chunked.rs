//! The chunked coding of a body (RFC 9112 7.1), read.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

/// The longest line that tells a chunk's size, extensions included.
const LONGEST_LINE: usize = 4096;

/// The most bytes and lines of trailers.
const LONGEST_TRAILERS: usize = 16 * 1024;
const MOST_TRAILERS: usize = 100;

/// Where in the body the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    /// A size line begins.
    Size,
    /// So many bytes of data are to come.
    Data(u64),
    /// The line end after data.
    DataEnd,
    /// After the last chunk: trailers or the last line end.
    Trailers,
    /// All has come.
    End,
}

/// What the next bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// More bytes are needed.
    More,
}

impl Chunked {
    /// Takes the next piece from `input`.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Piece, &'static str> {
        loop {
            match *self {
                Self::Size => {
                    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
                        return if input.len() > LONGEST_LINE {
                            Err("a chunk's size never ends")
                        } else {
                            Ok(Piece::More)
                        };
                    };
                    let size = size(&input[..end])?;
                    input.advance(end + 1);
                    *self = if size == 0 { Self::Trailers } else { Self::Data(size) };
                }
                Self::Data(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    if here == 0 {
                        return Ok(Piece::More);
                    }
                    let left = left - here as u64;
                    *self = if left == 0 { Self::DataEnd } else { Self::Data(left) };
                    return Ok(Piece::Data(input.split_to(here).freeze()));
                }
                Self::DataEnd => {
                    if input.len() < 2 {
                        return Ok(Piece::More);
                    }
                    if &input[..2] != b"\r\n" {
                        return Err("a chunk is longer than it said");
                    }
                    input.advance(2);
                    *self = Self::Size;
                }
                Self::Trailers => return self.trailers(input),
                Self::End => return Ok(Piece::End),
            }
        }
    }

    fn trailers(&mut self, input: &mut BytesMut) -> Result<Piece, &'static str> {
        let mut lines = [httparse::EMPTY_HEADER; MOST_TRAILERS];
        match httparse::parse_headers(input, &mut lines) {
            Ok(httparse::Status::Partial) if input.len() > LONGEST_TRAILERS => Err("the trailers never end"),
            Ok(httparse::Status::Partial) => Ok(Piece::More),
            Ok(httparse::Status::Complete((length, lines))) => {
                let mut trailers = HeaderMap::new();
                for line in lines {
                    let (name, value) =
                        (line.name.parse::<http::HeaderName>(), http::HeaderValue::from_bytes(line.value));
                    trailers
                        .append(name.map_err(|_| "a trailer has no name")?, value.map_err(|_| "a trailer is no text")?);
                }
                input.advance(length);
                *self = Self::End;
                Ok(if trailers.is_empty() { Piece::End } else { Piece::Trailers(trailers) })
            }
            Err(_) => Err("the trailers are no header lines"),
        }
    }
}

/// The size in a line without its line feed.
fn size(line: &[u8]) -> Result<u64, &'static str> {
    const WRONG: &str = "a chunk's size is no number";
    let line = line.strip_suffix(b"\r").ok_or(WRONG)?;
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    // After it extensions, which mean nothing to anybody, or blanks, which some servers write.
    let fine = matches!(line.get(digits), None | Some(b';' | b' ' | b'\t'));
    if digits == 0 || digits > 15 || !fine || line.contains(&b'\r') {
        return Err(WRONG);
    }
    Ok(line[..digits].iter().fold(0, |size, digit| size << 4 | u64::from((*digit as char).to_digit(16).unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::{Chunked, Piece};
    use bytes::BytesMut;
    use proptest::prelude::*;

    /// Data, trailers, what is left over.
    type Read = (Vec<u8>, Vec<String>, Vec<u8>);

    /// Reads a body that comes in pieces of `step` bytes.
    fn read(body: &[u8], step: usize) -> Result<Read, &'static str> {
        let (mut state, mut input) = (Chunked::Size, BytesMut::new());
        let (mut data, mut trailers) = (Vec::new(), Vec::new());
        let mut pieces = body.chunks(step);
        loop {
            match state.next(&mut input)? {
                Piece::Data(bytes) => data.extend_from_slice(&bytes),
                Piece::Trailers(map) => trailers.extend(map.iter().map(|(name, value)| format!("{name}: {value:?}"))),
                Piece::End => {
                    let rest = input.iter().copied().chain(pieces.flatten().copied()).collect();
                    return Ok((data, trailers, rest));
                }
                Piece::More => input.extend_from_slice(pieces.next().ok_or("it ends too soon")?),
            }
        }
    }

    #[test]
    fn bodies_are_read_or_refused() {
        let fine: [(&str, &str, usize, &str); 5] = [
            ("0\r\n\r\n", "", 0, ""),
            ("5\r\nhello\r\n0\r\n\r\nHTTP/1.1", "hello", 0, "HTTP/1.1"),
            ("A;ext=\"x\"\r\n0123456789\r\n1 \r\n!\r\n000\r\n\r\n", "0123456789!", 0, ""),
            ("1\r\nx\r\n0\r\nA: 1\r\nb: 2\r\n\r\n", "x", 2, ""),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0, ""),
        ];
        for (body, data, trailers, rest) in fine {
            for step in 1..=body.len() {
                let (got, said, left) = read(body.as_bytes(), step).unwrap();
                assert_eq!(
                    (&*got, said.len(), &*left),
                    (data.as_bytes(), trailers, rest.as_bytes()),
                    "{body:?} by {step}"
                );
            }
        }
        let long = format!("{}\r\n", "1".repeat(5000));
        let wrong = [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\nx",
            "0x1\r\nx",
            "5\nhello\r\n",
            "1\rx\r\n",
            "1\r\nxy\r\n",
            "1\r\nx\n0\r\n\r\n",
            "10000000000000000\r\n",
            "0\r\n: x\r\n\r\n",
            "0\r\nA : x\r\n\r\n",
            "5",
            "5\r\nhell",
            "5\r\nhello\r\n0\r\n",
            &long,
        ];
        for body in wrong {
            assert!(read(body.as_bytes(), 3).is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_chunked_comes_back_however_it_is_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8),
            step in 1_usize..400,
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\nnext");
            let (data, trailers, rest) = read(&body, step).unwrap();
            prop_assert_eq!(data, chunks.concat());
            prop_assert_eq!((trailers.len(), rest), (0, b"next".to_vec()));
        }
    }
}
