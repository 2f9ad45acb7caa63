//! One line.

/// The longest payload in one line, bytes; a writer splits what is longer.
pub const MAX_PAYLOAD: usize = 60 * 1024;

/// Which output it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Nanoseconds since 1970 UTC.
    pub at: i64,
    /// Which output.
    pub stream: Stream,
    /// `APP/PROC/WEB`, `STG`, `RTR`, `API`, `CELL`; no blanks.
    pub source_type: String,
    /// Instance index as text; no blanks.
    pub instance: String,
    /// What was said, without its line end. Invalid UTF-8 has been replaced.
    pub payload: String,
}

impl Line {
    /// As written to the file, with its line end. Line ends in the payload and blanks in the words become blanks and `_`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(self, self.at, &self.payload, out);
    }

    /// Reads one line without its line end; `None` if it is torn or foreign.
    pub fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ' ');
        let at = parts.next()?.parse().ok()?;
        let stream = match parts.next()? {
            "O" => Stream::Out,
            "E" => Stream::Err,
            _ => return None,
        };
        Some(Self {
            at,
            stream,
            source_type: parts.next()?.to_owned(),
            instance: parts.next()?.to_owned(),
            payload: parts.next()?.to_owned(),
        })
    }
}

/// One line of the file: `line`'s words with this time and payload.
pub(crate) fn encode(line: &Line, at: i64, payload: &str, out: &mut Vec<u8>) {
    let stream = if line.stream == Stream::Out { " O " } else { " E " };
    out.extend_from_slice(at.to_string().as_bytes());
    out.extend_from_slice(stream.as_bytes());
    word(&line.source_type, out);
    out.push(b' ');
    word(&line.instance, out);
    out.push(b' ');
    // In most payloads there is nothing to be changed, and one copy is quicker than one of each byte.
    let from = out.len();
    out.extend_from_slice(payload.as_bytes());
    out[from..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    out.push(b'\n');
}

// A blank in a word would shift the fields after it.
fn word(text: &str, out: &mut Vec<u8>) {
    out.extend(text.bytes().map(|byte| if byte.is_ascii_whitespace() { b'_' } else { byte }));
}
