//! The one question, against its rule in words.

use crate::house::migrations;
use identity::{Action, Caller, Grant, Place, Subject, grant_add, may};
use proptest::collection::vec;
use proptest::prelude::*;
use store::{Db, DbUrl, StoreError};

const ROLES: [&str; 3] = ["space_developer", "space_auditor", "organization_manager"];
const ACTIONS: [Action; 3] = [
    Action { name: "app.update", roles: &["space_developer"] },
    Action { name: "app.read", roles: &["space_developer", "space_auditor", "organization_manager"] },
    Action { name: "nobody.does", roles: &[] },
];

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        (0..3u8).prop_map(|id| Subject::Person(id.to_string())),
        (0..3u8).prop_map(|id| Subject::Client(id.to_string())),
        (0..3u8).prop_map(|id| Subject::Family(id.to_string())),
    ]
}

/// Kinds share ids on purpose: a grant in space 1 is none in organization 1.
fn place() -> impl Strategy<Value = Place> {
    (prop_oneof![Just("space"), Just("organization")], 0..3u8).prop_map(|(kind, id)| Place::new(kind, &id.to_string()))
}

#[test]
fn a_caller_may_what_a_role_held_in_a_place_of_the_resource_allows() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = runtime.block_on(Db::open(&DbUrl::Sqlite(folder.path().join("db")), &migrations())).unwrap();
    let held = vec((subject(), 0..ROLES.len(), place()), 0..12);
    let asked = (subject(), any::<bool>(), 0..ACTIONS.len(), vec(place(), 0..3));
    proptest!(ProptestConfig::with_cases(300), |(held in held, (subject, admin, action, places) in asked)| {
        let action = &ACTIONS[action];
        let expected = admin || held.iter().any(|(holder, role, place)| {
            *holder == subject && places.contains(place) && action.roles.contains(&ROLES[*role])
        });
        let caller = Caller { subject, name: "x".into(), email: None, admin, scopes: Vec::new() };
        let answer = runtime.block_on(db.write(move |tx| {
            tx.exec(sea_query::Query::delete().from_table("role_grant"))?;
            for (index, (holder, role, place)) in held.iter().enumerate() {
                let grant = Grant {
                    id: index.to_string(),
                    subject: holder.clone(),
                    role: ROLES[*role].into(),
                    place: place.clone(),
                    created_at: 0,
                };
                match grant_add(tx, &grant) {
                    Ok(()) | Err(StoreError::Duplicate { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            may(tx, &caller, action, &places)
        })).unwrap();
        prop_assert_eq!(answer, expected);
    });
}
