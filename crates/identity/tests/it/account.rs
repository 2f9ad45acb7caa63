//! One's own sessions and API tokens, as pages and as JSON.

use crate::house::{HOST, each_house, field, house};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn sessions_are_listed_and_revoked() {
    let house = house().await;
    house.person("kim").await;
    house.person("lee").await;
    let (laptop, phone, lees) = (house.sign_in("kim").await, house.sign_in("kim").await, house.sign_in("lee").await);
    let cf = house.log_in("kim").await;

    let list = async |cookie: &str| {
        house.get("/api/identity/sessions", &[("cookie", cookie)]).await.json()["sessions"].clone()
    };
    let sessions = list(&laptop).await;
    let kinds: Vec<(&str, bool)> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|session| (field(session, "kind"), session["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == ("page", true)).count(), 1, "{sessions}");
    assert_eq!((kinds.iter().filter(|(kind, _)| *kind == "page").count(), kinds.len()), (2, 3));
    let page = house.get("/account/sessions", &[("cookie", &laptop)]).await;
    assert_eq!(page.text.matches("this one").count(), 1);
    assert!(page.text.contains("Command line (cf)"));

    // By the page; somebody else's is not found, and stays.
    let id = |cookie: &str| {
        let cookie = cookie.to_owned();
        async move {
            let sessions = list(&cookie).await;
            let this =
                sessions.as_array().unwrap().iter().find(|session| session["current"] == json!(true)).unwrap().clone();
            field(&this, "id").to_owned()
        }
    };
    let (lees_id, phone_id) = (id(&lees).await, id(&phone).await);
    house.submit(&format!("/account/sessions/{lees_id}/revoke"), &laptop, "").await;
    assert_eq!(house.get("/whoami", &[("cookie", &lees)]).await.text, "lee");
    let origin = format!("http://{HOST}");
    let with = [("cookie", laptop.as_str()), ("origin", origin.as_str())];
    let foreign = house.call("DELETE", &format!("/api/identity/sessions/{lees_id}"), &with, "").await;
    assert_eq!(foreign.error(), "404 not_found: session not found");
    let revoked = house.submit(&format!("/account/sessions/{phone_id}/revoke"), &laptop, "").await;
    assert_eq!(revoked.header("location"), "/account/sessions");
    assert_eq!(house.get("/whoami", &[("cookie", &phone)]).await.text, "refused: the session has ended; sign in again");

    // By the API; the tokens of that command line end at the next request.
    let sessions = list(&laptop).await;
    let of_cf = sessions.as_array().unwrap().iter().find(|session| session["kind"] == "token").unwrap();
    let path = format!("/api/identity/sessions/{}", field(of_cf, "id"));
    assert_eq!(house.call("DELETE", &path, &with, "").await.status, 204);
    assert_eq!(house.whoami(field(&cf, "access_token")).await, "refused: the token was revoked; log in again");

    // One's own: the browser forgets it.
    let laptop_id = id(&laptop).await;
    let out = house.submit(&format!("/account/sessions/{laptop_id}/revoke"), &laptop, "").await;
    assert_eq!((out.header("location"), out.cookie().as_str()), ("/signin", "pitlane_session="));
    let away = house.get("/account/sessions", &[("cookie", &laptop)]).await;
    assert_eq!(away.header("location"), "/signin?next=%2Faccount%2Fsessions");
    assert_eq!(
        house.get("/api/identity/sessions", &[]).await.error(),
        "401 unauthorized: Sign in, or send a bearer token."
    );
}

#[tokio::test]
async fn an_api_token_is_shown_once_and_kept_as_a_hash() {
    each_house(async |house| {
        house.admin("kim").await;
        house.person("lee").await;
        let bearer = format!("bearer {}", field(&house.log_in("kim").await, "access_token"));
        let with = [("authorization", bearer.as_str())];
        let created = house.call("POST", "/api/identity/tokens", &with, r#"{"name": "ci"}"#).await;
        assert_eq!(created.status, 201, "{}", created.text);
        let (token, id) = (field(&created.json(), "token").to_owned(), field(&created.json(), "id").to_owned());
        assert!(token.starts_with("plt_") && token.len() == 4 + 43, "{token}");
        assert_eq!(house.whoami(&token).await, "kim (admin)");

        let listed = house.get("/api/identity/tokens", &with).await;
        assert!(!listed.text.contains(&token) && listed.json()["tokens"][0]["prefix"] == token[..10], "{}", listed.text);
        assert!(listed.json()["tokens"][0]["last_used_at"].is_string());
        let rows: Vec<store::Row> = house
            .db
            .read(|tx| tx.rows(sea_query::Query::select().columns(["name", "prefix", "secret_hash"]).from("api_token")))
            .await
            .unwrap();
        assert!(!format!("{rows:?}").contains(&token[10..]), "at rest");
        let ledger = format!("{:?}", house.ledger().await);
        assert!(ledger.contains("token.create") && !ledger.contains(&token[10..]) && !ledger.contains("argon2"));

        // Last use is written once a minute.
        let used = async || field(&house.get("/api/identity/tokens", &with).await.json()["tokens"][0], "last_used_at").to_owned();
        let first = used().await;
        house.clock.advance(Duration::from_secs(30));
        house.whoami(&token).await;
        assert_eq!(used().await, first);
        house.clock.advance(Duration::from_secs(31));
        house.whoami(&token).await;
        assert_ne!(used().await, first);

        for (body, expected) in [
            (json!({"name": " "}), "422 invalid_request: name: give the token a name of 1 to 191 characters, such as the machine that will use it"),
            (json!({"name": "old", "expires_at": "2001-01-01T00:00:00Z"}), "422 invalid_request: expires_at: it lies in the past: give a later time, or none"),
        ] {
            assert_eq!(house.call("POST", "/api/identity/tokens", &with, &body.to_string()).await.error(), expected);
        }
        let typo = house.call("POST", "/api/identity/tokens", &with, r#"{"name": "x", "expire_at": null}"#).await;
        assert!(typo.status == 400 && typo.text.contains("unknown field `expire_at`"), "{}", typo.text);

        // Somebody else's cannot be revoked; one's own at once.
        let lee = format!("bearer {}", field(&house.log_in("lee").await, "access_token"));
        let path = format!("/api/identity/tokens/{id}");
        assert_eq!(house.call("DELETE", &path, &[("authorization", &lee)], "").await.status, 404);
        assert_eq!(house.call("DELETE", &path, &with, "").await.status, 204);
        assert_eq!(house.whoami(&token).await, "refused: the token is unknown, revoked or expired; make a new one");
    })
    .await;
}

#[tokio::test]
async fn tokens_by_the_page() {
    let house = house().await;
    house.person("kim").await;
    let cookie = house.sign_in("kim").await;
    let page = house.submit("/account/tokens", &cookie, "name=%3Cb%3Elaptop&days=30").await;
    assert_eq!(page.status, 201);
    let token =
        page.text.split("<code>").find(|part| part.starts_with("plt_") && part.len() > 47).unwrap()[..47].to_owned();
    assert!(page.text.contains("&#60;b&#62;laptop") && page.text.contains("in 30 days"), "{}", page.text);
    assert_eq!(house.whoami(&token).await, "kim");
    let again = house.get("/account/sessions", &[("cookie", &cookie)]).await;
    assert!(!again.text.contains(&token) && again.text.contains(&token[..10]), "shown once");
    house.clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(house.whoami(&token).await, "kim");
    let cookie = house.sign_in("kim").await;
    house.clock.advance(Duration::from_secs(23 * 86_400 + 1));
    assert_eq!(house.whoami(&token).await, "refused: the token is unknown, revoked or expired; make a new one");
    let cookie = if house.get("/whoami", &[("cookie", &cookie)]).await.text == "kim" {
        cookie
    } else {
        house.sign_in("kim").await
    };
    let page = house.submit("/account/tokens", &cookie, "name=&days=").await;
    assert!(page.status == 422 && page.text.contains("id=\"token_error\""), "{}", page.text);
    let id = page.text.split("/account/tokens/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    house.submit(&format!("/account/tokens/{id}/revoke"), &cookie, "").await;
    let page = house.get("/account/sessions", &[("cookie", &cookie)]).await;
    assert!(page.text.contains("No tokens."), "an expired one can be cleared away");
}

#[tokio::test]
async fn me() {
    let house = house().await;
    let kim = house.admin("kim").await;
    let cookie = house.sign_in("kim").await;
    let me = house.get("/api/identity/me", &[("cookie", &cookie)]).await.json();
    assert_eq!(
        (&me["id"], &me["administrator"], &me["email"]),
        (&json!(kim.id), &json!(true), &json!("kim@example.com"))
    );
}

#[tokio::test]
async fn people_change_their_own_password_by_the_old_one() {
    each_house(async |house| {
        house.person("kim").await;
        let (laptop, phone) = (house.sign_in("kim").await, house.sign_in("kim").await);
        let page = house.get("/account/sessions", &[("cookie", &laptop)]).await;
        assert!(page.text.contains("action=\"/account/password\"") && page.text.contains("you will be signed out"));
        let change = async |old: &str, new: &str, again: &str| {
            let form = format!("old_password={old}&password={new}&password_again={again}");
            house.submit("/account/password", &laptop, &form).await
        };
        // Each fault is told at its field, and nothing is changed by any of them.
        let wrong = change("wrong+one", "battery+staple", "battery+staple").await;
        assert_eq!(wrong.status, 422, "{}", wrong.text);
        assert!(wrong.text.contains("id=\"old_error\" role=\"alert\">It is not the right one."), "{}", wrong.text);
        let short = change("correct+horse", "short", "other").await;
        assert_eq!(short.status, 422);
        assert!(
            short.text.contains("id=\"password_error\"") && short.text.contains("id=\"again_error\""),
            "{}",
            short.text
        );
        assert!(!short.text.contains("id=\"old_error\""));
        let from_elsewhere = [("cookie", laptop.as_str()), ("origin", "http://evil.test"), ("accept", "text/html")];
        let form = "old_password=correct+horse&password=battery+staple&password_again=battery+staple";
        assert_eq!(house.call("POST", "/account/password", &from_elsewhere, form).await.status, 403);
        assert_eq!(house.get("/whoami", &[("cookie", &phone)]).await.text, "kim");

        // It is changed: here one stays, elsewhere one is out, and only the new one is good.
        let done = change("correct+horse", "battery+staple", "battery+staple").await;
        assert_eq!((done.status.as_u16(), done.header("location")), (303, "/account/sessions?changed"));
        let page = house.get("/account/sessions?changed", &[("cookie", &laptop)]).await;
        assert!(page.text.contains("Your password is changed."), "{}", page.text);
        assert!(house.get("/whoami", &[("cookie", &phone)]).await.text.starts_with("refused"));
        let old = house.submit("/signin", "", "user_name=kim&password=correct+horse").await;
        assert_ne!(old.status, 303);
        assert_eq!(house.submit("/signin", "", "user_name=kim&password=battery+staple").await.status, 303);
        let ledger = format!("{:?}", house.ledger().await);
        assert!(ledger.contains("person.password") && !ledger.contains("battery"));
    })
    .await;
}

#[tokio::test]
async fn the_bar_shows_what_one_may_open() {
    let house = house().await;
    house.admin("ann").await;
    house.person("kim").await;
    let page = async |name: &str| {
        let cookie = house.sign_in(name).await;
        house.get("/account/sessions", &[("cookie", &cookie)]).await.text
    };
    let (ann, kim) = (page("ann").await, page("kim").await);
    for link in ["/", "/projects", "/apps", "/jobs", "/audit", "/env_info"] {
        assert!(kim.contains(&format!("<a href=\"{link}\"")), "{link}");
    }
    assert!(ann.contains("Administration") && !kim.contains("Administration"));
}
