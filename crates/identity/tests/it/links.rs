//! Making an account oneself, and setting a password by a link.

use crate::house::{HOST, House, each_house, house};
use identity::{Caller, PersonState, SignUp};
use std::time::Duration;

const FORM: &str = "password=correct+horse&password_again=correct+horse";

async fn mode(house: &House, mode: SignUp) {
    house.db.write(move |tx| identity::sign_up_set(tx, &Caller::system().actor(), mode)).await.unwrap();
}

async fn state(house: &House, name: &str) -> Option<PersonState> {
    let name = name.to_owned();
    let found = house.db.read(move |tx| identity::person_by_name(tx, &name, identity::ORIGIN)).await.unwrap();
    found.map(|person| person.state)
}

#[tokio::test]
async fn sign_up_is_as_open_as_the_setting_says() {
    each_house(async |house| {
        // By default an administrator has to activate: nobody is signed in, and nobody can sign in.
        let page = house.get("/signup", &[]).await;
        assert!(page.status == 200 && page.text.contains("An administrator activates it"), "{}", page.text);
        let made = house.submit("/signup", "", &format!("user_name=lee&email=lee%40example.com&{FORM}")).await;
        assert_eq!(made.status, 202, "{}", made.text);
        assert!(made.header("set-cookie").is_empty() && made.text.contains("waits for an administrator"));
        assert_eq!(state(&house, "lee").await, Some(PersonState::Pending));
        let refused = house.submit("/signin", "", "user_name=lee&password=correct+horse").await;
        assert!(
            refused.status == 403 && refused.text.contains("waits for an administrator&#39;s approval"),
            "{}",
            refused.text
        );
        assert!(house.get("/signin", &[]).await.text.contains("href=\"/signup\""));

        mode(&house, SignUp::Open).await;
        let made = house.submit("/signup", "", &format!("user_name=max&email=max%40example.com&{FORM}")).await;
        assert_eq!((made.status.as_u16(), made.header("location")), (303, "/"), "{}", made.text);
        assert_eq!(house.get("/whoami", &[("cookie", &made.cookie())]).await.text, "max");

        for (closed, words) in
            [(SignUp::Closed, "Administrators make the accounts here"), (SignUp::Invitation, "You need an invitation")]
        {
            mode(&house, closed).await;
            for answer in [
                house.get("/signup", &[]).await,
                house.submit("/signup", "", &format!("user_name=eve&email=eve%40example.com&{FORM}")).await,
            ] {
                assert!(answer.status == 403 && answer.text.contains(words), "{}", answer.text);
            }
            assert!(!house.get("/signin", &[]).await.text.contains("href=\"/signup\""));
        }
        assert_eq!(state(&house, "eve").await, None);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field() {
    let house = house().await;
    house.person("kim").await;
    let cases = [
        (
            "user_name=&email=kim%40host&password=short&password_again=other",
            &["user_name_error", "email_error", "password_error", "again_error"][..],
        ),
        (&format!("user_name=new&email=new%40hostname&{FORM}"), &["email_error"]),
        (&format!("user_name=KIM&email=new%40example.com&{FORM}"), &["user_name_error"]),
        (&format!("user_name=new&email=Kim%40example.com&{FORM}"), &["email_error"]),
        (&format!("user_name=new&email=&{FORM}"), &["email_error"]),
    ];
    for (form, expected) in cases {
        let page = house.submit("/signup", "", form).await;
        assert_eq!(page.status, 422, "{form}");
        for field in ["user_name_error", "email_error", "password_error", "again_error"] {
            assert_eq!(page.text.contains(&format!("id=\"{field}\"")), expected.contains(&field), "{form} {field}");
        }
        assert!(!page.text.contains("correct horse"), "a password is never sent back");
    }
    let page = house.submit("/signup", "", &format!("user_name=%3Cscript%3E&email=x&{FORM}")).await;
    assert!(page.text.contains("&#60;script&#62;") && !page.text.contains("<script"));
    let foreign = house.call("POST", "/signup", &[("origin", "http://evil.example")], FORM).await;
    assert!(foreign.error().starts_with("403 cross_site_request"));
}

#[tokio::test]
async fn nobody_fills_the_list_of_accounts() {
    let house = house().await;
    mode(&house, SignUp::Open).await;
    let origin = format!("http://{HOST}");
    let register = async |number: usize, address: &str| {
        let form = format!("user_name=p{number}&email=p{number}%40example.com&{FORM}");
        house.call("POST", "/signup", &[("origin", &origin), ("x-forwarded-for", address)], &form).await.status.as_u16()
    };
    for number in 0..5 {
        assert_eq!(register(number, "10.0.0.1").await, 303);
    }
    assert_eq!(register(5, "10.0.0.1").await, 429);
    assert_eq!(register(6, "10.0.0.2").await, 303, "others may");
    house.clock.advance(Duration::from_secs(2));
    assert_eq!(register(7, "10.0.0.1").await, 303, "after a while");
}

#[tokio::test]
async fn an_invitation_is_good_once() {
    each_house(async |house| {
        mode(&house, SignUp::Invitation).await;
        let kim = house.admin("kim").await;
        let now = house.clock.now();
        let hour = 3_600_000_000;
        let invite = async |email: Option<&'static str>| {
            let actor = kim.object();
            house.db.write(move |tx| identity::invitation_create(tx, &actor, email, now, now + hour)).await.unwrap()
        };
        let (invitation, token) = invite(Some("lee@example.com")).await;
        let page = house.get(&format!("/signup?invitation={token}"), &[]).await;
        assert!(
            page.status == 200 && page.text.contains("value=\"lee@example.com\"") && page.text.contains("readonly")
        );
        assert!(!page.text.contains("An administrator activates it"));
        // The address is the invitation's, whatever the form says.
        let form = format!("invitation={token}&user_name=lee&email=eve%40example.com&{FORM}");
        let made = house.submit("/signup", "", &form).await;
        assert_eq!(made.status, 303, "{}", made.text);
        let me = house.get("/api/identity/me", &[("cookie", &made.cookie())]).await.json();
        assert_eq!((&me["user_name"], &me["email"]), (&"lee".into(), &"lee@example.com".into()));
        let again = house.submit("/signup", "", &form.replace("user_name=lee", "user_name=eve")).await;
        assert!(again.status == 410 && again.text.contains("it was used"), "{}", again.text);
        assert_eq!(house.db.read(identity::invitation_list).await.unwrap(), []);

        // Renewed, the old link is not good; withdrawn or too old, neither.
        let (other, first) = invite(None).await;
        let (actor, id) = (kim.object(), other.id.clone());
        let (_, second) =
            house.db.write(move |tx| identity::invitation_renew(tx, &actor, &id, now + 2 * hour)).await.unwrap();
        let status = async |token: &str| house.get(&format!("/signup?invitation={token}"), &[]).await.status.as_u16();
        assert_eq!((status(&first).await, status(&second).await), (410, 200));
        house.clock.advance(Duration::from_secs(3 * 3600));
        assert_eq!(status(&second).await, 410);
        let actor = kim.object();
        house.db.write(move |tx| identity::invitation_delete(tx, &actor, &other.id)).await.unwrap();
        let taken = house
            .db
            .write(move |tx| {
                identity::invitation_create(tx, &Caller::system().actor(), Some("LEE@example.com"), now, now)
            })
            .await;
        assert!(taken.unwrap_err().to_string().contains("is taken"));
        let ledger = format!("{:?}", house.ledger().await);
        for action in ["invitation.create", "invitation.renew", "invitation.delete", "person.register"] {
            assert!(ledger.contains(action), "{action}");
        }
        assert!(!ledger.contains(&token) && ledger.contains(&invitation.id));
    })
    .await;
}

/// Row T26: a person who forgot the password gets a link from an administrator.
#[tokio::test]
async fn t26_a_password_link_is_good_once() {
    each_house(async |house| {
        let kim = house.admin("kim").await;
        let lee = house.person("lee").await;
        let (cookie, now) = (house.sign_in("lee").await, house.clock.now());
        let link = async || {
            let (actor, lee) = (kim.object(), lee.clone());
            house.db.write(move |tx| identity::password_link_create(tx, &actor, &lee, now)).await.unwrap().0
        };
        let (old, token) = (link().await, link().await);
        let get = async |token: &str| house.get(&format!("/password?token={token}"), &[]).await;
        assert_eq!(get(&old).await.status, 410, "a new link replaces the old one");
        let page = get(&token).await;
        assert!(page.status == 200 && page.text.contains("New password for lee"), "{}", page.text);
        assert_eq!(page.header("referrer-policy"), "same-origin", "the link goes to nobody else");
        let bad = house.submit("/password", "", &format!("token={token}&password=short&password_again=x")).await;
        assert!(bad.status == 422 && bad.text.contains("password_error") && bad.text.contains("again_error"));
        let form = format!("token={token}&password=battery+staple&password_again=battery+staple");
        let set = house.submit("/password", "", &form).await;
        assert_eq!(set.status, 303, "{}", set.text);
        assert_eq!(house.get("/whoami", &[("cookie", &set.cookie())]).await.text, "lee");
        assert_eq!(
            house.get("/whoami", &[("cookie", &cookie)]).await.text,
            "refused: the session has ended; sign in again"
        );
        assert_eq!(house.submit("/password", "", &form).await.status, 410, "once");
        assert_eq!(house.submit("/signin", "", "user_name=lee&password=correct+horse").await.status, 401);

        // Too old; and no way round a suspension.
        let token = link().await;
        house.clock.advance(Duration::from_secs(25 * 3600));
        assert_eq!(get(&token).await.status, 410);
        let (actor, id, now) = (kim.object(), lee.id.clone(), house.clock.now());
        let token = {
            let (actor, lee) = (kim.object(), lee.clone());
            house.db.write(move |tx| identity::password_link_create(tx, &actor, &lee, now)).await.unwrap().0
        };
        house.db.write(move |tx| identity::person_set_state(tx, &actor, &id, PersonState::Suspended)).await.unwrap();
        let form = format!("token={token}&password=battery+staples&password_again=battery+staples");
        assert_eq!(house.submit("/password", "", &form).await.status, 410);
        let ledger = format!("{:?}", house.ledger().await);
        assert!(ledger.contains("person.password_link") && !ledger.contains(&token) && !ledger.contains("argon2"));
    })
    .await;
}

/// Row T25: wherever others would be sent to sign in, a suspended person is told so.
#[tokio::test]
async fn t25_a_suspended_person_is_told_so_everywhere() {
    each_house(async |house| {
        let lee = house.person("lee").await;
        let cookie = house.sign_in("lee").await;
        let tokens = house.log_in("lee").await;
        let access = format!("bearer {}", tokens["access_token"].as_str().unwrap());
        let made = house.call("POST", "/api/identity/tokens", &[("authorization", &access)], r#"{"name":"x"}"#).await;
        let api = format!("bearer {}", made.json()["token"].as_str().unwrap());
        let set = async |state| {
            let id = lee.id.clone();
            let actor = Caller::system().actor();
            house.db.write(move |tx| identity::person_set_state(tx, &actor, &id, state)).await.unwrap();
        };
        set(PersonState::Suspended).await;
        let said = "403 account_suspended: This account is suspended. What it made is kept. Ask an administrator to activate it.";
        for (header, value) in [("cookie", cookie.as_str()), ("authorization", &access), ("authorization", &api)] {
            for path in ["/api/identity/me", "/uaa/userinfo", "/account/sessions"] {
                let answer = house.get(path, &[(header, value)]).await;
                assert_eq!(answer.error(), said, "{path}");
                assert_eq!(answer.json()["errors"][0]["title"], "CF-NotAuthorized");
            }
        }
        let page = house.get("/account/sessions", &[("cookie", &cookie), ("accept", "text/html")]).await;
        assert!(page.status == 403 && page.text.contains("<h1>Account suspended</h1>"), "{}", page.text);
        let page = house.submit("/signin", "", "user_name=lee&password=correct+horse").await;
        assert!(page.status == 403 && page.text.contains("<h1>Account suspended</h1>"), "{}", page.text);
        // With a wrong password nobody learns of it; and somebody else may sign in here.
        assert_eq!(house.submit("/signin", "", "user_name=lee&password=wrong").await.status, 401);
        assert_eq!(house.get("/signin", &[("cookie", &cookie)]).await.status, 200);
        set(PersonState::Active).await;
        assert_eq!(house.get("/api/identity/me", &[("cookie", &cookie)]).await.status, 200, "as before");
    })
    .await;
}
