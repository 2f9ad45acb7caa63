//! Output to lines: split at line ends and where the log would split them, held to a rate.

use engine::InstanceSpec;
use logs::{Line, Stream, Writer};
use std::path::Path;

/// Longer lines are split.
const LONGEST: usize = logs::MAX_PAYLOAD;

/// Where lines of all programs of an instance go.
pub(super) struct Lines {
    writer: Option<Writer>,
    instance: String,
    /// Of each program, with what it has not ended yet of a line on each stream.
    programs: Vec<(String, [Vec<u8>; 2])>,
    /// Bytes a second; negative for no bound.
    rate: i64,
    second: i64,
    spent: i64,
    dropping: bool,
}

impl Lines {
    /// Lines are dropped while the file cannot be opened or written: an application must not stall on a full disk.
    pub fn new(root: &Path, limit: u64, spec: &InstanceSpec) -> Self {
        let sources = std::iter::once(&spec.log.source_type).chain(spec.companions.iter().map(|one| &one.source_type));
        Self {
            writer: Writer::open(root, &spec.log.source, &spec.id.0, limit).ok(),
            instance: spec.log.instance.clone(),
            programs: sources.map(|source| (source.clone(), Default::default())).collect(),
            rate: spec.limits.log_rate,
            second: 0,
            spent: 0,
            dropping: false,
        }
    }

    /// Takes what was read from a stream of a program.
    pub fn take(&mut self, program: usize, stream: Stream, bytes: &[u8]) {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let partial = self.partial(program, stream);
            let room = LONGEST - partial.len();
            let end = rest.iter().take(room).position(|byte| *byte == b'\n');
            let taken = end.unwrap_or_else(|| room.min(rest.len()));
            partial.extend_from_slice(&rest[..taken]);
            rest = &rest[taken + usize::from(end.is_some())..];
            if end.is_some() || partial.len() == LONGEST {
                let line = std::mem::take(partial);
                self.line(program, stream, &line, &mut lines);
            }
        }
        self.write(&lines);
    }

    /// The stream has ended; what has no line end is a line too.
    pub fn finish(&mut self, program: usize, stream: Stream) {
        let line = std::mem::take(self.partial(program, stream));
        if !line.is_empty() {
            let mut lines = Vec::new();
            self.line(program, stream, &line, &mut lines);
            self.write(&lines);
        }
    }

    fn partial(&mut self, program: usize, stream: Stream) -> &mut Vec<u8> {
        &mut self.programs[program].1[usize::from(stream == Stream::Err)]
    }

    fn line(&mut self, program: usize, stream: Stream, text: &[u8], lines: &mut Vec<Line>) {
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
                        program,
                        now,
                        Stream::Err,
                        format!("app instance exceeded log rate limit ({} bytes/sec)", self.rate),
                    ));
                }
                return;
            }
        }
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        lines.push(self.made(program, now, stream, String::from_utf8_lossy(text).into_owned()));
    }

    fn made(&self, program: usize, now: jiff::Timestamp, stream: Stream, payload: String) -> Line {
        let at = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        let source_type = self.programs[program].0.clone();
        Line { at, stream, source_type, instance: self.instance.clone(), payload }
    }

    fn write(&mut self, lines: &[Line]) {
        if let (Some(writer), false) = (&mut self.writer, lines.is_empty()) {
            let _ = writer.write_all(lines);
        }
    }
}
