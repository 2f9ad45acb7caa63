//! Comments of stories and epics.

use crate::model::role::Role;
use crate::model::time;
use crate::repo::activity::change;
use crate::repo::epic::Epic;
use crate::repo::membership;
use crate::repo::record::{self, record};
use crate::repo::story::Story;
use serde_json::{Value, json};
use store::{StoreError, Tx};

record! {
    /// A comment.
    Comment in "comment" {
        /// Its number.
        id: i64,
        /// Its project.
        project_id: i64,
        /// The story it is on, if it is on one.
        story_id: Option<i64>,
        /// The epic it is on, if it is on one.
        epic_id: Option<i64>,
        /// Who wrote it.
        person_id: i64,
        /// Markdown.
        text: String,
        /// Of the commit that it tells of.
        commit_identifier: Option<String>,
        /// Where that commit is: `github`.
        commit_type: Option<String>,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// What a comment is on.
#[derive(Debug, Clone, Copy)]
pub enum On<'a> {
    /// A story.
    Story(&'a Story),
    /// An epic.
    Epic(&'a Epic),
}

impl On<'_> {
    /// Its project.
    pub fn project_id(self) -> i64 {
        match self {
            Self::Story(story) => story.project_id,
            Self::Epic(epic) => epic.project_id,
        }
    }

    /// As activities name it.
    pub fn resource(self) -> Value {
        match self {
            Self::Story(story) => story.resource(),
            Self::Epic(epic) => epic.resource(),
        }
    }

    /// As lists of activities are filtered.
    pub fn object(self) -> (&'static str, i64, String) {
        match self {
            Self::Story(story) => story.object(),
            Self::Epic(epic) => epic.object(),
        }
    }

    /// Is `comment` on it?
    pub fn has(self, comment: &Comment) -> bool {
        match self {
            Self::Story(story) => comment.story_id == Some(story.id),
            Self::Epic(epic) => comment.epic_id == Some(epic.id),
        }
    }
}

/// Writes one; `commit` is its identifier and where it is.
pub fn insert(
    tx: &mut Tx<'_>,
    on: On<'_>,
    person_id: i64,
    text: &str,
    commit: Option<(&str, &str)>,
    now: i64,
) -> Result<Comment, StoreError> {
    let (story_id, epic_id) = match on {
        On::Story(story) => (Some(story.id), None),
        On::Epic(epic) => (None, Some(epic.id)),
    };
    let comment = Comment {
        id: tx.next_number("comment")?,
        project_id: on.project_id(),
        story_id,
        epic_id,
        person_id,
        text: text.into(),
        commit_identifier: commit.map(|(identifier, _)| identifier.into()),
        commit_type: commit.map(|(_, kind)| kind.to_owned()).filter(|kind| !kind.is_empty()),
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &comment)?;
    Ok(comment)
}

/// The people that a text names by `@username`: those who work in the project.
pub fn mentioned(tx: &mut Tx<'_>, project_id: i64, text: &str) -> Result<Vec<i64>, StoreError> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let text = text.to_lowercase();
    let works = membership::list(tx, project_id)?.into_iter().filter(|(_, role, _)| *role != Role::Viewer);
    let named = works.filter(|(_, _, who)| names(&text, &who.person.user_name.to_lowercase()));
    Ok(named.map(|(_, _, who)| who.id()).collect())
}

/// Does `@username` stand in `text` as a word of its own?
fn names(text: &str, username: &str) -> bool {
    text.match_indices(&format!("@{username}")).any(|(at, found)| {
        let goes_on = |char: char| char.is_alphanumeric() || char == '_' || char == '-';
        !text[..at].ends_with(goes_on) && !text[at + found.len()..].starts_with(goes_on)
    })
}

/// As activities tell of a new one.
pub fn created(comment: &Comment) -> Value {
    let mut values = json!({
        "id": comment.id,
        "text": comment.text,
        "person_id": comment.person_id,
        "created_at": time::show(comment.created_at),
        "updated_at": time::show(comment.updated_at),
    });
    if let Some(story) = comment.story_id {
        values["story_id"] = json!(story);
    }
    if let Some(epic) = comment.epic_id {
        values["epic_id"] = json!(epic);
    }
    if let Some(identifier) = &comment.commit_identifier {
        values["commit_identifier"] = json!(identifier);
    }
    if let Some(kind) = &comment.commit_type {
        values["commit_type"] = json!(kind);
    }
    change("comment", comment.id, None, values.as_object().cloned(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_their_own() {
        for (text, expected) in [
            ("@ada", true),
            ("see @ada, please", true),
            ("(@ada)", true),
            ("@adam", false),
            ("@ada-b", false),
            ("mail to x@ada", false),
            ("ada", false),
        ] {
            assert_eq!(names(text, "ada"), expected, "{text}");
        }
    }
}
