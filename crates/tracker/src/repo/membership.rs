//! Members of projects: the role is a grant of `identity`, the rest is kept here.

use crate::ApiError;
use crate::model::role::Role;
use crate::model::time;
use crate::repo::activity::{self, Draft, change};
use crate::repo::person::Somebody;
use crate::repo::record::{self, record};
use crate::repo::scope::{self, Scope};
use sea_query::{Expr, ExprTrait, Query};
use serde_json::json;
use store::{StoreError, Tx};

/// The colour of a project for somebody who has chosen none.
const COLOR: &str = "b800bb";

record! {
    /// A person in a project.
    Membership in "membership" {
        /// Its number.
        id: i64,
        /// Which project.
        project_id: i64,
        /// Who.
        person_id: i64,
        /// Hexadecimal, without #.
        project_color: String,
        /// Does the project stand first in the person's lists?
        favorite: bool,
        /// Microseconds.
        last_viewed_at: Option<i64>,
        /// Mails about comments?
        wants_comment_notification_emails: bool,
        /// Told of mentions?
        will_receive_mention_notifications_or_emails: bool,
        /// Microseconds.
        created_at: i64,
        /// Microseconds.
        updated_at: i64,
    }
}

/// All of a project with their roles, by number.
pub fn list(tx: &mut Tx<'_>, project_id: i64) -> Result<Vec<(Membership, Role, Somebody)>, StoreError> {
    let roles = scope::roles(tx, project_id)?;
    let guids: Vec<String> = roles.iter().map(|(guid, _)| guid.clone()).collect();
    let mut people = crate::repo::person::people_by_guid(tx, &guids)?;
    let rows: Vec<Membership> = record::all(tx, Expr::col("project_id").eq(project_id))?;
    let mut found = Vec::new();
    for membership in rows {
        // Who has lost the role, or gone, is no member.
        let Some(who) = people.remove(&membership.person_id) else { continue };
        if let Some((_, role)) = roles.iter().find(|(guid, _)| *guid == who.person.id) {
            found.push((membership, *role, who));
        }
    }
    Ok(found)
}

/// All of a person.
pub fn of_person(tx: &mut Tx<'_>, person_id: i64) -> Result<Vec<Membership>, StoreError> {
    record::all(tx, Expr::col("person_id").eq(person_id))
}

/// Makes somebody a member, without version or activity: of a project that is just made.
pub fn insert(
    tx: &mut Tx<'_>,
    project_id: i64,
    who: &Somebody,
    role: Role,
    color: Option<String>,
    now: i64,
) -> Result<Membership, StoreError> {
    scope::set_role(tx, &who.person.id, project_id, Some(role), now)?;
    // Somebody whose role was taken away elsewhere may still have a row.
    let row: Option<Membership> = tx.row(
        record::select::<Membership>()
            .and_where(Expr::col("project_id").eq(project_id))
            .and_where(Expr::col("person_id").eq(who.id())),
    )?;
    if let Some(membership) = row {
        return Ok(membership);
    }
    let membership = Membership {
        id: tx.next_number("membership")?,
        project_id,
        person_id: who.id(),
        project_color: color.unwrap_or_else(|| COLOR.into()),
        favorite: false,
        last_viewed_at: None,
        wants_comment_notification_emails: true,
        will_receive_mention_notifications_or_emails: true,
        created_at: now,
        updated_at: now,
    };
    record::insert(tx, &membership)?;
    Ok(membership)
}

/// Makes somebody a member.
pub fn create(
    tx: &mut Tx<'_>,
    scope: &mut Scope,
    who: &Somebody,
    role: Role,
    color: Option<String>,
    now: i64,
) -> Result<Membership, ApiError> {
    let membership = insert(tx, scope.project.id, who, role, color, now)?;
    let values = json!({
        "id": membership.id,
        "project_id": membership.project_id,
        "person_id": membership.person_id,
        "role": role,
        "project_color": membership.project_color,
        "favorite": membership.favorite,
        "wants_comment_notification_emails": membership.wants_comment_notification_emails,
        "will_receive_mention_notifications_or_emails": membership.will_receive_mention_notifications_or_emails,
        "created_at": time::show(membership.created_at),
        "updated_at": time::show(membership.updated_at),
    });
    // How the project is laid out for the person comes with the membership, and goes with it.
    let layout = json!({ "id": membership.id, "project_id": membership.project_id, "person_id": who.id() });
    let person = json!({ "id": who.id(), "name": who.name(), "initials": who.initials() });
    let draft = Draft {
        subject: "project_membership",
        verb: "create",
        object: ("project_membership", membership.id, who.name().into()),
        message: format!("added new members: {}", who.name()),
        highlight: "added".into(),
        changes: vec![
            change("layout_scheme", membership.id, None, layout.as_object().cloned(), &[]),
            change("project_membership", membership.id, None, values.as_object().cloned(), &[]),
            change("person", who.id(), None, person.as_object().cloned(), &[]),
        ],
        primary: vec![json!({ "kind": "project_membership", "id": membership.id })],
        secondary: Vec::new(),
    };
    activity::record(tx, scope, now, draft)?;
    Ok(membership)
}

/// Gives a member another role.
pub fn set_role(
    tx: &mut Tx<'_>,
    scope: &mut Scope,
    membership: &mut Membership,
    who: &Somebody,
    roles: (Role, Role),
    now: i64,
) -> Result<(), ApiError> {
    let (before, after) = roles;
    if before == after {
        return Ok(());
    }
    keep_an_owner(tx, scope, who, before)?;
    scope::set_role(tx, &who.person.id, scope.project.id, Some(after), now)?;
    let values = |role: Role, at: i64| json!({ "role": role, "updated_at": time::show(at) }).as_object().cloned();
    let (original, new) = (values(before, membership.updated_at), values(after, now));
    membership.updated_at = now;
    record::save(tx, membership)?;
    let draft = Draft {
        subject: "project_membership",
        verb: "update",
        object: ("project_membership", membership.id, who.name().into()),
        message: format!("changed the role of {} to {}", who.name(), after.as_str()),
        highlight: "changed".into(),
        changes: vec![change("project_membership", membership.id, original, new, &[])],
        primary: vec![json!({ "kind": "project_membership", "id": membership.id })],
        secondary: Vec::new(),
    };
    activity::record(tx, scope, now, draft)
}

/// Ends a membership. The person stays owner and requester of what they were: that is history.
pub fn delete(
    tx: &mut Tx<'_>,
    scope: &mut Scope,
    membership: &Membership,
    who: &Somebody,
    role: Role,
    now: i64,
) -> Result<(), ApiError> {
    keep_an_owner(tx, scope, who, role)?;
    scope::set_role(tx, &who.person.id, scope.project.id, None, now)?;
    tx.exec(Query::delete().from_table("membership").and_where(Expr::col("id").eq(membership.id)))?;
    let draft = Draft {
        subject: "project_membership",
        verb: "delete",
        object: ("project_membership", membership.id, who.name().into()),
        message: format!("removed {} from this project", who.name()),
        highlight: "removed".into(),
        changes: vec![change("project_membership", membership.id, None, None, &[])],
        primary: vec![json!({ "kind": "project_membership", "id": membership.id })],
        secondary: Vec::new(),
    };
    activity::record(tx, scope, now, draft)
}

fn keep_an_owner(tx: &mut Tx<'_>, scope: &Scope, who: &Somebody, role: Role) -> Result<(), ApiError> {
    if role != Role::Owner {
        return Ok(());
    }
    let others = scope::roles(tx, scope.project.id)?;
    match others.iter().any(|(guid, role)| *role == Role::Owner && *guid != who.person.id) {
        true => Ok(()),
        false => {
            Err(ApiError::invalid_field("role", "A project needs an owner: make somebody else an owner of it first."))
        }
    }
}
