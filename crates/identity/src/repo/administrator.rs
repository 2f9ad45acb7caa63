//! Administrators of the platform: people with one grant on all of it.
//!
//! Invariant: once there is an active administrator there always is one.

use crate::clock::now;
use crate::model::name;
use crate::model::password::PasswordHash;
use crate::repo::note;
use crate::repo::person::{
    NewPerson, Person, PersonState, people, person_create, person_get, person_set_email, person_set_password,
    person_set_state, select,
};
use crate::{Grant, IdentityError, Place, Subject, grant_add, grants, grants_of};
use ledger::Actor;
use sea_query::{Cond, Expr, ExprTrait, Query};
use serde_json::json;
use store::{StoreError, Tx};

/// The role of platform administrators, held at [`platform`].
pub const ADMINISTRATOR: &str = "administrator";

/// The place of grants on the whole platform.
pub fn platform() -> Place {
    Place::new("platform", "*")
}

/// Makes a person an administrator of the platform; answers whether they were none before.
pub fn administrator_add(tx: &mut Tx<'_>, actor: &Actor, person: &Person) -> Result<bool, StoreError> {
    let subject = Subject::Person(person.id.clone());
    if is_administrator(tx, &subject)? {
        return Ok(false);
    }
    let id = uuid::Uuid::new_v4().to_string();
    grant_add(tx, &Grant { id, subject, role: ADMINISTRATOR.into(), place: platform(), created_at: now() })?;
    note(tx, actor, "person.administrator.add", person.object(), json!({}))?;
    Ok(true)
}

/// Takes it back; refused for the last active one. Answers whether they were one before.
pub fn administrator_remove(tx: &mut Tx<'_>, actor: &Actor, person: &Person) -> Result<bool, IdentityError> {
    keep_an_administrator(tx, person)?;
    let removed = tx.exec(
        Query::delete()
            .from_table("role_grant")
            .and_where(Expr::col("subject_kind").eq("person"))
            .and_where(Expr::col("subject_id").eq(person.id.as_str()))
            .and_where(Expr::col("role").eq(ADMINISTRATOR))
            .and_where(Expr::col("place_kind").eq("platform")),
    )?;
    if removed > 0 {
        note(tx, actor, "person.administrator.remove", person.object(), json!({}))?;
    }
    Ok(removed > 0)
}

/// Is `subject` an administrator of the platform?
pub fn is_administrator(tx: &mut Tx<'_>, subject: &Subject) -> Result<bool, StoreError> {
    let held = grants_of(tx, subject)?;
    Ok(held.iter().any(|grant| grant.role == ADMINISTRATOR && grant.place == platform()))
}

/// Is there an administrator who may sign in?
pub fn has_administrator(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    Ok(!active_administrators(tx)?.is_empty())
}

/// Creates an administrator, or re-activates, promotes and gives a new password to the person of that name (the guides'
/// `createsuperuser`). An address given replaces the one they had. The hash comes from [`crate::hash_password`].
pub fn createsuperuser(
    tx: &mut Tx<'_>,
    actor: &Actor,
    user_name: &str,
    email: Option<&str>,
    hash: &PasswordHash,
) -> Result<Person, IdentityError> {
    let known: Option<Person> = tx.row(select().and_where(Expr::col("user_name_key").eq(name::key(user_name))))?;
    let person = match known {
        None => {
            let new = NewPerson {
                user_name: user_name.into(),
                email: email.map(str::to_owned),
                display_name: String::new(),
                state: PersonState::Active,
                password: Some(hash.clone()),
            };
            person_create(tx, actor, &new)?
        }
        Some(known) => {
            if let Some(email) = email.filter(|email| known.email.as_deref() != Some(*email)) {
                person_set_email(tx, actor, &known.id, email)?;
            }
            person_set_password(tx, actor, &known.id, hash, None)?;
            person_set_state(tx, actor, &known.id, PersonState::Active)?;
            person_get(tx, &known.id)?.ok_or(IdentityError::NotFound("person"))?
        }
    };
    administrator_add(tx, actor, &person)?;
    Ok(person)
}

/// Refuses what would leave nobody who can administer the platform.
pub(crate) fn keep_an_administrator(tx: &mut Tx<'_>, person: &Person) -> Result<(), IdentityError> {
    let active = active_administrators(tx)?;
    if active.iter().all(|id| *id == person.id) && !active.is_empty() {
        return Err(IdentityError::LastAdministrator(person.user_name.clone()));
    }
    Ok(())
}

fn active_administrators(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let held = grants(
        tx,
        Cond::all()
            .add(Expr::col("place_kind").eq("platform"))
            .add(Expr::col("subject_kind").eq("person"))
            .add(Expr::col("role").eq(ADMINISTRATOR)),
    )?;
    let ids: Vec<String> = held.iter().map(|grant| grant.subject.id().to_owned()).collect();
    Ok(people(tx, &ids)?
        .into_iter()
        .filter(|person| person.state == PersonState::Active)
        .map(|person| person.id)
        .collect())
}
