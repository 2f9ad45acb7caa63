//! Deleting stories.

use crate::ApiError;
use crate::repo::activity::{self, Draft, change};
use crate::repo::scope::Scope;
use crate::repo::story::{Story, link};
use crate::repo::{blocker, label, record};
use store::Tx;

/// Deletes a story with all that hangs on it; blockers that name it are resolved.
pub fn delete(tx: &mut Tx<'_>, scope: &mut Scope, story: &Story, now: i64) -> Result<(), ApiError> {
    let labels: Vec<i64> = link::labels(tx, story.id)?.iter().map(|label| label.0).collect();
    let counted = label::counts(tx, &labels)?;
    let mut changes = vec![change("story", story.id, None, None, &story.names())];
    changes.extend(blocker::resolve_for(tx, story.id, now)?);
    record::remove::<Story>(tx, story.id)?;
    changes.extend(label::count_changes(tx, &counted)?);
    let draft = Draft {
        subject: "story",
        verb: "delete",
        object: story.object(),
        message: format!("deleted this {}", story.story_type.as_str()),
        highlight: "deleted".into(),
        changes,
        primary: vec![story.resource()],
        secondary: Vec::new(),
    };
    activity::record(tx, scope, now, draft)
}
