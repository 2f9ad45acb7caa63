//! Which apps may use a stack, by its state.

/// What apps may do with a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All.
    Active,
    /// All, but they are warned.
    Deprecated,
    /// Apps that were staged on it before go on; new ones may not.
    Restricted,
    /// Nothing is staged on it any more; what runs goes on.
    Disabled,
}

impl State {
    /// The protocol's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deprecated => "DEPRECATED",
            Self::Restricted => "RESTRICTED",
            Self::Disabled => "DISABLED",
        }
    }

    /// The state of this word; `None` if there is none.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Deprecated, Self::Restricted, Self::Disabled].into_iter().find(|one| one.word() == word)
    }

    /// May an app use the stack `name`? Answers a warning, or why not. `new`: it was never staged on it. `reason`: what the
    /// administrator says.
    pub fn judge(self, name: &str, reason: Option<&str>, new: bool) -> Result<Option<String>, String> {
        let with = |words: String| match reason {
            Some(reason) if !reason.trim().is_empty() => format!("{words} {reason}"),
            _ => words,
        };
        match (self, new) {
            (Self::Active, _) | (Self::Restricted, false) => Ok(None),
            (Self::Deprecated, _) => Ok(Some(with(format!(
                "The stack '{name}' is deprecated and will be taken away: choose another one in time."
            )))),
            (Self::Restricted, true) => Err(with(format!(
                "The stack '{name}' is restricted: only apps that were staged on it before may go on using it."
            ))),
            (Self::Disabled, _) => Err(with(format!("The stack '{name}' is disabled and cannot be used for staging."))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State::{self, *};

    #[test]
    fn states() {
        for state in [Active, Deprecated, Restricted, Disabled] {
            assert_eq!(State::parse(state.word()), Some(state));
        }
        assert_eq!(State::parse("active"), None);
        let judged = |state: State, new| state.judge("old", Some("Use new."), new);
        assert_eq!(judged(Active, true), Ok(None));
        assert!(judged(Deprecated, false).is_ok_and(|words| words.is_some_and(|words| words.ends_with("Use new."))));
        assert_eq!(judged(Restricted, false), Ok(None));
        assert!(judged(Restricted, true).is_err() && judged(Disabled, false).is_err());
    }
}
