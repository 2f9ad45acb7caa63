//! Users as this face shows them: people and UAA clients of `identity`, as far as the caller may see them.

use crate::ApiError;
use crate::model::actions;
use crate::repo::scope::{self, Visible};
use identity::{Caller, Grant, Person, Place, Subject};
use sea_query::{Cond, Expr, ExprTrait};
use std::collections::HashSet;
use store::{StoreError, Tx};

/// A person or a UAA client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// A person's UUID, a client's id.
    pub guid: String,
    /// None for clients.
    pub username: Option<String>,
    /// None for clients.
    pub origin: Option<String>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

impl User {
    /// User name; a client's id.
    pub fn presentation_name(&self) -> &str {
        self.username.as_deref().unwrap_or(&self.guid)
    }

    /// As grants name it.
    pub fn subject(&self) -> Subject {
        if self.username.is_some() { Subject::Person(self.guid.clone()) } else { Subject::Client(self.guid.clone()) }
    }

    /// As the ledger names it.
    pub fn object(&self) -> ledger::Object {
        ledger::Object::new("user", &self.guid, self.presentation_name())
    }
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self {
            guid: person.id,
            username: Some(person.user_name),
            origin: Some(person.origin),
            created_at: person.created_at,
            updated_at: person.updated_at,
        }
    }
}

fn client(tx: &mut Tx<'_>, id: &str) -> Result<Option<User>, StoreError> {
    let found = identity::client_get(tx, id)?;
    Ok(found.map(|client| User {
        guid: client.id,
        username: None,
        origin: None,
        created_at: client.created_at,
        updated_at: client.created_at,
    }))
}

/// By guid, whoever asks.
pub fn user_find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<User>, StoreError> {
    match identity::person_get(tx, guid)? {
        Some(person) => Ok(Some(person.into())),
        None => client(tx, guid),
    }
}

/// By user name, whatever its case. There is one origin, so a name is never ambiguous.
pub fn user_by_name(tx: &mut Tx<'_>, username: &str, origin: Option<&str>) -> Result<Option<User>, StoreError> {
    Ok(identity::person_by_name(tx, username, origin.unwrap_or(identity::ORIGIN))?.map(User::from))
}

/// Those with these guids, by user name, clients last; unknown ones are left out.
pub fn users(tx: &mut Tx<'_>, guids: &[String]) -> Result<Vec<User>, StoreError> {
    let mut found: Vec<User> = identity::people(tx, guids)?.into_iter().map(User::from).collect();
    let people: HashSet<String> = found.iter().map(|user| user.guid.clone()).collect();
    for guid in guids.iter().filter(|guid| !people.contains(*guid)) {
        found.extend(client(tx, guid)?);
    }
    Ok(found)
}

/// Who is in these places, by any role: guids.
pub fn members(tx: &mut Tx<'_>, places: Cond) -> Result<HashSet<String>, StoreError> {
    let grants: Vec<Grant> = identity::grants(tx, places)?;
    Ok(grants.into_iter().map(|grant| grant.subject.id().to_owned()).collect())
}

/// The condition on grants for one place.
pub fn in_place(place: &Place) -> Cond {
    Cond::all().add(Expr::col("place_kind").eq(place.kind.as_str())).add(Expr::col("place_id").eq(place.id.as_str()))
}

/// The condition on grants for all organizations and spaces that the caller sees.
pub fn in_visible_places(tx: &mut Tx<'_>, caller: &Caller) -> Result<Cond, StoreError> {
    let organizations = Visible::load(tx, caller, &actions::ORGANIZATION_READ)?;
    let spaces = Visible::load(tx, caller, &actions::SPACE_READ)?;
    let kind = |kind: &str| Cond::all().add(Expr::col("place_kind").eq(kind));
    Ok(Cond::any()
        .add(kind(scope::ORGANIZATION).add(organizations.organizations("place_id")))
        .add(kind(scope::SPACE).add(spaces.spaces("place_id"))))
}

/// Guids of users the caller sees: himself and who has a role in a place he sees. `None`: all.
pub fn visible_users(tx: &mut Tx<'_>, caller: &Caller) -> Result<Option<HashSet<String>>, StoreError> {
    if scope::sees_all(caller) {
        return Ok(None);
    }
    let places = in_visible_places(tx, caller)?;
    let mut seen = members(tx, places)?;
    seen.insert(caller.subject.id().to_owned());
    Ok(Some(seen))
}

/// Loads a user for `caller` to see.
pub fn user_load(tx: &mut Tx<'_>, caller: &Caller, guid: &str) -> Result<User, ApiError> {
    let seen = visible_users(tx, caller)?.is_none_or(|seen| seen.contains(guid));
    let found = if seen { user_find(tx, guid)? } else { None };
    found.ok_or_else(|| ApiError::not_found("User"))
}

/// All users the caller sees, by user name, clients that have a role last.
pub fn user_list(tx: &mut Tx<'_>, caller: &Caller) -> Result<Vec<User>, StoreError> {
    let all: Vec<String> = match visible_users(tx, caller)? {
        Some(seen) => seen.into_iter().collect(),
        None => {
            let clients = members(tx, Cond::all().add(Expr::col("subject_kind").eq("client")))?;
            identity::person_list(tx)?.into_iter().map(|person| person.id).chain(clients).collect()
        }
    };
    users(tx, &all)
}
