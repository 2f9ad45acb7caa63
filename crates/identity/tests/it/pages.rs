//! Sign-in, set-up and sign-out as a browser without script sees them.

use crate::house::{HOST, House, each_house, house};
use identity::{Caller, PersonState};
use std::time::Duration;

#[tokio::test]
async fn signing_in_and_out() {
    let house = house().await;
    house.admin("kim").await;
    let page = house.get("/signin?next=%2Fapps", &[("accept", "text/html")]).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("name=\"next\" value=\"/apps\"") && !page.text.contains("<script"), "{}", page.text);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(house.get("/static/identity.css", &[]).await.header("content-type").starts_with("text/css"));

    let answer = house.submit("/signin", "", "user_name=kim&password=correct+horse&next=%2Fapps").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/apps"));
    let set = answer.header("set-cookie").to_owned();
    for part in ["pitlane_session=", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=1209600"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    let origin = format!("https://{HOST}");
    let https = [("origin", origin.as_str()), ("x-forwarded-proto", "https")];
    let answer_https = house.call("POST", "/signin", &https, "user_name=kim&password=correct+horse").await;
    assert!(answer_https.header("set-cookie").contains("; Secure"), "{}", answer_https.header("set-cookie"));

    let cookie = answer.cookie();
    let whoami = async |cookie: &str| house.get("/whoami", &[("cookie", &format!("theme=dark; {cookie}"))]).await;
    assert_eq!(whoami(&cookie).await.text, "kim (admin)");
    assert_eq!(house.get("/signin?next=/n", &[("cookie", &cookie)]).await.header("location"), "/n");
    // The cookie alone is at rest as a hash only.
    let stored: Option<String> =
        house.db.read(|tx| tx.value(sea_query::Query::select().column("secret_hash").from("session"))).await.unwrap();
    assert!(!cookie.contains(&stored.unwrap()));

    // It slides: used within 14 days it goes on, and the browser is told.
    house.clock.advance(Duration::from_secs(13 * 86_400));
    let used = whoami(&cookie).await;
    assert_eq!((used.text.as_str(), used.cookie()), ("kim (admin)", cookie.clone()));
    assert!(whoami(&cookie).await.headers.get("set-cookie").is_none(), "once a minute at most");
    house.clock.advance(Duration::from_secs(13 * 86_400));
    assert_eq!(whoami(&cookie).await.text, "kim (admin)");

    let confirm = house.get("/signout", &[("cookie", &cookie)]).await;
    assert!(confirm.text.contains("<form method=\"post\" action=\"/signout\">"));
    let out = house.submit("/signout", &cookie, "").await;
    assert_eq!(
        (out.status.as_u16(), out.header("location"), out.cookie().as_str()),
        (303, "/signin", "pitlane_session=")
    );
    assert_eq!(whoami(&cookie).await.text, "refused: the session has ended; sign in again");
    let other = house.sign_in("kim").await;
    house.clock.advance(Duration::from_secs(14 * 86_400 + 1));
    assert_eq!(whoami(&other).await.text, "refused: the session has ended; sign in again");
}

#[tokio::test]
async fn what_the_sign_in_page_refuses() {
    let house = house().await;
    let lee = house.person("lee").await;
    for (form, status, words) in [
        ("user_name=lee&password=wrong", 401, "User name or password is not right."),
        ("user_name=%3Cscript%3E&password=wrong", 401, "value=\"&#60;script&#62;\""),
        ("user_name=lee&password=", 422, "Enter your user name and your password."),
        ("", 422, "Enter your user name and your password."),
    ] {
        let answer = house.submit("/signin", "", form).await;
        assert_eq!(answer.status, status, "{form}");
        assert!(answer.text.contains(words) && !answer.text.contains("<script"), "{form}: {}", answer.text);
        assert!(answer.text.contains("aria-invalid=\"true\" aria-describedby=\"error\""));
        assert!(!answer.text.contains("wrong"), "a password is never shown again");
    }
    for _ in 0..4 {
        house.submit("/signin", "", "user_name=lee&password=wrong").await;
    }
    let locked = house.submit("/signin", "", "user_name=lee&password=correct+horse").await;
    assert_eq!(locked.status, 429);
    house.clock.advance(Duration::from_secs(60));
    // Where a link leads after signing in: nowhere but here.
    for (next, location) in [
        ("%2Fapps%3Fa%3Db", "/apps?a=b"),
        ("%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("https%3A%2F%2Fevil.example", "/"),
        ("javascript%3Aalert(1)", "/"),
        ("%2Fa%0D%0ASet-Cookie%3A+x", "/"),
    ] {
        let answer = house.submit("/signin", "", &format!("user_name=lee&password=correct+horse&next={next}")).await;
        assert_eq!(answer.header("location"), location, "{next}");
    }
    let (actor, id) = (Caller::system().actor(), lee.id.clone());
    house.db.write(move |tx| identity::person_set_state(tx, &actor, &id, PersonState::Suspended)).await.unwrap();
    let answer = house.submit("/signin", "", "user_name=lee&password=correct+horse").await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.text.contains("Account suspended") && answer.text.contains("Ask an administrator"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn requests_of_other_sites_are_refused_by_origin() {
    let house = house().await;
    house.admin("kim").await;
    let cookie = house.sign_in("kim").await;
    let own = format!("http://{HOST}");
    let referer = format!("http://{HOST}/apps");
    let cases: &[(&[(&str, &str)], bool)] = &[
        (&[("origin", &own)], true),
        (&[("origin", "http://API.test:7080")], true),
        (&[("origin", "http://evil.example")], false),
        (&[("origin", "http://app.api.test:7080")], false),
        (&[("origin", "http://api.test:8000")], false),
        (&[("origin", "http://api.test")], false),
        (&[("origin", "null")], false),
        (&[("origin", "file://api.test:7080")], false),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("referer", &referer)], true),
        (&[("referer", "http://api.test:7080@evil.example/")], false),
        (&[("referer", "http://evil.example/?http://api.test:7080/")], false),
        (&[], false),
        (&[("origin", "http://evil.example"), ("referer", &referer)], false),
        (&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], false),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for (headers, good) in cases {
            let mut with = headers.to_vec();
            with.push(("cookie", &cookie));
            let answer = house.call(method, "/whoami", &with, "").await;
            match good {
                true => assert_eq!(answer.text, "kim (admin)", "{method} {headers:?}"),
                false => assert!(
                    answer.status == 403 && answer.error().starts_with("403 cross_site_request"),
                    "{method} {headers:?}"
                ),
            }
        }
    }
    // Reading is not changing, and tokens are sent by nobody's page.
    assert_eq!(
        house.get("/whoami", &[("cookie", &cookie), ("origin", "http://evil.example")]).await.text,
        "kim (admin)"
    );
    let token = house.log_in("kim").await["access_token"].as_str().unwrap().to_owned();
    let with =
        [("authorization", &*format!("bearer {token}")), ("cookie", &*cookie), ("origin", "http://evil.example")];
    assert_eq!(house.call("POST", "/whoami", &with, "").await.text, "kim (admin)");
    // Nor may a page sign somebody in, or use a set-up link, without a cookie.
    for path in ["/signin", "/setup", "/signout"] {
        let form = "user_name=kim&password=correct+horse";
        let answer =
            house.call("POST", path, &[("origin", "http://evil.example"), ("accept", "text/html")], form).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text.contains("Sent by another site"));
    }
    // Behind TLS the default port is another.
    let tls = [
        ("host", "api.test"),
        ("x-forwarded-proto", "https"),
        ("cookie", &*cookie),
        ("origin", "https://api.test:443"),
    ];
    assert_eq!(house.call("POST", "/whoami", &tls, "").await.text, "kim (admin)");
}

async fn set_up(house: &House, token: &str, name: &str) -> crate::house::Answer {
    let form = format!("token={token}&user_name={name}&email=&password=correct+horse&password_again=correct+horse");
    house.submit("/setup", "", &form).await
}

#[tokio::test]
async fn the_set_up_link_makes_one_administrator_once() {
    each_house(async |house| {
        let old = identity::setup_link(&house.db).await.unwrap().unwrap();
        let link = identity::setup_link(&house.db).await.unwrap().unwrap();
        assert_eq!(house.get(&format!("/setup?token={old}"), &[]).await.status, 410, "a newer link replaces it");
        assert_eq!(house.get("/setup?token=guess", &[]).await.status, 410);
        assert_eq!(house.get("/setup", &[]).await.status, 410);
        let page = house.get(&format!("/setup?token={link}"), &[]).await;
        assert!(page.status == 200 && page.text.contains("name=\"password_again\""));

        // All that is wrong, each beside its field; the link is not used up by it.
        let wrong = format!("token={link}&user_name=&email=kim%40laptop&password=short&password_again=other");
        let page = house.submit("/setup", "", &wrong).await;
        assert_eq!(page.status, 422);
        for (id, words) in [
            ("user_name_error", "It is empty"),
            ("email_error", "no domain with a dot after the @"),
            ("password_error", "It is shorter than 8 characters"),
            ("again_error", "It differs"),
        ] {
            let beside =
                page.text.split(&format!("id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id}: {}", page.text));
            assert!(beside.split("</p>").next().unwrap().contains(words), "{id}: {beside}");
        }
        assert!(!page.text.contains("short\""), "a password is never shown again");

        // Twenty at once: one administrator.
        let all = futures_util::future::join_all((0..20).map(|index| {
            let (house, link) = (&house, &link);
            async move { set_up(house, link, &format!("kim{index}")).await }
        }))
        .await;
        let good: Vec<_> = all.iter().filter(|answer| answer.status == 303).collect();
        assert_eq!(good.len(), 1);
        assert!(all.iter().all(|answer| answer.status == 303 || answer.status == 410));
        let who = house.get("/whoami", &[("cookie", &good[0].cookie())]).await.text;
        assert!(who.ends_with("(admin)"), "{who}");
        assert_eq!(house.db.read(identity::person_list).await.unwrap().len(), 1);
        assert_eq!(set_up(&house, &link, "eve").await.status, 410);
        assert_eq!(identity::setup_link(&house.db).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_set_up_link_ends_when_an_administrator_is_made_otherwise() {
    let house = house().await;
    let link = identity::setup_link(&house.db).await.unwrap().unwrap();
    house.admin("kim").await;
    assert_eq!(house.get(&format!("/setup?token={link}"), &[]).await.status, 410);
    assert_eq!(set_up(&house, &link, "eve").await.status, 410);
}
