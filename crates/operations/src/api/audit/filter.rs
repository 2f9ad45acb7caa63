//! Which entries an audit page is asked for.

use crate::ApiError;
use crate::api::query::Params;
use crate::model::sentence::sentence;
use identity::Caller;
use jiff::{Timestamp, civil, tz::TimeZone};
use ledger::{Filter, Record};

/// The parameters that say it.
pub(super) const FILTERS: &[&str] =
    &["mine", "actor", "kind", "object", "name", "family", "action", "scope", "since", "until", "text"];

/// What the database chooses, and what is chosen of that here.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub(super) filter: Filter,
    mine: Option<Me>,
    actor: Option<String>,
    words: Vec<String>,
}

#[derive(Debug, Clone)]
struct Me {
    kind: &'static str,
    id: String,
    name: String,
}

impl Search {
    pub(super) fn parse(params: &Params, caller: &Caller) -> Result<Self, ApiError> {
        let mut filter = Filter {
            object_kinds: params.texts("kind"),
            object_ids: params.texts("object"),
            from: moment(params, "since")?,
            before: moment(params, "until")?,
            ..Filter::default()
        };
        let scopes = params.texts("scope");
        if !scopes.is_empty() {
            filter.scopes.push(scopes);
        }
        if let Some(name) = params.text("name") {
            match name.strip_suffix('*') {
                Some(beginning) => filter.object_name_beginnings.push(beginning.into()),
                None => filter.object_names.push(name.into()),
            }
        }
        if let Some(family) = params.text("family") {
            if params.text("name").is_some() {
                return Err(ApiError::bad(
                    "family",
                    "family and name cannot be asked for at once: name a job by its name.",
                ));
            }
            // A job is named by its family and version.
            filter.object_names.push(family.into());
            filter.object_name_beginnings.push(format!("{family} "));
            if filter.object_kinds.is_empty() {
                filter.object_kinds = ["job", "job_family", "job_deployment"].map(str::to_owned).to_vec();
            }
        }
        for action in params.texts("action") {
            match action.strip_suffix('*').or(Some(action.as_str()).filter(|action| action.ends_with('.'))) {
                Some(beginning) => filter.action_prefixes.push(beginning.into()),
                None => filter.actions.push(action),
            }
        }
        // Both kinds of action at once would have to hold together.
        if !filter.actions.is_empty() && !filter.action_prefixes.is_empty() {
            filter.action_prefixes.append(&mut filter.actions);
        }
        let me = || Me { kind: caller.subject.kind(), id: caller.subject.id().to_owned(), name: caller.name.clone() };
        Ok(Self {
            filter,
            mine: params.get::<bool>("mine", "true or false")?.unwrap_or(false).then(me),
            actor: params.text("actor").map(str::to_lowercase),
            words: params.words("text").iter().map(|word| word.to_lowercase()).collect(),
        })
    }

    /// Must entries be read that are not kept?
    pub(super) fn looks_through(&self) -> bool {
        self.mine.is_some() || self.actor.is_some() || !self.words.is_empty()
    }

    /// Is this one of them?
    pub(super) fn keeps(&self, record: &Record) -> bool {
        let mine = |me: &Me| {
            let is = |object: &ledger::Object| object.kind == me.kind && object.id == me.id;
            is(&record.actor) || is(&record.object) || record.data["owner"].as_str() == Some(&me.name)
        };
        let by =
            |actor: &String| record.actor.id.to_lowercase() == *actor || record.actor.name.to_lowercase() == *actor;
        self.mine.as_ref().is_none_or(mine) && self.actor.as_ref().is_none_or(by) && self.has_words(record)
    }

    fn has_words(&self, record: &Record) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let (object, action) = (&record.object, &record.action);
        let text = format!("{} {} {} {action}", sentence(record), object.name, object.id).to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// A time (RFC 3339), or a date, which begins at midnight UTC; in microseconds since 1970.
fn moment(params: &Params, name: &'static str) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<civil::Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()));
    match time {
        Some(time) => Ok(Some(time.as_microsecond())),
        None => {
            let words = format!(
                "{name}: {text:?} is neither a time such as 2026-01-31T12:00:00Z nor a date such as 2026-01-31."
            );
            Err(ApiError::bad(name, words))
        }
    }
}
