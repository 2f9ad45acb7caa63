//! Does a story meet a search?

use super::{Field, Join, Keyword, Query, Term, Test, Text, What};
use crate::model::story::{State, StoryType};

/// A person, as searches name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their number.
    pub id: i64,
    /// Their name, in lower case.
    pub name: String,
    /// In lower case.
    pub initials: String,
    /// In lower case.
    pub username: String,
}

impl Who {
    /// Is this person meant: by full name or a part of it, initials, user name or number?
    pub fn is(&self, wanted: &str) -> bool {
        self.initials == wanted
            || self.username == wanted
            || self.id.to_string() == wanted
            || self.name.contains(wanted)
    }
}

/// What a search looks at.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Its number.
    pub id: i64,
    /// Title.
    pub name: &'a str,
    /// Markdown.
    pub description: &'a str,
    /// Kind of work.
    pub story_type: StoryType,
    /// How far it is.
    pub state: State,
    /// Points.
    pub estimate: Option<f64>,
    /// `p0`.
    pub priority: &'a str,
    /// Microseconds: created, updated, accepted.
    pub moments: (i64, i64, Option<i64>),
    /// Of an external item.
    pub external_id: Option<&'a str>,
    /// Who wants it.
    pub requester: Option<&'a Who>,
    /// Who does it.
    pub owners: Vec<&'a Who>,
    /// Names, in lower case.
    pub labels: Vec<&'a str>,
    /// Names of epics, in lower case.
    pub epics: Vec<&'a str>,
    /// Texts.
    pub comments: Vec<&'a str>,
    /// Descriptions.
    pub tasks: Vec<&'a str>,
    /// Type and status, in lower case, and who looks.
    pub reviews: Vec<(&'a str, &'a str, Option<&'a Who>)>,
    /// Has it an unresolved blocker?
    pub blocked: bool,
    /// Does another story wait for it?
    pub blocking: bool,
    /// Does the caller follow it?
    pub following: bool,
}

/// Does it meet the search?
pub fn matches(query: &Query, subject: &Subject<'_>) -> bool {
    let mut found = term(&query.first, subject);
    for (join, next) in &query.rest {
        found = match join {
            Join::And => found && term(next, subject),
            Join::Or => found || term(next, subject),
        };
    }
    found
}

fn term(term: &Term, subject: &Subject<'_>) -> bool {
    let found = match &term.test {
        Test::Group(query) => matches(query, subject),
        // Says what is searched, not what is found.
        Test::Keyword(Keyword::IncludeDone(_)) => return true,
        Test::Keyword(keyword) => meets(keyword, subject),
        Test::Text(text) => anywhere(text, subject),
    };
    found != term.negated
}

fn anywhere(text: &Text, subject: &Subject<'_>) -> bool {
    let people = subject.owners.iter().copied().chain(subject.requester).map(|who| who.name.as_str());
    [subject.name, subject.description]
        .into_iter()
        .chain(subject.comments.iter().copied())
        .chain(subject.tasks.iter().copied())
        .chain(subject.labels.iter().copied())
        .chain(people)
        .any(|part| text.is_in(part))
}

fn meets(keyword: &Keyword, subject: &Subject<'_>) -> bool {
    let person = |wanted: &Option<String>, mut people: Box<dyn Iterator<Item = &Who> + '_>| match wanted {
        None => people.next().is_none(),
        Some(wanted) => people.any(|who| who.is(wanted)),
    };
    let named = |wanted: &Option<String>, names: &[&str]| match wanted {
        None => names.is_empty(),
        Some(wanted) => names.iter().any(|name| name == wanted),
    };
    match keyword {
        Keyword::Name(text) => text.is_in(subject.name),
        Keyword::Label(wanted) => named(wanted, &subject.labels),
        Keyword::Epic(wanted) => named(wanted, &subject.epics),
        Keyword::Type(types) => types.contains(&subject.story_type),
        Keyword::State(states) => states.contains(&subject.state),
        Keyword::Estimate(points) => *points == subject.estimate,
        Keyword::Requester(wanted) => person(wanted, Box::new(subject.requester.into_iter())),
        Keyword::Owner(wanted) => person(wanted, Box::new(subject.owners.iter().copied())),
        Keyword::Reviewer(wanted) => person(wanted, Box::new(subject.reviews.iter().filter_map(|review| review.2))),
        Keyword::Review(kind, status) => subject
            .reviews
            .iter()
            .any(|review| review.0.contains(kind.as_str()) && status.as_ref().is_none_or(|status| review.1 == status)),
        Keyword::ReviewStatus(status) => subject.reviews.iter().any(|review| review.1 == status),
        Keyword::Has(what) => has(*what, subject),
        Keyword::MyWork(wanted) => {
            let owned = subject.state != State::Accepted && subject.owners.iter().any(|who| who.is(wanted));
            let waiting = subject.state == State::Delivered && subject.requester.is_some_and(|who| who.is(wanted));
            owned || waiting
        }
        Keyword::Id(ids) => ids.contains(&subject.id),
        Keyword::ExternalId(ids) => subject.external_id.is_some_and(|id| ids.iter().any(|wanted| wanted == id)),
        Keyword::Priority(wanted) => subject.priority == wanted,
        Keyword::When(field, from, until) => {
            let (created, updated, accepted) = subject.moments;
            let at = match field {
                Field::Created => Some(created),
                Field::Updated => Some(updated),
                Field::Accepted => accepted,
            };
            at.is_some_and(|at| *from <= at && at < *until)
        }
        Keyword::IncludeDone(_) => true,
    }
}

fn has(what: What, subject: &Subject<'_>) -> bool {
    match what {
        What::Blocker => subject.blocked,
        What::Blocking => subject.blocking,
        What::Label => !subject.labels.is_empty(),
        What::Owner => !subject.owners.is_empty(),
        // Files cannot be attached here yet, so no story has one.
        What::Attachment => false,
        What::ExternalId => subject.external_id.is_some(),
        What::Epic => !subject.epics.is_empty(),
        What::Comment => !subject.comments.is_empty(),
        What::Task => !subject.tasks.is_empty(),
        What::Following => subject.following,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn found(query: &str) -> Result<bool, String> {
        let ada = Who { id: 7, name: "ada lovelace".into(), initials: "al".into(), username: "ada".into() };
        let subject = Subject {
            id: 12,
            name: "Login with e-mail",
            description: "So that nobody types twice",
            story_type: StoryType::Feature,
            state: State::Started,
            estimate: Some(2.0),
            priority: "none",
            moments: (1_714_521_600_000_000, 1_714_608_000_000_000, None),
            external_id: None,
            requester: Some(&ada),
            owners: vec![&ada],
            labels: vec!["sign in", "ui"],
            epics: vec!["accounts"],
            comments: vec!["Looks good"],
            tasks: vec![],
            reviews: vec![("code", "pass", Some(&ada))],
            blocked: false,
            blocking: true,
            following: false,
        };
        let zone = jiff::tz::TimeZone::UTC;
        let query = parse(query, &zone, 1_714_694_400_000_000)?;
        Ok(query.is_none_or(|query| matches(&query, &subject)))
    }

    #[test]
    fn the_grammar_means_what_it_says() {
        for (query, expected) in [
            ("", true),
            ("login", true),
            ("logout", false),
            ("-logout", true),
            ("log*", true),
            ("l?gin", true),
            ("lo?in w*", true),
            ("\"with e-mail\"", true),
            ("\"e-mail with\"", false),
            ("/log[io]n/", true),
            ("/^with/", false),
            ("nobody", true),
            ("looks", true),
            ("lovelace", true),
            ("type:feature", true),
            ("type:bug,chore", false),
            ("-type:bug", true),
            ("state:started,finished", true),
            ("label:ui", true),
            ("label:\"sign in\"", true),
            ("label:\"\"", false),
            ("-label:\"\"", true),
            ("estimate:2", true),
            ("estimate:-1", false),
            ("owner:AL", true),
            ("owner:7", true),
            ("owner:\"Ada Lovelace\"", true),
            ("owner:\"\"", false),
            ("requester:ada", true),
            ("mywork:AL", true),
            ("id:12,13", true),
            ("id:13", false),
            ("name:login", true),
            ("name:nobody", false),
            ("epic:accounts", true),
            ("has:tasks", false),
            ("no:tasks", true),
            ("no:label", false),
            ("is:blocking", true),
            ("is:blocked", false),
            ("review:code&pass", true),
            ("review_status:revise", false),
            ("type:bug OR label:ui", true),
            ("type:bug AND label:ui", false),
            // Left to right: (bug or ui) and chore.
            ("type:bug OR label:ui type:chore", false),
            ("label:ui OR (type:bug type:chore)", true),
            ("-(type:bug OR type:chore)", true),
            ("created:2024-05-01", true),
            ("created_since:2024-05-02", false),
            ("created_before:5/2/2024", true),
            ("updated:\"May 2, 2024\"", true),
            ("accepted_since:2020-01-01", false),
            ("includedone:true login", true),
            ("http://example.org", false),
        ] {
            assert_eq!(found(query), Ok(expected), "{query}");
        }
        for bad in ["state:begun", "(", ")", "/[/", "created:soon", "-created:today", "estimate:many", &"(".repeat(99)]
        {
            assert!(found(bad).is_err(), "{bad}");
        }
    }
}
