//! People, as administrators do them.

use super::house::{House, each_house, house, text};
use serde_json::{Value, json};

const PEOPLE: &str = "/api/platform/people";

/// The house with its administrator's token.
async fn admin(house: &House) -> String {
    house.admin("root").await;
    house.log_in("root").await
}

fn names(answer: &Value) -> Vec<&str> {
    answer["people"].as_array().unwrap().iter().map(|person| text(person, "user_name")).collect()
}

/// Row T19.
#[tokio::test]
async fn t19_people_are_searched_created_read_changed_and_deleted() {
    each_house(async |house| {
        let root = admin(&house).await;
        let new = json!({ "user_name": "lee", "email": "Lee.Ng@example.com", "display_name": "Lee Ng", "password": "correct horse" });
        let lee = house.ask(&root, "POST", PEOPLE, new).await;
        assert_eq!(lee.status, 201);
        let lee = lee.ok();
        assert!(!lee.to_string().contains("argon2") && !lee.to_string().contains("horse"));
        let at = format!("{PEOPLE}/{}", text(&lee, "id"));
        assert_eq!(house.get(&root, &at).await.ok(), lee);
        house.ask(&root, "POST", PEOPLE, json!({ "user_name": "max", "state": "pending" })).await.ok();
        let ada = json!({ "user_name": "ada", "email": "ada@example.com", "administrator": true });
        assert_eq!(house.ask(&root, "POST", PEOPLE, ada).await.ok()["administrator"], true);
        house.log_in("lee").await;

        for (query, expected, total) in [
            ("", &["ada", "lee", "max", "root"][..], 4),
            ("?q=EXAMPLE.com", &["ada", "lee", "root"], 3),
            ("?q=ng", &["lee"], 1),
            ("?q=lee+example", &["lee"], 1),
            ("?q=lee+ada", &[], 0),
            ("?q=%25", &[], 0),
            ("?state=pending", &["max"], 1),
            ("?state=active,pending&administrator=false", &["lee", "max"], 2),
            ("?administrator=true", &["ada", "root"], 2),
            ("?order=-created_at&per_page=2", &["ada", "max"], 4),
            ("?per_page=2&page=2", &["max", "root"], 4),
        ] {
            let found = house.get(&root, &format!("{PEOPLE}{query}")).await.ok();
            assert_eq!((names(&found), found["total"].as_u64()), (expected.to_vec(), Some(total)), "{query}");
        }
        let listed = house.get(&root, &format!("{PEOPLE}?q=lee")).await.ok()["people"][0].clone();
        assert_eq!(listed["sessions"], 1);
        assert!(listed["last_used_at"].is_string() && listed["number"].is_u64(), "{listed}");

        let change = json!({ "display_name": "Lee", "email": null });
        let changed = house.ask(&root, "PATCH", &at, change).await.ok();
        assert_eq!((&changed["display_name"], &changed["email"], &changed["user_name"]), (&json!("Lee"), &Value::Null, &json!("lee")));
        house.ask(&root, "PATCH", &at, json!({ "user_name": "lee2", "email": "lee@example.com" })).await.ok();
        house.log_in("lee2").await;

        assert_eq!(house.ask(&root, "DELETE", &at, Value::Null).await.status, 204);
        assert_eq!(house.get(&root, &at).await.error(), "404 not_found: person not found");
        house.settle().await;
        let ledger = house.ledger.after(0, 1000).await.unwrap();
        let of = |action: &str| ledger.iter().filter(|record| record.action == action && record.object.id == text(&lee, "id")).count();
        for (action, times) in [("person.create", 1), ("person.update", 2), ("person.delete", 1)] {
            assert_eq!(of(action), times, "{action}");
        }
        assert!(ledger.iter().all(|record| !record.data.to_string().contains("argon2")));
    })
    .await;
}

/// Row T22: an address without a full domain is refused when the person is made, with what is wrong and how to mend it.
#[tokio::test]
async fn t22_an_address_without_a_domain_is_refused_with_the_remedy() {
    let house = house().await;
    let root = admin(&house).await;
    let lee = house.person("lee").await;
    let remedy = r#"email: "kim@hostname" has no domain with a dot after the @: write it with the full domain, like kim@hostname.example.com"#;
    for (method, path, body) in [
        ("POST", PEOPLE.to_owned(), json!({ "user_name": "kim", "email": "kim@hostname" })),
        ("PATCH", format!("{PEOPLE}/{}", lee.id), json!({ "email": "kim@hostname" })),
        ("POST", "/api/platform/invitations".to_owned(), json!({ "email": "kim@hostname" })),
    ] {
        let refused = house.ask(&root, method, &path, body).await;
        assert_eq!(refused.error(), format!("422 invalid_request: {remedy}"));
        assert_eq!(refused.json()["field"], "email");
    }
    assert_eq!(names(&house.get(&root, PEOPLE).await.ok()), ["lee", "root"], "nobody was made");
}

/// Row T25, the administrator's side.
#[tokio::test]
async fn t25_who_is_suspended_is_out_at_once_and_back_when_activated() {
    each_house(async |house| {
        let root = admin(&house).await;
        let lee = house.person("lee").await;
        let (token, cookie) = (house.log_in("lee").await, house.sign_in("lee").await);
        let at = format!("{PEOPLE}/{}", lee.id);
        let suspended = house.ask(&root, "POST", &format!("{at}/suspend"), Value::Null).await.ok();
        assert_eq!(suspended["state"], "suspended");
        let said = "403 account_suspended: This account is suspended. What it made is kept. Ask an administrator to activate it.";
        assert_eq!(house.get(&token, "/api/identity/me").await.error(), said);
        assert_eq!(house.get(&token, PEOPLE).await.error(), said);
        assert_eq!(house.call("GET", "/api/events", &[("cookie", &cookie)], "").await.error(), said);
        house.ask(&root, "POST", &format!("{at}/activate"), Value::Null).await.ok();
        assert_eq!(house.get(&token, "/api/identity/me").await.status, 200);
        // Twice is once, in the ledger too.
        house.ask(&root, "POST", &format!("{at}/activate"), Value::Null).await.ok();
        house.settle().await;
        let ledger = house.ledger.after(0, 1000).await.unwrap();
        assert_eq!(ledger.iter().filter(|record| record.action == "person.state").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn there_is_always_an_administrator() {
    let house = house().await;
    let root = admin(&house).await;
    let found = house.get(&root, PEOPLE).await.ok();
    let at = format!("{PEOPLE}/{}", text(&found["people"][0], "id"));
    let said = r#"422 unprocessable: "root" is the last active administrator: make somebody else an administrator first (pitlane admin createsuperuser)"#;
    for (method, path) in [("POST", "/suspend"), ("DELETE", "/administrator"), ("DELETE", "")] {
        assert_eq!(house.ask(&root, method, &format!("{at}{path}"), Value::Null).await.error(), said);
    }
    let lee = house.person("lee").await;
    let promoted = house.ask(&root, "PUT", &format!("{PEOPLE}/{}/administrator", lee.id), Value::Null).await.ok();
    assert_eq!(promoted["administrator"], true);
    let lees = house.log_in("lee").await;
    assert_eq!(
        house.ask(&lees, "DELETE", &format!("{at}/administrator"), Value::Null).await.ok()["administrator"],
        false
    );
    assert_eq!(house.get(&root, PEOPLE).await.status, 403, "at the next request");
}

/// Row T26 and R2: an administrator sets a password, or hands out a link.
#[tokio::test]
async fn r02_an_administrator_changes_anybodys_password() {
    let house = house().await;
    let root = admin(&house).await;
    let lee = house.person("lee").await;
    let cookie = house.sign_in("lee").await;
    let at = format!("{PEOPLE}/{}", lee.id);
    let short = house.ask(&root, "PUT", &format!("{at}/password"), json!({ "password": "short" })).await;
    assert_eq!(
        short.error(),
        "422 invalid_request: password: it is shorter than 8 characters: choose a longer one; a few words are good"
    );
    assert_eq!(short.json()["field"], "password");
    let set = house.ask(&root, "PUT", &format!("{at}/password"), json!({ "password": "battery staple" })).await;
    assert_eq!(set.status, 204);
    assert_eq!(house.call("GET", "/api/identity/me", &[("cookie", &cookie)], "").await.status, 401, "signed out");
    let form = "user_name=lee&password=battery+staple";
    assert_eq!(house.call("POST", "/signin", &[("accept", "text/html")], form).await.status, 303);
}

#[tokio::test]
async fn t26_an_administrator_hands_out_a_password_link() {
    let house = house().await;
    let root = admin(&house).await;
    let lee = house.person("lee").await;
    let made = house.ask(&root, "POST", &format!("{PEOPLE}/{}/password_link", lee.id), Value::Null).await;
    assert_eq!(made.status, 201);
    let url = text(&made.json(), "url").to_owned();
    let path = url.strip_prefix("http://pitlane.test:7080").expect("an address of this platform");
    assert_eq!(house.call("GET", path, &[], "").await.status, 200);
    let token = path.split('=').nth(1).unwrap();
    let form = format!("token={token}&password=battery+staple&password_again=battery+staple");
    assert_eq!(house.call("POST", "/password", &[("accept", "text/html")], &form).await.status, 303);
    assert_eq!(house.call("POST", "/signin", &[], "user_name=lee&password=battery+staple").await.status, 303);
}

/// Row R1: a newcomer registers, an administrator activates.
#[tokio::test]
async fn r01_a_newcomer_registers_and_an_administrator_activates() {
    each_house(async |house| {
        let root = admin(&house).await;
        let form = "user_name=lee&email=lee%40example.com&password=correct+horse&password_again=correct+horse";
        assert_eq!(house.call("POST", "/signup", &[("accept", "text/html")], form).await.status, 202);
        assert_eq!(
            house
                .call("POST", "/signin", &[("accept", "text/html")], "user_name=lee&password=correct+horse")
                .await
                .status,
            403
        );
        let waiting = house.get(&root, &format!("{PEOPLE}?state=pending")).await.ok();
        assert_eq!(names(&waiting), ["lee"]);
        let at = format!("{PEOPLE}/{}/activate", text(&waiting["people"][0], "id"));
        assert_eq!(house.ask(&root, "POST", &at, Value::Null).await.ok()["state"], "active");
        house.sign_in("lee").await;
    })
    .await;
}

#[tokio::test]
async fn sessions_of_a_person_are_listed_and_revoked() {
    let house = house().await;
    let root = admin(&house).await;
    let (lee, max) = (house.person("lee").await, house.person("max").await);
    let (cookie, token, other) = (house.sign_in("lee").await, house.log_in("lee").await, house.log_in("max").await);
    let at = format!("{PEOPLE}/{}/sessions", lee.id);
    let list = async || house.get(&root, &at).await.ok()["sessions"].as_array().unwrap().clone();
    let sessions = list().await;
    assert_eq!(sessions.len(), 2);
    let page = sessions.iter().find(|session| session["kind"] == "page").unwrap();
    let foreign = format!("{PEOPLE}/{}/sessions/{}", max.id, text(page, "id"));
    assert_eq!(house.ask(&root, "DELETE", &foreign, Value::Null).await.status, 404, "not that person's");
    assert_eq!(house.ask(&root, "DELETE", &format!("{at}/{}", text(page, "id")), Value::Null).await.status, 204);
    assert_eq!(house.call("GET", "/api/identity/me", &[("cookie", &cookie)], "").await.status, 401);
    assert_eq!(house.get(&token, "/api/identity/me").await.status, 200);
    assert_eq!(house.ask(&root, "DELETE", &at, Value::Null).await.status, 204);
    assert_eq!(house.get(&token, "/api/identity/me").await.status, 401);
    assert_eq!(house.get(&other, "/api/identity/me").await.status, 200, "others stay signed in");
    assert!(list().await.is_empty());
}

/// Row T24.
#[tokio::test]
async fn t24_sign_up_is_a_setting() {
    let house = house().await;
    let root = admin(&house).await;
    const SETTINGS: &str = "/api/platform/settings";
    assert_eq!(house.get(&root, SETTINGS).await.ok(), json!({ "signup": "approval" }));
    let set = async |mode: &str| house.ask(&root, "PATCH", SETTINGS, json!({ "signup": mode })).await;
    let page = async |path: &str| house.call("GET", path, &[("accept", "text/html")], "").await.status.as_u16();
    for (mode, status) in [("open", 200), ("invitation", 403), ("closed", 403), ("approval", 200)] {
        assert_eq!(set(mode).await.ok(), json!({ "signup": mode }));
        assert_eq!(page("/signup").await, status, "{mode}");
    }
    assert!(
        set("anybody")
            .await
            .error()
            .contains("unknown variant `anybody`, expected one of `open`, `invitation`, `approval`, `closed`")
    );

    set("invitation").await.ok();
    let invited = house
        .ask(&root, "POST", "/api/platform/invitations", json!({ "email": "lee@example.com", "days": 2 }))
        .await
        .ok();
    let path = text(&invited, "url").strip_prefix("http://pitlane.test:7080").unwrap().to_owned();
    assert_eq!(page(&path).await, 200);
    let listed = house.get(&root, "/api/platform/invitations").await.ok();
    assert_eq!(text(&listed["invitations"][0], "invited_by"), "root");
    assert!(!listed.to_string().contains(path.split('=').nth(1).unwrap()), "the link is in no other answer");
    let at = format!("/api/platform/invitations/{}", text(&invited, "id"));
    let renewed = house.ask(&root, "POST", &format!("{at}/renew"), json!({})).await.ok();
    assert_eq!(page(&path).await, 410);
    let path = text(&renewed, "url").strip_prefix("http://pitlane.test:7080").unwrap().to_owned();
    set("closed").await.ok();
    assert_eq!(page(&path).await, 403, "closed is closed");
    assert!(
        house
            .ask(&root, "POST", "/api/platform/invitations", json!({}))
            .await
            .error()
            .starts_with("422 sign_up_closed")
    );
    set("approval").await.ok();
    assert_eq!(page(&path).await, 200);
    assert_eq!(house.ask(&root, "DELETE", &at, Value::Null).await.status, 204);
    assert_eq!(page(&path).await, 410);
    assert!(
        house
            .ask(&root, "POST", "/api/platform/invitations", json!({ "days": 0 }))
            .await
            .error()
            .contains("not from 1 to 90")
    );
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_its_place() {
    let house = house().await;
    let root = admin(&house).await;
    for (method, path, body, expected) in [
        ("GET", "?per_page=1000", Value::Null, "400 invalid_request: per_page: from 1 to 200 are possible."),
        ("GET", "?page=0", Value::Null, "400 invalid_request: page: pages begin with 1."),
        (
            "GET",
            "?state=gone",
            Value::Null,
            "400 invalid_request: state: \"gone\" is none of pending, active, suspended.",
        ),
        (
            "GET",
            "?order=age",
            Value::Null,
            "400 invalid_request: order: \"age\" is none of user_name, created_at, -created_at.",
        ),
        (
            "GET",
            "?administrator=maybe",
            Value::Null,
            "400 invalid_request: administrator: \"maybe\" is not true or false.",
        ),
        (
            "POST",
            "",
            json!({ "user_name": "x", "is_admin": true }),
            "400 invalid_request: The body is not understood: unknown field `is_admin`, expected one of `user_name`, `email`, `display_name`, `password`, `state`, `administrator` at line 1 column 11.",
        ),
        ("POST", "", json!({ "user_name": "root" }), "409 taken: user name \"root\" is taken: another person has it"),
        (
            "POST",
            "",
            json!({ "user_name": " " }),
            "422 invalid_request: user name: it is empty: give a name such as kim or kim@example.com",
        ),
    ] {
        assert_eq!(house.ask(&root, method, &format!("{PEOPLE}{path}"), body).await.error(), expected);
    }
    let big = house.ask(&root, "POST", PEOPLE, json!({ "user_name": "x".repeat(70_000) })).await;
    assert_eq!(big.error(), "413 too_large: The body is larger than 64 KiB.");
    // A page of another site cannot do it with the administrator's cookie.
    let cookie = house.sign_in("root").await;
    let foreign = [("cookie", cookie.as_str()), ("origin", "http://evil.example")];
    let forged = house.respond("POST", PEOPLE, &foreign, r#"{"user_name":"eve"}"#).await;
    assert_eq!(forged.status(), 403);
}
