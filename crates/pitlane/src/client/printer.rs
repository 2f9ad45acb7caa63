//! The one place that prints. Results go to standard output, talk to standard error; colour only where a terminal reads
//! it and `NO_COLOR` is unset. A closed pipe is no error: whoever reads has read enough.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

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
}

impl Printer {
    /// For this process's streams.
    pub(crate) fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Self { json, colour: wanted && out, talk_colour: wanted && err, terminal: err }
    }

    /// Is JSON wanted?
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Does a person look at standard error at this moment?
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal
    }

    /// A line of the result.
    pub(crate) fn line(&self, text: impl Display) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
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
        let mark = paint(self.talk_colour, Tone::Dim, "›");
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
    pub(crate) fn table(&self, header: &[&str], rows: Vec<Vec<String>>, empty: &str) {
        if rows.is_empty() {
            return self.talk(empty);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header.iter().map(|name| self.tone(Tone::Dim, name)));
        table.add_rows(rows);
        let text = table.to_string();
        for line in text.lines() {
            self.line(line.trim_end().strip_prefix(' ').unwrap_or(line));
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
