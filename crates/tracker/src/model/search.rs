//! Searches (reference, section 6): `label:"my label" state:started,finished -owner:AL (type:bug OR type:chore)`.
//!
//! Read here, judged by [`matches`]; where stories come from is the repo's business.

mod date;
mod keyword;
pub mod matches;
mod parse;

pub use keyword::{Field, Keyword, What};
pub use parse::parse;

use regex::Regex;

/// A whole search: terms joined from left to right, AND and OR alike.
#[derive(Debug, Clone)]
pub struct Query {
    /// The first term.
    pub first: Box<Term>,
    /// The others.
    pub rest: Vec<(Join, Term)>,
}

/// How a term is joined to what stands left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Both.
    And,
    /// One of them.
    Or,
}

/// One term.
#[derive(Debug, Clone)]
pub struct Term {
    /// `-term`.
    pub negated: bool,
    /// What has to hold.
    pub test: Test,
}

/// What has to hold for a story.
#[derive(Debug, Clone)]
pub enum Test {
    /// A search in parentheses.
    Group(Query),
    /// `keyword:value`.
    Keyword(Keyword),
    /// Text anywhere.
    Text(Text),
}

/// Text to be found.
#[derive(Debug, Clone)]
pub enum Text {
    /// As it stands, in lower case.
    Plain(String),
    /// A word with wildcards, or a regular expression.
    Pattern(Regex),
}

impl Text {
    /// Is it in `text`?
    pub fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Plain(wanted) => text.to_lowercase().contains(wanted.as_str()),
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

impl Query {
    /// `includedone:true` anywhere.
    pub fn includes_done(&self) -> bool {
        let has = |term: &Term| match &term.test {
            Test::Group(query) => query.includes_done(),
            Test::Keyword(Keyword::IncludeDone(set)) => *set != term.negated,
            _ => false,
        };
        has(&self.first) || self.rest.iter().any(|(_, term)| has(term))
    }
}
