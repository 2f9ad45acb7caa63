//! What a command says when it cannot do what it was asked.

use std::fmt;

/// A failure for a person: what happened, to what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// The exit status: 1, 2 for a wrong command line, 130 after Ctrl-C.
    pub(crate) exit: u8,
    /// HTTP status and the first API error's code, if the server said it.
    pub(crate) api: Option<(u16, i64)>,
}

/// What commands answer.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// With exit status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: 1, api: None }
    }

    /// The command line makes no sense: exit status 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::new(message) }
    }

    /// Ctrl-C; `left` says what goes on or stays. Exit status 130, as of what the signal ends.
    pub(crate) fn interrupted(left: impl fmt::Display) -> Self {
        Self { exit: 130, ..Self::new(format!("interrupted; {left}")) }
    }

    /// Adds the next step.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Did the API answer 404?
    pub(crate) fn is_not_found(&self) -> bool {
        self.api.is_some_and(|(status, _)| status == 404)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

/// Errors of libraries in words.
pub(crate) trait Told<T> {
    /// Turns an error into a failure that begins with these words.
    fn told(self, words: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Told<T> for std::result::Result<T, E> {
    fn told(self, words: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{}: {error}", words())))
    }
}
