//! People.
//!
//! Invariants: user names and addresses are unique whatever their case; a person who goes takes sessions, tokens and grants
//! along.

use crate::clock::now;
use crate::model::name;
use crate::model::password::PasswordHash;
use crate::repo::administrator::keep_an_administrator;
use crate::repo::note;
use crate::{IdentityError, Subject, grants_of};
use ledger::{Actor, Object};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{FromRow, Row, StoreError, Tx};

/// Where people are known from. `uaa`: from Pitlane itself.
pub const ORIGIN: &str = "uaa";
/// Whether a person may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// Waits for approval or for a first password.
    Pending,
    /// May sign in.
    Active,
    /// May not; nor do tokens and sessions made before work.
    Suspended,
}

impl PersonState {
    /// As the table and the APIs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// A person, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// UUID.
    pub id: String,
    /// The same person to APIs whose ids are small integers; from 1, never given again.
    pub number: i64,
    /// As written when created; unique whatever its case.
    pub user_name: String,
    /// Unique whatever its case.
    pub email: Option<String>,
    /// For people to read; the user name where nothing else is known.
    pub display_name: String,
    /// Whether they may sign in.
    pub state: PersonState,
    /// [`ORIGIN`] today.
    pub origin: String,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Microseconds since 1970 UTC.
    pub updated_at: i64,
}

/// What other rooms show of a person.
pub type UserView = Person;

impl Person {
    /// As the ledger names them.
    pub fn object(&self) -> Object {
        Object::new("person", &self.id, self.user_name.clone())
    }
}

/// A person to be created.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// 1 to 191 characters; a good address if it has an `@`.
    pub user_name: String,
    /// With a domain that has a dot.
    pub email: Option<String>,
    /// Empty: the user name.
    pub display_name: String,
    /// May they sign in?
    pub state: PersonState,
    /// From [`crate::hash_password`]; without one they cannot sign in until one is set.
    pub password: Option<PasswordHash>,
}

/// Creates a person. `Invalid` and `Taken` say which field.
pub fn person_create(tx: &mut Tx<'_>, actor: &Actor, new: &NewPerson) -> Result<Person, IdentityError> {
    let person = insert(tx, new)?;
    note(tx, actor, "person.create", person.object(), json!({ "after": person }))?;
    Ok(person)
}

/// The same by the newcomer, perhaps with an invitation (its id).
pub fn person_register(tx: &mut Tx<'_>, new: &NewPerson, invitation: Option<&str>) -> Result<Person, IdentityError> {
    let person = insert(tx, new)?;
    let data = json!({ "after": person, "invitation": invitation });
    note(tx, &person.object(), "person.register", person.object(), data)?;
    Ok(person)
}

fn insert(tx: &mut Tx<'_>, new: &NewPerson) -> Result<Person, IdentityError> {
    name::check_user_name(&new.user_name)?;
    if let Some(email) = &new.email {
        name::check_email(email)?;
    }
    free(tx, "user name", "user_name_key", &new.user_name, None)?;
    if let Some(email) = &new.email {
        free(tx, "email", "email_key", email, None)?;
    }
    let at = now();
    let display_name = if new.display_name.trim().is_empty() { &new.user_name } else { &new.display_name };
    let person = Person {
        number: tx.next_number("person")?,
        id: uuid::Uuid::new_v4().to_string(),
        user_name: new.user_name.clone(),
        email: new.email.clone(),
        display_name: crate::repo::cut(display_name, 191),
        state: new.state,
        origin: ORIGIN.into(),
        created_at: at,
        updated_at: at,
    };
    let inserted = tx.exec(
        Query::insert()
            .into_table("person")
            .columns([
                "id",
                "number",
                "user_name",
                "user_name_key",
                "email",
                "email_key",
                "display_name",
                "state",
                "password_hash",
                "origin",
                "created_at",
                "updated_at",
            ])
            .values_panic([
                person.id.clone().into(),
                person.number.into(),
                person.user_name.clone().into(),
                name::key(&person.user_name).into(),
                person.email.clone().into(),
                person.email.as_deref().map(name::key).into(),
                person.display_name.clone().into(),
                person.state.as_str().into(),
                new.password.as_ref().map(|hash| hash.0.clone()).into(),
                person.origin.clone().into(),
                at.into(),
                at.into(),
            ]),
    );
    match inserted {
        // Two at once; the check above has seen neither.
        Err(StoreError::Duplicate { .. }) => {
            return Err(IdentityError::Taken { field: "user name", value: new.user_name.clone() });
        }
        other => other?,
    };
    Ok(person)
}

/// The person with this guid.
pub fn person_get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Person>, StoreError> {
    tx.row(select().and_where(Expr::col("id").eq(id)))
}

/// The person with this number.
pub fn person_by_number(tx: &mut Tx<'_>, number: i64) -> Result<Option<Person>, StoreError> {
    tx.row(select().and_where(Expr::col("number").eq(number)))
}

/// The people with these numbers, by number; unknown ones are left out.
pub fn people_by_number(tx: &mut Tx<'_>, numbers: &[i64]) -> Result<Vec<Person>, StoreError> {
    let mut found = Vec::new();
    for some in numbers.chunks(500) {
        found.extend(tx.rows::<Person>(select().and_where(Expr::col("number").is_in(some.iter().copied())))?);
    }
    found.sort_by_key(|person| person.number);
    found.dedup_by_key(|person| person.number);
    Ok(found)
}

/// The person with this user name (or, where nobody has it as user name, this address) from `origin`, whatever its case.
pub fn person_by_name(tx: &mut Tx<'_>, name: &str, origin: &str) -> Result<Option<Person>, StoreError> {
    let key = name::key(name);
    for column in ["user_name_key", "email_key"] {
        let found =
            tx.row(select().and_where(Expr::col(column).eq(key.as_str())).and_where(Expr::col("origin").eq(origin)))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The people with these guids, by user name; unknown ones are left out.
pub fn people(tx: &mut Tx<'_>, ids: &[String]) -> Result<Vec<Person>, StoreError> {
    let mut found = Vec::new();
    // As many parameters as every database takes.
    for some in ids.chunks(500) {
        found.extend(tx.rows::<Person>(select().and_where(Expr::col("id").is_in(some.iter().cloned())))?);
    }
    found.sort_by(|a, b| (name::key(&a.user_name), &a.id).cmp(&(name::key(&b.user_name), &b.id)));
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}

/// Everybody, by user name.
pub fn person_list(tx: &mut Tx<'_>) -> Result<Vec<Person>, StoreError> {
    tx.rows(select().order_by("user_name_key", Order::Asc).order_by("id", Order::Asc))
}

/// Activates or suspends. Suspending the last active administrator is refused.
pub fn person_set_state(tx: &mut Tx<'_>, actor: &Actor, id: &str, state: PersonState) -> Result<Person, IdentityError> {
    let before = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    if before.state == state {
        return Ok(before);
    }
    if state != PersonState::Active {
        keep_an_administrator(tx, &before)?;
    }
    update(tx, id, "state", state.as_str())?;
    let after = Person { state, updated_at: now(), ..before.clone() };
    note(tx, actor, "person.state", after.object(), json!({ "before": before.state, "after": after.state }))?;
    Ok(after)
}

/// Sets a password, ends all sessions of the person but `keep`, and leaves API tokens alone.
pub fn person_set_password(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: &str,
    hash: &PasswordHash,
    keep: Option<&str>,
) -> Result<(), IdentityError> {
    let person = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    update(tx, id, "password_hash", &hash.0)?;
    let mut ended = Query::delete();
    ended.from_table("session").and_where(Expr::col("person_id").eq(id));
    if let Some(keep) = keep {
        ended.and_where(Expr::col("id").ne(keep));
    }
    let ended = tx.exec(&ended)?;
    Ok(note(tx, actor, "person.password", person.object(), json!({ "sessions_ended": ended }))?)
}

/// Deletes a person with their grants, sessions and tokens; answers who it was.
pub fn person_delete(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<Person, IdentityError> {
    let person = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    keep_an_administrator(tx, &person)?;
    let held = grants_of(tx, &Subject::Person(id.into()))?;
    tx.exec(
        Query::delete()
            .from_table("role_grant")
            .and_where(Expr::col("subject_kind").eq("person"))
            .and_where(Expr::col("subject_id").eq(id)),
    )?;
    tx.exec(Query::delete().from_table("person").and_where(Expr::col("id").eq(id)))?;
    let roles: Vec<_> = held.iter().map(|grant| json!([grant.role, grant.place.kind, grant.place.id])).collect();
    note(tx, actor, "person.delete", person.object(), json!({ "before": person, "grants": roles }))?;
    Ok(person)
}

/// Changes the name for people to read; an empty one is the user name.
pub fn person_set_display_name(tx: &mut Tx<'_>, actor: &Actor, id: &str, name: &str) -> Result<(), IdentityError> {
    let before = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    let after = if name.trim().is_empty() { &before.user_name } else { name };
    if after.chars().count() > 191 || after.chars().any(char::is_control) {
        return Err(IdentityError::invalid("name", "it must have 191 characters at most, and no control characters"));
    }
    update(tx, id, "display_name", after)?;
    let data = json!({ "before": before.display_name, "after": after });
    Ok(note(tx, actor, "person.display_name", before.object(), data)?)
}

/// Changes the address.
pub fn person_set_email(tx: &mut Tx<'_>, actor: &Actor, id: &str, email: &str) -> Result<(), IdentityError> {
    let before = person_get(tx, id)?.ok_or(IdentityError::NotFound("person"))?;
    name::check_email(email)?;
    free(tx, "email", "email_key", email, Some(id))?;
    update(tx, id, "email", email)?;
    update(tx, id, "email_key", &name::key(email))?;
    Ok(note(tx, actor, "person.email", before.object(), json!({ "before": before.email, "after": email }))?)
}

/// The hash to verify a password against.
pub(crate) fn password_hash(tx: &mut Tx<'_>, id: &str) -> Result<Option<PasswordHash>, StoreError> {
    let hash: Option<Option<String>> =
        tx.value(Query::select().column("password_hash").from("person").and_where(Expr::col("id").eq(id)))?;
    Ok(hash.flatten().map(PasswordHash))
}

/// Refuses an address that somebody has.
pub(crate) fn email_free(tx: &mut Tx<'_>, email: &str) -> Result<(), IdentityError> {
    free(tx, "email", "email_key", email, None)
}

/// Refuses an address that somebody else has.
pub(crate) fn email_free_for(tx: &mut Tx<'_>, email: &str, id: &str) -> Result<(), IdentityError> {
    free(tx, "email", "email_key", email, Some(id))
}

/// Refuses a user name that somebody else has.
pub(crate) fn user_name_free_for(tx: &mut Tx<'_>, user_name: &str, id: &str) -> Result<(), IdentityError> {
    free(tx, "user name", "user_name_key", user_name, Some(id))
}

fn free(
    tx: &mut Tx<'_>,
    field: &'static str,
    column: &'static str,
    value: &str,
    mine: Option<&str>,
) -> Result<(), IdentityError> {
    let owner: Option<Person> = tx.row(select().and_where(Expr::col(column).eq(name::key(value))))?;
    match owner {
        Some(owner) if Some(owner.id.as_str()) != mine => Err(IdentityError::Taken { field, value: value.into() }),
        _ => Ok(()),
    }
}

fn update(tx: &mut Tx<'_>, id: &str, column: &'static str, value: &str) -> Result<(), StoreError> {
    tx.exec(
        Query::update()
            .table("person")
            .value(column, value)
            .value("updated_at", now())
            .and_where(Expr::col("id").eq(id)),
    )
    .map(|_| ())
}

pub(crate) fn select() -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(["id", "number", "user_name", "email", "display_name", "state", "origin", "created_at", "updated_at"])
        .from("person");
    select
}

impl FromRow for Person {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let state: String = row.get("state")?;
        Ok(Self {
            id: row.get("id")?,
            number: row.get::<Option<i64>>("number")?.unwrap_or_default(),
            user_name: row.get("user_name")?,
            email: row.get("email")?,
            display_name: row.get("display_name")?,
            state: match state.as_str() {
                "active" => PersonState::Active,
                "pending" => PersonState::Pending,
                // What this version does not know must not let anybody in.
                _ => PersonState::Suspended,
            },
            origin: row.get("origin")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
