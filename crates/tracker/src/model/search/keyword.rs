//! Keywords and their values.

use super::{Text, date};
use crate::model::story::{State, StoryType};
use jiff::tz::TimeZone;

/// `keyword:value`.
#[derive(Debug, Clone)]
pub enum Keyword {
    /// In the title.
    Name(Text),
    /// Carries this label; none: carries none.
    Label(Option<String>),
    /// Is in this epic; none: in none.
    Epic(Option<String>),
    /// Is of one of these types.
    Type(Vec<StoryType>),
    /// Is in one of these states.
    State(Vec<State>),
    /// Has these points; none: has none.
    Estimate(Option<f64>),
    /// Is wanted by.
    Requester(Option<String>),
    /// Is done by; none: by nobody.
    Owner(Option<String>),
    /// Is looked at by.
    Reviewer(Option<String>),
    /// Has a review of this type, in this status.
    Review(String, Option<String>),
    /// Has a review in this status.
    ReviewStatus(String),
    /// Has, or is.
    Has(What),
    /// Is a person's work.
    MyWork(String),
    /// Has one of these numbers.
    Id(Vec<i64>),
    /// Comes from one of these.
    ExternalId(Vec<String>),
    /// `p0`.
    Priority(String),
    /// Happened from, until (microseconds).
    When(Field, i64, i64),
    /// Are stories of long ago found, too? Holds for every story.
    IncludeDone(bool),
}

/// Which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `created_at`.
    Created,
    /// `updated_at`.
    Updated,
    /// `accepted_at`.
    Accepted,
}

/// What a story can have or be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An unresolved blocker.
    Blocker,
    /// A story that waits for it.
    Blocking,
    /// Labels.
    Label,
    /// Owners.
    Owner,
    /// Files.
    Attachment,
    /// An external item.
    ExternalId,
    /// An epic.
    Epic,
    /// Comments.
    Comment,
    /// Tasks.
    Task,
    /// The caller as follower.
    Following,
}

/// The words before the colon that mean something.
const KNOWN: [&str; 40] = [
    "name",
    "label",
    "labels",
    "epic",
    "epics",
    "type",
    "story_type",
    "state",
    "current_state",
    "estimate",
    "requester",
    "requested_by",
    "owner",
    "owned_by",
    "reviewer",
    "review",
    "review_status",
    "is",
    "has",
    "no",
    "mywork",
    "id",
    "external_id",
    "priority",
    "created",
    "created_on",
    "created_since",
    "created_after",
    "created_before",
    "updated",
    "updated_on",
    "updated_since",
    "updated_after",
    "updated_before",
    "modified_since",
    "accepted",
    "accepted_on",
    "accepted_since",
    "accepted_after",
    "accepted_before",
];

/// Is this word a keyword?
pub(super) fn is_known(word: &str) -> bool {
    KNOWN.contains(&word) || word == "includedone" || word == "integration"
}

/// Reads a value; `quoted` tells `label:""` from `label:`. The flag says that the whole is negated (`no:`).
pub(super) fn read(word: &str, value: &str, text: Text, zone: &TimeZone, now: i64) -> Result<(Keyword, bool), String> {
    let some = || (!value.is_empty()).then(|| value.to_lowercase());
    let list = || value.split(',').map(str::trim).filter(|one| !one.is_empty());
    let keyword = match word {
        "name" => Keyword::Name(text),
        "label" | "labels" => Keyword::Label(some()),
        "epic" | "epics" => Keyword::Epic(some()),
        "type" | "story_type" => Keyword::Type(
            list()
                .map(|one| StoryType::parse(&one.to_lowercase()).ok_or_else(|| unknown(word, one)))
                .collect::<Result<_, _>>()?,
        ),
        "state" | "current_state" => Keyword::State(
            list()
                .map(|one| State::parse(&one.to_lowercase()).ok_or_else(|| unknown(word, one)))
                .collect::<Result<_, _>>()?,
        ),
        "estimate" => match value.parse::<f64>() {
            Ok(-1.0) => Keyword::Estimate(None),
            Ok(points) => Keyword::Estimate(Some(points)),
            Err(_) => return Err(unknown(word, value)),
        },
        "requester" | "requested_by" => Keyword::Requester(some()),
        "owner" | "owned_by" => Keyword::Owner(some()),
        "reviewer" => Keyword::Reviewer(some()),
        "review" => match value.split_once('&') {
            Some((kind, status)) => Keyword::Review(kind.to_lowercase(), Some(status.to_lowercase())),
            None => Keyword::Review(value.to_lowercase(), None),
        },
        "review_status" => Keyword::ReviewStatus(value.to_lowercase()),
        "is" | "has" | "no" => return Ok((Keyword::Has(what(word, value)?), word == "no")),
        "mywork" => Keyword::MyWork(value.to_lowercase()),
        "id" => Keyword::Id(
            list()
                .map(|one| one.trim_start_matches('#').parse().map_err(|_| unknown(word, one)))
                .collect::<Result<_, _>>()?,
        ),
        "external_id" => Keyword::ExternalId(list().map(str::to_owned).collect()),
        // Stories of external systems are not brought in here, so none comes from one.
        "integration" => Keyword::ExternalId(Vec::new()),
        "priority" => Keyword::Priority(value.to_lowercase()),
        "includedone" => Keyword::IncludeDone(value.eq_ignore_ascii_case("true")),
        moment => {
            let (field, rest) = [
                ("created", Field::Created),
                ("updated", Field::Updated),
                ("modified", Field::Updated),
                ("accepted", Field::Accepted),
            ]
            .into_iter()
            .find_map(|(name, field)| Some((field, moment.strip_prefix(name)?)))
            .ok_or_else(|| unknown(word, value))?;
            let (from, until) = date::read(value, zone, now)?;
            match rest {
                "_before" => Keyword::When(field, i64::MIN, from),
                "_since" | "_after" => Keyword::When(field, from, i64::MAX),
                _ => Keyword::When(field, from, until),
            }
        }
    };
    Ok((keyword, false))
}

fn what(word: &str, value: &str) -> Result<What, String> {
    Ok(match (word, value.to_lowercase().as_str()) {
        ("is", "blocked") | (_, "blocker" | "blockers") => What::Blocker,
        (_, "blocking") => What::Blocking,
        ("is", "following") => What::Following,
        (_, "label" | "labels") => What::Label,
        (_, "owner" | "owners") => What::Owner,
        (_, "attachment" | "attachments") => What::Attachment,
        (_, "external_id") => What::ExternalId,
        (_, "epic" | "epics") => What::Epic,
        (_, "comment" | "comments") => What::Comment,
        (_, "task" | "tasks") => What::Task,
        _ => return Err(unknown(word, value)),
    })
}

fn unknown(word: &str, value: &str) -> String {
    format!("'{value}' is not a value of '{word}:'.")
}
