//! People as the face shows them.

use crate::model::person::initials;
use crate::{ApiError, api::call::Call};
use identity::{Caller, Person, Subject};
use sea_query::{Expr, ExprTrait, Query};
use std::collections::BTreeMap;
use store::{FromRow, Row, StoreError, Tx};

/// What a person says about themselves, here only.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Their number.
    pub person_id: i64,
    /// If not those of the name.
    pub initials: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Are they told of what happens?
    pub receives_in_app_notifications: bool,
}

/// A person with their profile.
#[derive(Debug, Clone)]
pub struct Somebody {
    /// As identity knows them.
    pub person: Person,
    /// As they say.
    pub profile: Profile,
}

impl Somebody {
    /// Their number.
    pub fn id(&self) -> i64 {
        self.person.number
    }

    /// Their name.
    pub fn name(&self) -> &str {
        &self.person.display_name
    }

    /// `AL`.
    pub fn initials(&self) -> String {
        self.profile.initials.clone().unwrap_or_else(|| initials(self.name()))
    }
}

const COLUMNS: [&str; 4] = ["person_id", "initials", "time_zone", "receives_in_app_notifications"];

impl FromRow for Profile {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            person_id: row.get("person_id")?,
            initials: row.get("initials")?,
            time_zone: row.get("time_zone")?,
            receives_in_app_notifications: row.get("receives_in_app_notifications")?,
        })
    }
}

impl Profile {
    fn of(person_id: i64) -> Self {
        Self { person_id, initials: None, time_zone: None, receives_in_app_notifications: true }
    }
}

/// The people with these numbers; who has gone is left out.
pub fn people(tx: &mut Tx<'_>, numbers: &[i64]) -> Result<BTreeMap<i64, Somebody>, StoreError> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let found = identity::people_by_number(tx, &numbers)?;
    with_profiles(tx, found)
}

/// The people with these guids.
pub fn people_by_guid(tx: &mut Tx<'_>, guids: &[String]) -> Result<BTreeMap<i64, Somebody>, StoreError> {
    let found = identity::people(tx, guids)?;
    with_profiles(tx, found)
}

fn with_profiles(tx: &mut Tx<'_>, found: Vec<Person>) -> Result<BTreeMap<i64, Somebody>, StoreError> {
    let mut profiles: BTreeMap<i64, Profile> = BTreeMap::new();
    let numbers: Vec<i64> = found.iter().map(|person| person.number).collect();
    for some in numbers.chunks(500) {
        let rows: Vec<Profile> = tx.rows(
            Query::select()
                .columns(COLUMNS)
                .from("tracker_profile")
                .and_where(Expr::col("person_id").is_in(some.iter().copied())),
        )?;
        profiles.extend(rows.into_iter().map(|profile| (profile.person_id, profile)));
    }
    Ok(found
        .into_iter()
        .map(|person| {
            let profile = profiles.remove(&person.number).unwrap_or_else(|| Profile::of(person.number));
            (person.number, Somebody { person, profile })
        })
        .collect())
}

/// One person by number.
pub fn person(tx: &mut Tx<'_>, number: i64) -> Result<Option<Somebody>, StoreError> {
    Ok(people(tx, &[number])?.remove(&number))
}

/// The person who calls; 403 for nobody and for programs of the platform.
pub fn me(tx: &mut Tx<'_>, call: &Call) -> Result<Somebody, ApiError> {
    of_caller(tx, call.known()?)?.ok_or_else(ApiError::unauthorized)
}

/// The person behind a caller; none for programs.
pub fn of_caller(tx: &mut Tx<'_>, caller: &Caller) -> Result<Option<Somebody>, StoreError> {
    let Subject::Person(guid) = &caller.subject else { return Ok(None) };
    let Some(found) = identity::person_get(tx, guid)? else { return Ok(None) };
    let profile = tx.row(
        Query::select().columns(COLUMNS).from("tracker_profile").and_where(Expr::col("person_id").eq(found.number)),
    )?;
    Ok(Some(Somebody { profile: profile.unwrap_or_else(|| Profile::of(found.number)), person: found }))
}

/// Writes a profile.
pub fn save_profile(tx: &mut Tx<'_>, profile: &Profile) -> Result<(), StoreError> {
    tx.exec(Query::delete().from_table("tracker_profile").and_where(Expr::col("person_id").eq(profile.person_id)))?;
    tx.exec(Query::insert().into_table("tracker_profile").columns(COLUMNS).values_panic([
        profile.person_id.into(),
        profile.initials.clone().into(),
        profile.time_zone.clone().into(),
        i16::from(profile.receives_in_app_notifications).into(),
    ]))
    .map(|_| ())
}
