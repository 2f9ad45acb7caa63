//! Members of projects.

use super::{at, choose, object, person, project};
use crate::ApiError;
use crate::api::call::Call;
use crate::model::fields::{Fields, Shape};
use crate::model::role::Role;
use crate::repo::membership::Membership;
use crate::repo::person::Somebody;
use crate::repo::scope::Scope;
use serde_json::{Value, json};
use store::Tx;

/// What a membership has.
pub const MEMBERSHIP: Shape = Shape {
    keys: &["id"],
    default: &[
        "kind",
        "project_id",
        "person",
        "role",
        "project_color",
        "favorite",
        "last_viewed_at",
        "wants_comment_notification_emails",
        "will_receive_mention_notifications_or_emails",
        "created_at",
        "updated_at",
    ],
    extra: &["person_id", "project"],
};

/// Memberships of one project, in their order.
pub fn memberships(
    tx: &mut Tx<'_>,
    call: &Call,
    scope: &Scope,
    all: &[(Membership, Role, Somebody)],
    fields: &Fields,
) -> Result<Vec<Value>, ApiError> {
    let chosen = choose(fields, &MEMBERSHIP)?;
    let mut of_project = None;
    if let Some(field) = chosen.iter().find(|field| field.name == "project") {
        of_project = Some(project::project(tx, call, &scope.project, &field.selection())?);
    }
    let render = |(membership, role, who): &(Membership, Role, Somebody)| {
        object(&chosen, |field| {
            Ok(match field.name {
                "id" => Some(json!(membership.id)),
                "kind" => Some(json!("project_membership")),
                "project_id" => Some(json!(membership.project_id)),
                "project" => of_project.clone(),
                "person_id" => Some(json!(membership.person_id)),
                "person" => Some(person::person(who, scope.sees_addresses(), &field.selection())?),
                "role" => Some(json!(role)),
                "project_color" => Some(json!(membership.project_color)),
                "favorite" => Some(json!(membership.favorite)),
                "last_viewed_at" => membership.last_viewed_at.and_then(at),
                "wants_comment_notification_emails" => Some(json!(membership.wants_comment_notification_emails)),
                "will_receive_mention_notifications_or_emails" => {
                    Some(json!(membership.will_receive_mention_notifications_or_emails))
                }
                "created_at" => at(membership.created_at),
                "updated_at" => at(membership.updated_at),
                _ => None,
            })
        })
    };
    all.iter().map(render).collect()
}

/// What a person's list of their projects has.
pub const SUMMARY: Shape = Shape {
    keys: &["id"],
    default: &["kind", "project_id", "project_name", "project_color", "favorite", "role", "last_viewed_at"],
    extra: &[],
};

/// A project in a person's list.
pub fn summary(membership: &Membership, role: Role, project_name: &str, fields: &Fields) -> Result<Value, ApiError> {
    let chosen = choose(fields, &SUMMARY)?;
    object(&chosen, |field| {
        Ok(match field.name {
            "id" => Some(json!(membership.id)),
            "kind" => Some(json!("membership_summary")),
            "project_id" => Some(json!(membership.project_id)),
            "project_name" => Some(json!(project_name)),
            "project_color" => Some(json!(membership.project_color)),
            "favorite" => Some(json!(membership.favorite)),
            "role" => Some(json!(role)),
            "last_viewed_at" => membership.last_viewed_at.and_then(at),
            _ => None,
        })
    })
}
