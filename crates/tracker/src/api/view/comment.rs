//! Comments.

use super::{View, at, choose, object, person};
use crate::ApiError;
use crate::model::fields::{Fields, Shape};
use crate::repo::comment::Comment;
use serde_json::{Value, json};
use store::Tx;

/// What a comment has.
pub const COMMENT: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "story_id",
        "epic_id",
        "text",
        "person_id",
        "commit_identifier",
        "commit_type",
        // Of what was brought in from elsewhere; nothing is.
        "external_source",
        "external_author",
        "external_link",
        "created_at",
        "updated_at",
    ],
    // Files are not kept here: their lists are empty.
    extra: &[
        "person",
        "file_attachment_ids",
        "file_attachments",
        "google_attachment_ids",
        "google_attachments",
        "attachment_ids",
        "reaction_ids",
        "reactions",
    ],
};

/// Comments, in their order.
pub fn comments(
    tx: &mut Tx<'_>,
    view: View<'_>,
    comments: &[Comment],
    fields: &Fields,
) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &COMMENT)?;
    let mut people = Default::default();
    if chosen.iter().any(|field| field.name == "person") {
        people = crate::repo::person::people(tx, &comments.iter().map(|one| one.person_id).collect::<Vec<_>>())?;
    }
    let addresses = view.scope.sees_addresses();
    let render = |comment: &Comment| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(comment.id)),
                "kind" => Some(json!("comment")),
                "story_id" => comment.story_id.map(|id| json!(id)),
                "epic_id" => comment.epic_id.map(|id| json!(id)),
                "text" => Some(json!(comment.text)),
                "person_id" => Some(json!(comment.person_id)),
                "person" => match people.get(&comment.person_id) {
                    Some(who) => Some(person::person(who, addresses, &field.selection())?),
                    None => None,
                },
                "commit_identifier" => comment.commit_identifier.as_ref().map(|text| json!(text)),
                "commit_type" => comment.commit_type.as_ref().map(|text| json!(text)),
                "created_at" => at(comment.created_at),
                "updated_at" => at(comment.updated_at),
                "external_source" | "external_author" | "external_link" => None,
                _ => Some(json!([])),
            })
        })
    };
    comments.iter().map(render).collect()
}
