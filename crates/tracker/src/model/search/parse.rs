//! From text to a [`Query`].

use super::{Join, Query, Term, Test, Text, keyword};
use jiff::tz::TimeZone;
use regex::RegexBuilder;
use std::iter::Peekable;
use std::str::Chars;

/// A regular expression may become so many bytes when compiled.
const PATTERN: usize = 1 << 18;
/// Parentheses may nest so deep.
const DEEP: usize = 20;

/// Reads a search; dates are of `zone`, and relative ones count from `now`. The error is the API's own text. None: nothing is
/// searched for.
pub fn parse(text: &str, zone: &TimeZone, now: i64) -> Result<Option<Query>, String> {
    let mut reader = Reader { rest: text.chars().peekable(), zone, now };
    let query = reader.query(0)?;
    match reader.rest.next() {
        None => Ok(query),
        Some(_) => Err("The search has a ')' too many.".into()),
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    zone: &'a TimeZone,
    now: i64,
}

impl Reader<'_> {
    fn query(&mut self, depth: usize) -> Result<Option<Query>, String> {
        if depth > DEEP {
            return Err("The parentheses of the search are nested too deeply.".into());
        }
        let mut query: Option<Query> = None;
        let mut join = Join::And;
        loop {
            while self.rest.next_if(|char| char.is_whitespace()).is_some() {}
            match self.rest.peek() {
                None | Some(')') => return Ok(query),
                Some(_) => {}
            }
            match self.term(depth)? {
                Piece::Join(next) => join = next,
                Piece::Nothing => {}
                Piece::Term(term) => {
                    match &mut query {
                        None => query = Some(Query { first: Box::new(term), rest: Vec::new() }),
                        Some(query) => query.rest.push((join, term)),
                    }
                    join = Join::And;
                }
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<Piece, String> {
        let negated = self.rest.next_if_eq(&'-').is_some();
        let term = |test| Ok(Piece::Term(Term { negated, test }));
        match self.rest.peek() {
            Some('(') => {
                self.rest.next();
                let group = self.query(depth + 1)?;
                self.rest.next_if_eq(&')').ok_or("A ')' is missing in the search.")?;
                group.map_or(Ok(Piece::Nothing), |group| term(Test::Group(group)))
            }
            Some('"') => {
                let phrase = self.quoted();
                term(Test::Text(Text::Plain(phrase.to_lowercase())))
            }
            Some('/') => {
                self.rest.next();
                let mut pattern = String::new();
                while let Some(char) = self.rest.next() {
                    match char {
                        '\\' if self.rest.peek() == Some(&'/') => {}
                        '/' => break,
                        char => pattern.push(char),
                    }
                }
                term(Test::Text(Text::Pattern(compile(&pattern)?)))
            }
            _ => self.word(negated),
        }
    }

    fn word(&mut self, negated: bool) -> Result<Piece, String> {
        let mut word = String::new();
        while let Some(char) = self.rest.next_if(|char| !char.is_whitespace() && !"()\"".contains(*char)) {
            if char == ':' && keyword::is_known(&word.to_lowercase()) {
                return self.value(&word.to_lowercase(), negated);
            }
            word.push(char);
        }
        Ok(match word.as_str() {
            "AND" => Piece::Join(Join::And),
            "OR" => Piece::Join(Join::Or),
            "" => {
                // A lone quote or dash.
                self.rest.next_if_eq(&'"');
                Piece::Nothing
            }
            word => Piece::Term(Term { negated, test: Test::Text(plain(word)?) }),
        })
    }

    fn value(&mut self, word: &str, negated: bool) -> Result<Piece, String> {
        let (value, text) = match self.rest.peek() {
            Some('"') => {
                let phrase = self.quoted();
                let text = Text::Plain(phrase.to_lowercase());
                (phrase, text)
            }
            _ => {
                let mut value = String::new();
                while let Some(char) = self.rest.next_if(|char| !char.is_whitespace() && !"()".contains(*char)) {
                    value.push(char);
                }
                let text = plain(&value)?;
                (value, text)
            }
        };
        let (keyword, no) = keyword::read(word, &value, text, self.zone, self.now)?;
        if negated && matches!(keyword, super::Keyword::When(..)) {
            return Err("Dates cannot be negated in a search.".into());
        }
        Ok(Piece::Term(Term { negated: negated != no, test: Test::Keyword(keyword) }))
    }

    fn quoted(&mut self) -> String {
        self.rest.next();
        let mut phrase = String::new();
        for char in self.rest.by_ref() {
            if char == '"' {
                break;
            }
            phrase.push(char);
        }
        phrase
    }
}

enum Piece {
    Term(Term),
    Join(Join),
    Nothing,
}

/// A bare word; `*` and `?` stand for anything within a word.
fn plain(word: &str) -> Result<Text, String> {
    if !word.contains(['*', '?']) {
        return Ok(Text::Plain(word.to_lowercase()));
    }
    let mut pattern = String::from(r"(^|\W)");
    for char in word.chars() {
        match char {
            '*' => pattern.push_str(r"\w*"),
            '?' => pattern.push_str(r"\w"),
            char => pattern.push_str(&regex::escape(&char.to_string())),
        }
    }
    pattern.push_str(r"(\W|$)");
    compile(&pattern).map(Text::Pattern)
}

fn compile(pattern: &str) -> Result<regex::Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(PATTERN)
        .build()
        .map_err(|_| format!("The regular expression /{pattern}/ of the search is not understood."))
}
