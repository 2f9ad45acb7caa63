//! What `cf` and its kin ask of a UAA, call by call.

use crate::house::{House, each_house, field, house};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use identity::{Caller, Password, PersonState, hash_password};
use serde_json::{Value, json};
use std::time::Duration;

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_log_in_sequence_of_cf() {
    each_house(async |house| {
        let kim = house.admin("kim").await;

        let login = house.get("/uaa/login", &[("accept", "application/json")]).await.json();
        assert_eq!(login["links"]["uaa"], "http://api.test:7080/uaa");
        assert_eq!(login["prompts"]["username"][0], "text");
        assert_eq!(login["prompts"]["password"][0], "password");
        assert!(login["prompts"].get("passcode").is_none(), "single sign-on is not here, so it is not advertised");
        let browser = house.get("/uaa/login", &[("accept", "text/html,application/xhtml+xml")]).await;
        assert_eq!((browser.status.as_u16(), browser.header("location")), (303, "/signin"));

        let tokens = house.log_in("kim").await;
        assert_eq!((field(&tokens, "token_type"), &tokens["expires_in"]), ("bearer", &json!(600)));
        let access = field(&tokens, "access_token");
        assert_eq!(part(access, 0)["alg"], "RS256");
        let claims = part(access, 1);
        for name in
            ["jti", "sub", "client_id", "cid", "grant_type", "user_id", "user_name", "origin", "email", "iss", "zid"]
        {
            assert!(claims[name].is_string(), "{name} in {claims}");
        }
        assert_eq!(
            (&claims["user_id"], &claims["sub"], &claims["user_name"]),
            (&json!(kim.id), &json!(kim.id), &json!("kim"))
        );
        assert_eq!((&claims["jti"], &claims["revocable"]), (&tokens["jti"], &json!(true)));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
        assert!(claims["scope"].as_array().unwrap().contains(&json!("cloud_controller.admin")));
        assert_eq!(claims["iss"], "http://api.test:7080/uaa/oauth/token");

        assert_eq!(house.whoami(access).await, "kim (admin)");
        let info = house.get("/uaa/userinfo", &[("authorization", &format!("BEARER {access}"))]).await.json();
        assert_eq!((&info["user_name"], &info["email"]), (&json!("kim"), &json!("kim@example.com")));

        // Refreshing keeps the refresh token: several command lines share one configuration file.
        let refresh = format!("grant_type=refresh_token&refresh_token={}", field(&tokens, "refresh_token"));
        let again = house.token(&refresh).await.json();
        assert_eq!(again["refresh_token"], tokens["refresh_token"]);
        assert_ne!(again["jti"], tokens["jti"]);
        assert_eq!(house.whoami(field(&again, "access_token")).await, "kim (admin)");

        // cf logout.
        let bearer = format!("bearer {}", field(&again, "access_token"));
        let path = format!("/uaa/oauth/token/revoke/{}", field(&again, "jti"));
        let revoked = house.call("DELETE", &path, &[("authorization", &bearer)], "").await;
        assert_eq!(revoked.status, 200, "{}", revoked.text);
        assert_eq!(house.whoami(access).await, "refused: the token was revoked; log in again");
        assert_eq!(
            house.token(&refresh).await.error(),
            "401 invalid_token: The refresh token is expired or was revoked; log in again"
        );
    })
    .await;
}

#[tokio::test]
async fn credentials_that_are_not_good() {
    let house = house().await;
    house.person("kim").await;
    let bad = "401 unauthorized: Bad credentials";
    let cases = [
        ("Basic Y2Y6", "grant_type=password&username=kim&password=wrong", bad),
        ("Basic Y2Y6", "grant_type=password&username=nobody&password=wrong", bad),
        ("Basic Y2Y6", "grant_type=password&username=kim", bad),
        ("Basic Y2Y6", "grant_type=password&username=%27+OR+1%3D1--&password=x", bad),
        (
            "Basic Y2Y6",
            "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x",
            "400 unsupported_grant_type: Unsupported grant type: \"urn:ietf:params:oauth:grant-type:jwt-bearer\"; use password, refresh_token or client_credentials",
        ),
        (
            "Basic Y2Y6",
            "grant_type=client_credentials",
            "401 unauthorized_client: Unauthorized grant type: client cf may not ask for client_credentials",
        ),
        (
            "Basic Y2Y6eA==",
            "grant_type=password&username=kim&password=correct+horse",
            "401 invalid_client: Bad client credentials",
        ),
        ("Basic bm9ib2R5OnNlY3JldA==", "grant_type=client_credentials", "401 invalid_client: Bad client credentials"),
        (
            "Basic %%%",
            "grant_type=password&username=kim&password=correct+horse",
            "401 invalid_client: Client credentials are missing: send Basic authorization or client_id and client_secret",
        ),
        (
            "Basic Y2Y6",
            "grant_type=refresh_token&refresh_token=guess",
            "401 invalid_token: The refresh token is expired or was revoked; log in again",
        ),
        (
            "Basic Y2Y6",
            "grant_type=password&username=kim&password=correct+horse&login_hint=%7B%22origin%22%3A%22ldap%22%7D",
            "401 unauthorized: The origin in login_hint is not known here; the only one is uaa",
        ),
    ];
    for (authorization, form, expected) in cases {
        let answer = house.call("POST", "/uaa/oauth/token", &[("authorization", authorization)], form).await;
        assert_eq!(answer.error(), expected, "{form}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // The client in the form, an address for a name, whatever the case, and what a Python client sends along.
    for form in [
        "client_id=cf&client_secret=&grant_type=password&username=kim&password=correct+horse&scope=&token_format=opaque",
        "client_id=cf&grant_type=password&username=KIM%40Example.com&password=correct+horse",
    ] {
        let answer = house.call("POST", "/uaa/oauth/token", &[], form).await;
        assert_eq!(answer.status, 200, "{form}: {}", answer.text);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_success_resets() {
    each_house(async |house| {
        house.person("kim").await;
        let wrong = "grant_type=password&username=kim&password=wrong";
        let right = "grant_type=password&username=kim&password=correct+horse";
        let locked = "401 unauthorized: Your account has been locked because of too many failed attempts to login.";
        let bad = "401 unauthorized: Bad credentials";
        for _ in 0..4 {
            assert_eq!(house.token(wrong).await.error(), bad);
        }
        assert_eq!(house.token(right).await.status, 200);
        for _ in 0..5 {
            assert_eq!(house.token(wrong).await.error(), bad);
        }
        // Even the right password, until the wait is over; each further failure doubles it.
        assert_eq!(house.token(right).await.error(), locked);
        assert_eq!(house.token("grant_type=password&username=KIM&password=wrong").await.error(), locked);
        for wait in [1, 2, 4, 8] {
            house.clock.advance(Duration::from_millis(wait * 1000 - 600));
            assert_eq!(house.token(right).await.error(), locked, "before {wait} s");
            house.clock.advance(Duration::from_millis(601));
            assert_eq!(house.token(wrong).await.error(), bad, "after {wait} s");
        }
        house.clock.advance(Duration::from_secs(16));
        assert_eq!(house.token(right).await.status, 200);
        assert_eq!(house.token(wrong).await.error(), bad);
        assert_eq!(house.token(right).await.status, 200, "one failure after a success costs nothing");
        let locks = house
            .ledger()
            .await
            .iter()
            .filter(|entry| entry.get::<String>("action").unwrap() == "account.locked")
            .count();
        assert_eq!(locks, 5);

        // Names that do not exist are counted alike, and addresses over all names.
        for _ in 0..5 {
            assert_eq!(house.token("grant_type=password&username=ghost&password=wrong").await.error(), bad);
        }
        assert_eq!(house.token("grant_type=password&username=ghost&password=wrong").await.error(), locked);
        let from = [("authorization", "Basic Y2Y6"), ("x-forwarded-for", "10.9.9.9, 192.0.2.7")];
        // Many may share an address, so it has more attempts than a name.
        for number in 0..50 {
            let form = format!("grant_type=password&username=ghost{number}&password=wrong");
            assert_eq!(house.call("POST", "/uaa/oauth/token", &from, &form).await.error(), bad);
        }
        let forged = [("authorization", "Basic Y2Y6"), ("x-forwarded-for", "10.1.1.1, 192.0.2.7")];
        assert_eq!(house.call("POST", "/uaa/oauth/token", &forged, right).await.error(), locked);
        assert_eq!(house.token(right).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn many_guesses_at_once_are_counted_one_by_one() {
    let house = house().await;
    house.person("kim").await;
    let wrong = "grant_type=password&username=kim&password=wrong";
    let answers = futures_util::future::join_all((0..20).map(|_| house.token(wrong))).await;
    let judged = answers.iter().filter(|answer| answer.error().ends_with("Bad credentials")).count();
    assert!((5..=6).contains(&judged), "{judged} of 20 guesses were judged");
    // And as many good log-ins at once are all let in.
    house.person("lee").await;
    let right = "grant_type=password&username=lee&password=correct+horse";
    let answers = futures_util::future::join_all((0..10).map(|_| house.token(right))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn tokens_that_are_not_good() {
    let house = house().await;
    let kim = house.admin("kim").await;
    let lee = house.person("lee").await;
    let other = crate::house::house().await;
    other.admin("kim").await;

    let good = house.log_in("kim").await;
    let access = field(&good, "access_token").to_owned();
    let foreign = field(&other.log_in("kim").await, "access_token").to_owned();
    let (header, body, signature) = {
        let mut parts = access.split('.');
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
    };
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims = part(&access, 1);
    claims["user_name"] = json!("root");
    // HS256 with the public key as its secret: the oldest trick against verifiers that believe the header.
    let pem = house.get("/uaa/token_key", &[]).await.json()["value"].as_str().unwrap().to_owned();
    let confused = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &part(&access, 1),
        &jsonwebtoken::EncodingKey::from_secret(pem.as_bytes()),
    )
    .unwrap();
    let not_ours = "refused: the token was not issued by this platform; log in again";
    for (what, token) in [
        ("another platform's", foreign),
        ("alg none", format!("{}.{body}.", encode(&json!({"alg": "none", "typ": "JWT"})))),
        ("alg none with a signature", format!("{}.{body}.{signature}", encode(&json!({"alg": "None"})))),
        ("HS256 by the public key", confused),
        ("changed claims", format!("{header}.{}.{signature}", encode(&claims))),
        ("cut off", access[..access.len() - 8].to_owned()),
        ("nonsense", "xyz".into()),
        ("empty", String::new()),
    ] {
        assert_eq!(house.whoami(&token).await, not_ours, "{what}");
    }
    assert_eq!(house.whoami(&access).await, "kim (admin)");
    assert_eq!(house.whoami("plt_guess").await, "refused: the token is unknown, revoked or expired; make a new one");
    assert_eq!(house.get("/whoami", &[("authorization", "Basic a2ltOmNvcnJlY3QgaG9yc2U=")]).await.text, "anonymous");
    let answer = house.get("/uaa/userinfo", &[("authorization", "bearer xyz")]).await;
    assert_eq!(answer.error(), "401 invalid_token: the token was not issued by this platform; log in again");

    // A person who is suspended, at the next request; their refresh token too.
    let tokens = house.log_in("lee").await;
    let system = Caller::system().actor();
    let set = async |state| {
        let (actor, id) = (system.clone(), lee.id.clone());
        house.db.write(move |tx| identity::person_set_state(tx, &actor, &id, state)).await.unwrap();
    };
    assert_eq!(house.whoami(field(&tokens, "access_token")).await, "lee");
    set(PersonState::Suspended).await;
    let suspended = "the account is suspended; ask an administrator to activate it";
    assert_eq!(house.whoami(field(&tokens, "access_token")).await, format!("refused: {suspended}"));
    let refresh = format!("grant_type=refresh_token&refresh_token={}", field(&tokens, "refresh_token"));
    assert_eq!(house.token(&refresh).await.error(), format!("403 account_suspended: {suspended}"));
    let log_in = "grant_type=password&username=lee&password=correct+horse";
    assert_eq!(house.token(log_in).await.error(), format!("403 account_suspended: {suspended}"));
    set(PersonState::Active).await;
    assert_eq!(house.whoami(field(&tokens, "access_token")).await, "lee");

    // Only one's own sessions can be revoked by jti.
    let lees = format!("bearer {}", field(&tokens, "access_token"));
    let path = format!("/uaa/oauth/token/revoke/{}", field(&good, "jti"));
    assert_eq!(house.call("DELETE", &path, &[("authorization", &lees)], "").await.status, 404);
    assert_eq!(house.whoami(&access).await, "kim (admin)");

    // Who is made no administrator any more is none with the token that said so.
    house.admin("max").await;
    let (actor, person) = (system.clone(), kim.clone());
    house.db.write(move |tx| identity::administrator_remove(tx, &actor, &person)).await.unwrap();
    assert_eq!(house.whoami(&access).await, "kim");

    house.clock.advance(Duration::from_secs(601));
    assert_eq!(house.whoami(&access).await, "refused: the token has expired; log in again");
    house.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(
        house.token(&refresh).await.error(),
        "401 invalid_token: The refresh token is expired or was revoked; log in again"
    );
}

#[tokio::test]
async fn clients_in_their_own_name() {
    each_house(async |house| {
        house.admin("kim").await;
        let system = Caller::system().actor();
        let secret = hash_password(Password::new("a service's secret")).await.unwrap();
        let authorities = ["cloud_controller.read".to_owned(), "uaa.resource".to_owned()];
        let actor = system.clone();
        house.db.write(move |tx| identity::client_create(tx, &actor, "exporter", &secret, &authorities)).await.unwrap();

        let form = "grant_type=client_credentials&client_id=exporter&client_secret=a+service%27s+secret";
        let answer = house.call("POST", "/uaa/oauth/token", &[], form).await.json();
        assert!(answer.get("refresh_token").is_none());
        let access = field(&answer, "access_token");
        let claims = part(access, 1);
        assert_eq!((&claims["client_id"], &claims["sub"]), (&json!("exporter"), &json!("exporter")));
        assert!(claims.get("user_name").is_none() && claims.get("user_id").is_none());
        assert_eq!(house.whoami(access).await, "exporter");

        let basic = format!("Basic {}", STANDARD.encode("exporter:a service's secret"));
        let checked =
            house.call("POST", "/uaa/check_token", &[("authorization", &basic)], &format!("token={access}")).await;
        assert_eq!(checked.json()["client_id"], "exporter");
        let checked = house.call("POST", "/uaa/check_token", &[("authorization", &basic)], "token=x").await;
        assert_eq!(checked.error(), "400 invalid_token: the token was not issued by this platform; log in again");
        let checked = house.call("POST", "/uaa/check_token", &[("authorization", "Basic Y2Y6")], "token=x").await;
        assert_eq!(checked.status, 403);

        let bearer = format!("bearer {}", field(&house.log_in("kim").await, "access_token"));
        let shown = house.get("/uaa/oauth/clients/exporter", &[("authorization", &bearer)]).await;
        assert_eq!(shown.json()["authorities"], json!(["cloud_controller.read", "uaa.resource"]));
        assert!(!shown.text.contains("argon2"));
        assert_eq!(house.get("/uaa/oauth/clients/none", &[("authorization", &bearer)]).await.status, 404);

        house.db.write(move |tx| identity::client_delete(tx, &system, "exporter")).await.unwrap();
        assert_eq!(house.whoami(access).await, "refused: the token was revoked; log in again");
    })
    .await;
}

#[tokio::test]
async fn people_by_scim() {
    each_house(async |house| {
    let kim = house.admin("kim").await;
    house.person("lee").await;
    let admin = format!("bearer {}", field(&house.log_in("kim").await, "access_token"));
    let lee = format!("bearer {}", field(&house.log_in("lee").await, "access_token"));
    let find = async |filter: &str| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        house.get(&format!("/uaa/Users?{query}"), &[("authorization", &admin)]).await
    };
    for (filter, names) in [
        ("userName eq \"kim\" and origin eq \"uaa\"", vec!["kim"]),
        ("userName Eq \"KIM\"", vec!["kim"]),
        ("userName eq \"kim\" and origin eq \"ldap\"", vec![]),
        ("id eq \"nobody\" or userName co \"E\"", vec!["lee"]),
        ("(userName sw \"k\" or userName sw \"l\") and emails.value eq \"lee@example.com\"", vec!["lee"]),
        ("userName co \"%\"", vec![]),
        ("userName eq \"a\\\"b\"", vec![]),
    ] {
        let found = find(filter).await.json();
        let have: Vec<&str> =
            found["resources"].as_array().unwrap().iter().map(|user| field(user, "userName")).collect();
        assert_eq!(have, names, "{filter}");
        assert_eq!(found["totalResults"], names.len(), "{filter}");
    }
    for (filter, problem) in [
        ("userName", "character 9: an operator is expected: eq, co or sw"),
        ("userName eq kim", "character 13: a text in double quotes is expected"),
        ("userName eq \"kim", "character 13: the text that begins here has no closing quote"),
        ("password sw \"$\"", "character 1: password cannot be filtered by; use id, userName, emails.value or origin"),
        (
            "userName eq \"kim\" origin eq \"uaa\"",
            "character 19: origin is not expected here; join comparisons by and or or",
        ),
        ("(id eq \"1\"", "character 11: a closing bracket is missing"),
        ("", "character 1: a comparison such as userName eq \"kim\" is expected"),
        (&"(".repeat(10_000), "brackets are nested deeper than 16"),
    ] {
        assert_eq!(find(filter).await.error(), format!("400 scim: Invalid filter expression: {problem}"));
    }
    assert_eq!(house.get("/uaa/Users", &[("authorization", &lee)]).await.status, 403);
    assert_eq!(house.get("/uaa/Users", &[]).await.status, 401);

    let create =
        async |body: Value| house.call("POST", "/uaa/Users", &[("authorization", &admin)], &body.to_string()).await;
    // As cf create-user sends it.
    let new = json!({"userName": "bob", "password": "bob's password", "origin": "", "name": {"familyName": "bob", "givenName": "bob"},
        "emails": [{"value": "bob", "primary": true}]});
    let created = create(new.clone()).await;
    assert_eq!((created.status.as_u16(), created.json()["origin"].clone()), (201, json!("uaa")));
    let id = field(&created.json(), "id").to_owned();
    assert_eq!(
        create(new).await.error(),
        "409 scim_resource_already_exists: user name \"bob\" is taken: another person has it"
    );
    for (body, expected) in [
        (
            json!({"userName": "joe@hostname", "password": "long enough"}),
            "400 invalid_scim_resource: user name: \"joe@hostname\" has no domain with a dot after the @: write it with the full domain, like joe@hostname.example.com",
        ),
        (
            json!({"userName": "joe", "password": "short"}),
            "422 invalid_password: password: it is shorter than 8 characters: choose a longer one; a few words are good",
        ),
        (
            json!({"userName": "Kim"}),
            "409 scim_resource_already_exists: user name \"Kim\" is taken: another person has it",
        ),
        (
            json!({"userName": ""}),
            "400 invalid_scim_resource: user name: it is empty: give a name such as kim or kim@example.com",
        ),
    ] {
        assert_eq!(create(body.clone()).await.error(), expected, "{body}");
    }

    // Passwords: one's own by the old one, which ends all other sessions; anybody's by an administrator.
    let log_in = |password: &str| format!("grant_type=password&username=bob&password={password}");
    let tokens =
        [house.token(&log_in("bob%27s+password")).await.json(), house.token(&log_in("bob%27s+password")).await.json()];
    let bob = format!("bearer {}", field(&tokens[0], "access_token"));
    let path = format!("/uaa/Users/{id}/password");
    let put = async |bearer: &str, body: Value| {
        house.call("PUT", &path, &[("authorization", bearer)], &body.to_string()).await
    };
    assert_eq!(
        put(&bob, json!({"oldPassword": "wrong", "password": "another one"})).await.error(),
        "401 unauthorized: The old password is not the right one"
    );
    assert_eq!(put(&lee, json!({"password": "another one"})).await.status, 403);
    assert_eq!(put(&bob, json!({"oldPassword": "bob's password", "password": "another one"})).await.status, 200);
    assert_eq!(house.whoami(field(&tokens[0], "access_token")).await, "bob");
    assert_eq!(house.whoami(field(&tokens[1], "access_token")).await, "refused: the token was revoked; log in again");
    assert_eq!(put(&admin, json!({"password": "a third one"})).await.status, 200);
    assert_eq!(house.token(&log_in("a+third+one")).await.status, 200);

    let deleted = house.call("DELETE", &format!("/uaa/Users/{id}"), &[("authorization", &admin)], "").await;
    assert_eq!((deleted.status.as_u16(), field(&deleted.json(), "userName")), (200, "bob"));
    assert_eq!(house.get(&format!("/uaa/Users/{id}"), &[("authorization", &admin)]).await.status, 404);
    let last = house.call("DELETE", &format!("/uaa/Users/{}", kim.id), &[("authorization", &admin)], "").await;
    assert_eq!(last.status, 422, "{}", last.text);
    assert!(last.text.contains("last active administrator"));
    })
    .await;
}

#[tokio::test]
async fn a_code_for_ssh_works_once_and_for_a_minute() {
    each_house(async |house| {
        house.person("kim").await;
        let bearer = format!("bearer {}", field(&house.log_in("kim").await, "access_token"));
        let ask = async |house: &House, path: &str| house.get(path, &[("authorization", &bearer)]).await;
        let path = "/uaa/oauth/authorize?response_type=code&client_id=ssh-proxy";
        let code = async || {
            let answer = ask(&house, path).await;
            assert_eq!(answer.status, 302, "{}", answer.text);
            answer.header("location").split_once("code=").unwrap().1.to_owned()
        };
        let first = code().await;
        assert!(house.identity.redeem_code("cf", &first).await.unwrap().is_none(), "another client's");
        assert_eq!(house.identity.redeem_code("ssh-proxy", &first).await.unwrap().unwrap().name, "kim");
        assert!(house.identity.redeem_code("ssh-proxy", &first).await.unwrap().is_none(), "used");
        let second = code().await;
        house.clock.advance(Duration::from_secs(61));
        assert!(house.identity.redeem_code("ssh-proxy", &second).await.unwrap().is_none(), "expired");
        assert_eq!(house.get(path, &[]).await.status, 401);
        assert_eq!(ask(&house, "/uaa/oauth/authorize?response_type=token&client_id=ssh-proxy").await.status, 400);
        assert_eq!(ask(&house, "/uaa/oauth/authorize?response_type=code&client_id=cf").await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn the_signing_key_is_sealed_and_stays() {
    let house = house().await;
    house.person("kim").await;
    let token = field(&house.log_in("kim").await, "access_token").to_owned();
    let keys = house.get("/uaa/token_keys", &[]).await.json();
    let key: jsonwebtoken::jwk::Jwk = serde_json::from_value(keys["keys"][0].clone()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_aud = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&key).unwrap();
    let read = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!(read.claims["user_name"], "kim", "others can check tokens by the published key");

    let secrets = store::Secrets::open(&house.folder.path().join("master.key")).unwrap();
    let again = identity::Identity::open(house.db.clone(), &secrets, Default::default()).await.unwrap();
    let app = identity::http::uaa(again);
    let request = http::Request::get("/token_keys").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(app, request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), keys, "the same key after a restart");
    let sealed: Option<String> =
        house.db.read(|tx| tx.value(sea_query::Query::select().column("sealed").from("signing_key"))).await.unwrap();
    assert!(!sealed.unwrap().contains("PRIVATE"));
    let foreign = store::Secrets::open(&house.folder.path().join("another.key")).unwrap();
    let refused = identity::Identity::open(house.db.clone(), &foreign, Default::default()).await;
    assert!(
        refused
            .err()
            .unwrap()
            .to_string()
            .starts_with("the key that signs access tokens cannot be used: a secret was sealed with master key")
    );
}
