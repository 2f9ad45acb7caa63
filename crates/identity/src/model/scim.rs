//! The part of SCIM 1.1 filters that Cloud Foundry clients send: comparisons joined by `and` and `or` (`and` binds
//! tighter), with round brackets.

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Compare { attribute: Attribute, operator: Operator, value: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Id,
    UserName,
    Email,
    Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Contains,
    StartsWith,
}

/// Brackets inside brackets go so deep and no deeper.
const DEPTH: usize = 16;

/// Parses a filter, or says what is wrong and at which character (counted from 1).
pub(crate) fn parse(text: &str) -> Result<Filter, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, next: 0, end: text.chars().count() + 1 };
    let filter = parser.or(0)?;
    match parser.peek() {
        None => Ok(filter),
        Some((at, token)) => {
            Err(format!("character {at}: {token} is not expected here; join comparisons by and or or"))
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
}

impl std::fmt::Display for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(formatter, "{word}"),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Open => write!(formatter, "("),
            Self::Close => write!(formatter, ")"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().enumerate().map(|(at, char)| (at + 1, char)).peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            ' ' | '\t' => {}
            '(' => tokens.push((at, Token::Open)),
            ')' => tokens.push((at, Token::Close)),
            '"' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, '\\')) => value.extend(chars.next().map(|(_, char)| char)),
                        Some((_, char)) => value.push(char),
                        None => return Err(format!("character {at}: the text that begins here has no closing quote")),
                    }
                }
                tokens.push((at, Token::Text(value)));
            }
            _ => {
                let mut word = String::from(char);
                while let Some((_, char)) = chars.next_if(|(_, char)| !" \t()\"".contains(*char)) {
                    word.push(char);
                }
                tokens.push((at, Token::Word(word)));
            }
        }
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    next: usize,
    end: usize,
}

impl Parser<'_> {
    fn or(&mut self, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.and(depth)?];
        while self.word("or") {
            parts.push(self.and(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn and(&mut self, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.term(depth)?];
        while self.word("and") {
            parts.push(self.term(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn term(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEPTH {
            return Err(format!("brackets are nested deeper than {DEPTH}"));
        }
        match self.take() {
            (_, Some(Token::Open)) => {
                let inner = self.or(depth + 1)?;
                match self.take() {
                    (_, Some(Token::Close)) => Ok(inner),
                    (at, _) => Err(format!("character {at}: a closing bracket is missing")),
                }
            }
            (at, Some(Token::Word(word))) => {
                let attribute = match word.to_lowercase().as_str() {
                    "id" => Attribute::Id,
                    "username" => Attribute::UserName,
                    "email" | "emails" | "emails.value" => Attribute::Email,
                    "origin" => Attribute::Origin,
                    _ => {
                        return Err(format!(
                            "character {at}: {word} cannot be filtered by; use id, userName, emails.value or origin"
                        ));
                    }
                };
                self.compare(attribute)
            }
            (at, _) => Err(format!("character {at}: a comparison such as userName eq \"kim\" is expected")),
        }
    }

    fn compare(&mut self, attribute: Attribute) -> Result<Filter, String> {
        let operator = match self.take() {
            (_, Some(Token::Word(word))) if word.eq_ignore_ascii_case("eq") => Operator::Equal,
            (_, Some(Token::Word(word))) if word.eq_ignore_ascii_case("co") => Operator::Contains,
            (_, Some(Token::Word(word))) if word.eq_ignore_ascii_case("sw") => Operator::StartsWith,
            (at, _) => return Err(format!("character {at}: an operator is expected: eq, co or sw")),
        };
        match self.take() {
            (_, Some(Token::Text(value))) => Ok(Filter::Compare { attribute, operator, value }),
            (at, _) => Err(format!("character {at}: a text in double quotes is expected")),
        }
    }

    fn peek(&self) -> Option<&(usize, Token)> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> (usize, Option<Token>) {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token.map_or((self.end, None), |(at, token)| (at, Some(token)))
    }

    fn word(&mut self, expected: &str) -> bool {
        let found = matches!(self.peek(), Some((_, Token::Word(word))) if word.eq_ignore_ascii_case(expected));
        self.next += usize::from(found);
        found
    }
}
