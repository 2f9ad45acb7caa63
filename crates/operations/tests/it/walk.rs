//! Every route as every role. A route without a case here fails the test.

use super::house::{House, house};
use identity::{Caller, PersonState};

/// Anonymous, suspended, a person, an administrator.
const ROLES: [&str; 4] = ["anonymous", "suspended", "person", "administrator"];

/// What each role is answered. Bodies are empty and ids unknown, so 400, 404 and 422 mean that the role was let in.
const CASES: &[(&str, &str, [u16; 4])] = &[
    // A position that is none: the stream itself would never end.
    ("GET", "/api/events?after=x", [401, 403, 400, 400]),
    ("GET", "/api/platform/audit", [401, 403, 200, 200]),
    ("GET", "/api/platform/audit/export", [401, 403, 200, 200]),
    ("GET", "/api/platform/audit/verify", [401, 403, 403, 200]),
    ("GET", "/api/platform/people", [401, 403, 403, 200]),
    ("POST", "/api/platform/people", [401, 403, 403, 400]),
    ("GET", "/api/platform/people/{id}", [401, 403, 403, 404]),
    ("PATCH", "/api/platform/people/{id}", [401, 403, 403, 400]),
    ("DELETE", "/api/platform/people/{id}", [401, 403, 403, 404]),
    ("POST", "/api/platform/people/{id}/activate", [401, 403, 403, 404]),
    ("POST", "/api/platform/people/{id}/suspend", [401, 403, 403, 404]),
    ("PUT", "/api/platform/people/{id}/password", [401, 403, 403, 400]),
    ("POST", "/api/platform/people/{id}/password_link", [401, 403, 403, 404]),
    ("PUT", "/api/platform/people/{id}/administrator", [401, 403, 403, 404]),
    ("DELETE", "/api/platform/people/{id}/administrator", [401, 403, 403, 404]),
    ("GET", "/api/platform/people/{id}/sessions", [401, 403, 403, 404]),
    ("DELETE", "/api/platform/people/{id}/sessions", [401, 403, 403, 404]),
    ("DELETE", "/api/platform/people/{id}/sessions/{session}", [401, 403, 403, 404]),
    ("GET", "/api/platform/tokens", [401, 403, 403, 200]),
    ("GET", "/api/platform/tokens/{id}", [401, 403, 403, 404]),
    ("DELETE", "/api/platform/tokens/{id}", [401, 403, 403, 404]),
    ("GET", "/api/platform/invitations", [401, 403, 403, 200]),
    ("POST", "/api/platform/invitations", [401, 403, 403, 400]),
    ("POST", "/api/platform/invitations/{id}/renew", [401, 403, 403, 400]),
    ("DELETE", "/api/platform/invitations/{id}", [401, 403, 403, 404]),
    ("GET", "/api/platform/settings", [401, 403, 403, 200]),
    ("PATCH", "/api/platform/settings", [401, 403, 403, 400]),
];

#[tokio::test]
async fn every_route_as_every_role() {
    let house = house().await;
    let tokens = tokens(&house).await;
    let routes = operations::routes();
    for (method, path) in &routes {
        let case = CASES
            .iter()
            .find(|(case, at, _)| *case == method.as_str() && at.split('?').next() == Some(*path))
            .unwrap_or_else(|| panic!("{method} {path} has no case: say here what each role is answered"));
        let at = case.1.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{session}", "none");
        for (index, role) in ROLES.iter().enumerate() {
            let bearer = tokens[index].as_ref().map(|token| format!("Bearer {token}"));
            let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
            let answer = house.call(method.as_str(), &at, &headers, "").await;
            assert_eq!(answer.status, case.2[index], "{method} {path} as {role}: {}", answer.text);
            if !answer.status.is_success() {
                answer.error();
            }
        }
    }
    assert_eq!(routes.len(), CASES.len(), "a case whose route is gone");
    assert_eq!(house.call("GET", "/api/platform/nothing", &[], "").await.status, 404);
    assert_eq!(house.call("POST", "/api/events", &[], "").await.status, 405);
}

async fn tokens(house: &House) -> [Option<String>; 4] {
    let suspended = house.person("lee").await;
    house.person("max").await;
    house.admin("kim").await;
    let lee = house.log_in("lee").await;
    let system = Caller::system().actor();
    house
        .db
        .write(move |tx| identity::person_set_state(tx, &system, &suspended.id, PersonState::Suspended).map(drop))
        .await
        .unwrap();
    [None, Some(lee), Some(house.log_in("max").await), Some(house.log_in("kim").await)]
}
