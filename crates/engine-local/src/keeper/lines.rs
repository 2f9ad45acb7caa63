//! Output to lines: split at line ends and where the log would split them, held to a rate.

use engine::LogTag;
use logs::{Line, Stream, Writer};
use std::path::Path;

/// Longer lines are split.
const LONGEST: usize = logs::MAX_PAYLOAD;

/// Where lines of both streams go.
pub(super) struct Lines {
    writer: Option<Writer>,
    tag: LogTag,
    /// Bytes a second; negative for no bound.
    rate: i64,
    second: i64,
    spent: i64,
    dropping: bool,
    partial: [Vec<u8>; 2],
}

impl Lines {
    /// Lines are dropped while the file cannot be opened or written: an application must not stall on a full disk.
    pub fn new(root: &Path, name: &str, limit: u64, tag: LogTag, rate: i64) -> Self {
        let writer = Writer::open(root, &tag.source, name, limit).ok();
        Self { writer, tag, rate, second: 0, spent: 0, dropping: false, partial: [Vec::new(), Vec::new()] }
    }

    /// Takes what was read from a stream.
    pub fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let which = usize::from(stream == Stream::Err);
        let mut lines = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = LONGEST - self.partial[which].len();
            let end = rest.iter().take(room).position(|byte| *byte == b'\n');
            let taken = end.unwrap_or_else(|| room.min(rest.len()));
            self.partial[which].extend_from_slice(&rest[..taken]);
            rest = &rest[taken + usize::from(end.is_some())..];
            if end.is_some() || self.partial[which].len() == LONGEST {
                let line = std::mem::take(&mut self.partial[which]);
                self.line(stream, &line, &mut lines);
            }
        }
        self.write(&lines);
    }

    /// The stream has ended; what has no line end is a line too.
    pub fn finish(&mut self, stream: Stream) {
        let line = std::mem::take(&mut self.partial[usize::from(stream == Stream::Err)]);
        if !line.is_empty() {
            let mut lines = Vec::new();
            self.line(stream, &line, &mut lines);
            self.write(&lines);
        }
    }

    fn line(&mut self, stream: Stream, text: &[u8], lines: &mut Vec<Line>) {
        let now = jiff::Timestamp::now();
        if self.rate >= 0 {
            if now.as_second() != self.second {
                // A whole second without loss ends a spell of loss.
                self.dropping &= self.spent > self.rate && now.as_second() == self.second + 1;
                (self.second, self.spent) = (now.as_second(), 0);
            }
            self.spent = self.spent.saturating_add(i64::try_from(text.len() + 1).unwrap_or(i64::MAX));
            if self.spent > self.rate {
                if !std::mem::replace(&mut self.dropping, true) {
                    lines.push(self.made(
                        now,
                        Stream::Err,
                        format!("app instance exceeded log rate limit ({} bytes/sec)", self.rate),
                    ));
                }
                return;
            }
        }
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        lines.push(self.made(now, stream, String::from_utf8_lossy(text).into_owned()));
    }

    fn made(&self, now: jiff::Timestamp, stream: Stream, payload: String) -> Line {
        let at = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        Line { at, stream, source_type: self.tag.source_type.clone(), instance: self.tag.instance.clone(), payload }
    }

    fn write(&mut self, lines: &[Line]) {
        if let (Some(writer), false) = (&mut self.writer, lines.is_empty()) {
            let _ = writer.write_all(lines);
        }
    }
}
