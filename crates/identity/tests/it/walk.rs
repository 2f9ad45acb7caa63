//! Every route as every role. A route without a case here fails the test.

use crate::house::{HOST, House, field, house};
use identity::{Caller, Password, PersonState, hash_password};

/// Anonymous, refused (suspended), a person, an administrator, a client with `scim.read`.
const ROLES: [&str; 5] = ["anonymous", "suspended", "person", "administrator", "client"];

/// What each role is answered. Bodies are empty and ids unknown, so 400, 404 and 422 mean that the role was let in.
const CASES: &[(&str, &str, [u16; 5])] = &[
    // Pages: signing in and out is for everybody; the account leads to the sign-in page.
    ("GET", "/signin", [200, 200, 303, 303, 303]),
    ("POST", "/signin", [422; 5]),
    ("GET", "/signout", [200; 5]),
    ("POST", "/signout", [303; 5]),
    ("GET", "/setup", [410; 5]),
    ("POST", "/setup", [410; 5]),
    ("GET", "/static/identity.css", [200; 5]),
    ("GET", "/signup", [200; 5]),
    ("POST", "/signup", [422; 5]),
    ("GET", "/password", [410; 5]),
    ("POST", "/password", [410; 5]),
    ("GET", "/account/sessions", [303, 403, 200, 200, 403]),
    ("POST", "/account/sessions/{id}/revoke", [303, 403, 303, 303, 403]),
    ("POST", "/account/password", [303, 403, 422, 422, 403]),
    ("POST", "/account/tokens", [303, 403, 422, 422, 403]),
    ("POST", "/account/tokens/{id}/revoke", [303, 403, 303, 303, 403]),
    // One's own account.
    ("GET", "/api/identity/me", [401, 403, 200, 200, 403]),
    ("GET", "/api/identity/sessions", [401, 403, 200, 200, 403]),
    ("DELETE", "/api/identity/sessions/{id}", [401, 403, 404, 404, 403]),
    ("GET", "/api/identity/tokens", [401, 403, 200, 200, 403]),
    ("POST", "/api/identity/tokens", [401, 403, 400, 400, 403]),
    ("DELETE", "/api/identity/tokens/{id}", [401, 403, 404, 404, 403]),
    // The UAA: documents for all, people for those who manage them.
    ("GET", "/uaa/login", [200; 5]),
    ("GET", "/uaa/info", [200; 5]),
    ("GET", "/uaa/token_keys", [200; 5]),
    ("GET", "/uaa/token_key", [200; 5]),
    ("GET", "/uaa/.well-known/openid-configuration", [200; 5]),
    ("GET", "/uaa/userinfo", [401, 403, 200, 200, 404]),
    ("POST", "/uaa/userinfo", [401, 403, 200, 200, 404]),
    ("POST", "/uaa/oauth/token", [401, 403, 401, 401, 401]),
    ("POST", "/uaa/check_token", [401, 403, 401, 401, 401]),
    ("DELETE", "/uaa/oauth/token/revoke/{jti}", [401, 403, 404, 404, 404]),
    ("GET", "/uaa/oauth/authorize", [401, 403, 400, 400, 401]),
    ("GET", "/uaa/oauth/clients/{id}", [401, 403, 403, 404, 403]),
    ("GET", "/uaa/Users", [401, 403, 403, 200, 200]),
    ("POST", "/uaa/Users", [401, 403, 403, 400, 403]),
    ("GET", "/uaa/Users/{id}", [401, 403, 403, 404, 404]),
    ("PATCH", "/uaa/Users/{id}", [401, 403, 403, 400, 403]),
    ("PUT", "/uaa/Users/{id}", [401, 403, 403, 400, 403]),
    ("DELETE", "/uaa/Users/{id}", [401, 403, 403, 404, 403]),
    ("PATCH", "/uaa/Users/{id}/status", [401, 403, 403, 400, 403]),
    ("PUT", "/uaa/Users/{id}/password", [401, 403, 403, 400, 403]),
];

#[tokio::test]
async fn every_route_as_every_role() {
    let house = house().await;
    let tokens = tokens(&house).await;
    let routes = identity::http::routes();
    for (method, path) in &routes {
        let case = CASES.iter().find(|(case, at, _)| *case == method.as_str() && at == path);
        let (_, _, expected) =
            case.unwrap_or_else(|| panic!("{method} {path} has no case: say here what each role is answered"));
        let at = path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{jti}", "none.0");
        for (index, role) in ROLES.iter().enumerate() {
            let origin = format!("http://{HOST}");
            let mut headers = vec![("origin", origin.as_str())];
            if let Some(token) = &tokens[index] {
                headers.push(("authorization", token));
            }
            let answer = house.call(method.as_str(), &at, &headers, "").await;
            assert_eq!(answer.status, expected[index], "{method} {path} as {role}: {}", answer.text);
        }
    }
    assert_eq!(routes.len(), CASES.len(), "a case whose route is gone");
    for (path, status) in [("/uaa/passcode", 404), ("/uaa/oauth/token", 405)] {
        let answer = house.get(path, &[]).await;
        assert_eq!(answer.status, status);
        assert!(answer.json()["error"].is_string(), "clients of the UAA read JSON whatever happens");
    }
}

async fn tokens(house: &House) -> [Option<String>; 5] {
    let bearer = |answer: &serde_json::Value| Some(format!("Bearer {}", field(answer, "access_token")));
    let suspended = house.person("lee").await;
    house.person("max").await;
    house.admin("kim").await;
    let lee = house.log_in("lee").await;
    let system = Caller::system().actor();
    let secret = hash_password(Password::new("a service's secret")).await.unwrap();
    house
        .db
        .write(move |tx| {
            identity::person_set_state(tx, &system, &suspended.id, PersonState::Suspended)?;
            identity::client_create(tx, &system, "reader", &secret, &["scim.read".to_owned()])
        })
        .await
        .unwrap();
    let form = "grant_type=client_credentials&client_id=reader&client_secret=a+service%27s+secret";
    let client = house.call("POST", "/uaa/oauth/token", &[], form).await.json();
    [None, bearer(&lee), bearer(&house.log_in("max").await), bearer(&house.log_in("kim").await), bearer(&client)]
}
