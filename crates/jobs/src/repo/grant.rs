//! Permissions: identity's grants whose role is a scope.

use super::endpoint::Endpoint;
use super::record;
use crate::model::scope::Scope;
use crate::model::time::now;
use identity::{ADMINISTRATOR, Caller, Grant, Place, Subject, grants_of};
use ledger::{Actor, Entry, Object};
use router::{Right, Rights};
use sea_query::{Cond, Expr, ExprTrait};
use serde_json::json;
use store::{StoreError, Tx};

/// What `caller` may do by `scope`.
pub fn rights(tx: &mut Tx<'_>, caller: &Caller, scope: Scope) -> Result<Rights, StoreError> {
    if caller.admin {
        return Ok(Rights { all: true, some: Vec::new() });
    }
    rights_of(tx, &caller.subject, scope)
}

/// What `subject` may do by `scope`, or by having full access, or as an administrator.
pub fn rights_of(tx: &mut Tx<'_>, subject: &Subject, scope: Scope) -> Result<Rights, StoreError> {
    let mut rights = Rights::default();
    for grant in grants_of(tx, subject)? {
        if grant.role == ADMINISTRATOR && grant.place == identity::platform() {
            rights.all = true;
        }
        if grant.role != scope.as_str() && grant.role != Scope::FullAccess.as_str() {
            continue;
        }
        match right(tx, &grant.place)? {
            Some(right) if right == Right::default() => rights.all = true,
            Some(right) => rights.some.push(right),
            None => {}
        }
    }
    Ok(rights)
}

/// What a grant's place stands for; `None` if it is no place of this face's.
pub fn right(tx: &mut Tx<'_>, place: &Place) -> Result<Option<Right>, StoreError> {
    Ok(match place.kind.as_str() {
        "platform" => Some(Right::default()),
        "family" => Some(Right { family: Some(place.id.clone()), ..Right::default() }),
        "job" => Some(Right { job: Some(place.id.clone()), ..Right::default() }),
        "endpoint" => record::find::<Endpoint>(tx, &place.id)?.map(|endpoint| Right {
            family: endpoint.family_id,
            job: endpoint.job_id,
            endpoint: Some(endpoint.path),
        }),
        _ => None,
    })
}

/// Gives `subject` the scope there, if it has not got it; `scope_of` are the scopes of the ledger's entry.
pub fn allow(
    tx: &mut Tx<'_>,
    actor: &Actor,
    subject: &Subject,
    scope: Scope,
    place: &Place,
    scope_of: Vec<String>,
) -> Result<(), StoreError> {
    let held = grants_of(tx, subject)?;
    if held.iter().any(|grant| grant.role == scope.as_str() && grant.place == *place) {
        return Ok(());
    }
    let grant = Grant {
        id: super::new_id(),
        subject: subject.clone(),
        role: scope.as_str().into(),
        place: place.clone(),
        created_at: now(),
    };
    identity::grant_add(tx, &grant)?;
    note(tx, actor, "job_permission.allow", &grant, scope_of)
}

/// Takes a permission away by its id; answers whether there was one.
pub fn forbid(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<Option<Subject>, StoreError> {
    let found = identity::grants(tx, Cond::all().add(Expr::col("id").eq(id)))?;
    let Some(grant) = found.into_iter().find(|grant| Scope::parse(&grant.role).is_some()) else { return Ok(None) };
    identity::grant_remove(tx, id)?;
    if grant.place.kind == "endpoint" {
        record::remove::<Endpoint>(tx, &grant.place.id)?;
    }
    note(tx, actor, "job_permission.forbid", &grant, Vec::new())?;
    Ok(Some(grant.subject))
}

/// All permissions, oldest first.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Grant>, StoreError> {
    let roles = Scope::ALL.map(Scope::as_str);
    identity::grants(tx, Cond::all().add(Expr::col("role").is_in(roles)))
}

/// Takes away all that holds in a place that is no more, or that somebody had who is no more.
pub fn forget(tx: &mut Tx<'_>, condition: Cond) -> Result<(), StoreError> {
    let roles = Scope::ALL.map(Scope::as_str);
    for grant in identity::grants(tx, condition.add(Expr::col("role").is_in(roles)))? {
        identity::grant_remove(tx, &grant.id)?;
    }
    Ok(())
}

fn note(tx: &mut Tx<'_>, actor: &Actor, action: &str, grant: &Grant, scope: Vec<String>) -> Result<(), StoreError> {
    let (subject, place) = (&grant.subject, &grant.place);
    ledger::append(
        tx,
        &Entry {
            actor: actor.clone(),
            action: action.into(),
            object: Object::new("job_permission", &grant.id, grant.role.clone()),
            scope,
            data: json!({
                "subject": { "kind": subject.kind(), "id": subject.id() },
                "scope": grant.role,
                "place": { "kind": place.kind, "id": place.id },
            }),
        },
    )
    .map(|_| ())
}
