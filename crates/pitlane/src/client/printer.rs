//! The one place that prints. Results go to standard output, talk to standard error; colour only where a terminal reads
//! it and `NO_COLOR` is unset, letters beyond ASCII of our own only where the locale has them. A closed pipe is no error: whoever
//! reads has read enough.

use super::table;
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How something is meant; shown as a colour, never only by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Attention,
    Dim,
    Strong,
}

/// Prints for one command.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    json: bool,
    colour: bool,
    talk_colour: bool,
    terminal: bool,
    utf8: bool,
    closed: Arc<AtomicBool>,
}

impl Printer {
    /// For this process's streams.
    pub(crate) fn new(json: bool) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let wanted = set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb");
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        // As the C library decides; without any, what a container or a service has.
        let locale =
            set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8") || locale.is_empty();
        Self { json, colour: wanted && out, talk_colour: wanted && err, terminal: err, utf8, closed: Arc::default() }
    }

    /// Is JSON wanted?
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Does a person look at standard error at this moment?
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal
    }

    /// Has whoever read the result gone away? Asked by what would go on for ever.
    pub(crate) fn is_closed(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let out = std::io::stdout();
        let mut watched = [PollFd::new(&out, PollFlags::empty())];
        let asked = poll(&mut watched, Some(&Timespec::default()));
        self.closed.load(Ordering::Relaxed)
            || asked.is_ok() && watched[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL)
    }

    /// A line of the result.
    pub(crate) fn line(&self, text: impl Display) {
        if writeln!(std::io::stdout().lock(), "{text}").is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    /// The result as JSON.
    pub(crate) fn value(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(text),
            Err(error) => self.talk(format!("the result is no JSON: {error}")),
        }
    }

    /// A line of JSON in a sequence.
    pub(crate) fn value_line(&self, value: &serde_json::Value) {
        self.line(value);
    }

    /// Talk.
    pub(crate) fn talk(&self, text: impl Display) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A step of something longer.
    pub(crate) fn step(&self, text: impl Display) {
        let mark = paint(self.talk_colour, Tone::Dim, if self.utf8 { "›" } else { ">" });
        self.talk(format!("{mark} {text}"));
    }

    /// A failure with its hint.
    pub(crate) fn failure(&self, failure: &super::failure::Failure) {
        let word = paint(self.talk_colour, Tone::Bad, "error:");
        self.talk(format!("{word} {failure}"));
        if let Some(hint) = &failure.hint {
            let word = paint(self.talk_colour, Tone::Attention, "hint:");
            self.talk(format!("{word} {hint}"));
        }
    }

    /// A warning.
    pub(crate) fn warning(&self, text: impl Display) {
        let word = paint(self.talk_colour, Tone::Attention, "warning:");
        self.talk(format!("{word} {text}"));
    }

    /// Text for standard output in a tone.
    pub(crate) fn tone(&self, tone: Tone, text: impl Display) -> String {
        paint(self.colour, tone, &text.to_string())
    }

    /// A table on standard output; `empty` is said on standard error when there is nothing to show.
    pub(crate) fn table(&self, header: &[&str], mut rows: Vec<Vec<String>>, empty: &str) {
        if rows.is_empty() {
            return self.talk(empty);
        }
        rows.insert(0, header.iter().map(|name| self.tone(Tone::Dim, name)).collect());
        let width = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
        for line in table::lines(&rows, width.filter(|width| *width > 0)) {
            self.line(line);
        }
    }
}

fn paint(colour: bool, tone: Tone, text: &str) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Attention => "33",
        Tone::Dim => "2",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
