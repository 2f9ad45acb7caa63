//! One line.

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
    /// As written to the file, with its line end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        let stream = if self.stream == Stream::Out { 'O' } else { 'E' };
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{} {stream} {} {} ", self.at, self.source_type, self.instance);
        out.extend(self.payload.bytes().map(|byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }));
        out.push(b'\n');
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
