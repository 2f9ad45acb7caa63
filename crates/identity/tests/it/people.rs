//! People, as other rooms and the command line use them; on each database.

use crate::house::{PASSWORD, each_house, migrations};
use identity::{
    Caller, IdentityError, NewPerson, Password, PersonFilter, PersonOrder, PersonState, Subject, hash_password,
    verify_password,
};
use store::testing::on_each_database;

fn new(user_name: &str, email: Option<&str>) -> NewPerson {
    let (user_name, email) = (user_name.into(), email.map(str::to_owned));
    NewPerson { user_name, email, display_name: String::new(), state: PersonState::Active, password: None }
}

#[tokio::test]
async fn names_and_addresses_are_checked_and_unique() {
    on_each_database(&migrations(), |db| async move {
        let create = async |user_name: &str, email: Option<&str>| {
            let new = new(user_name, email);
            db.write(move |tx| identity::person_create(tx, &Caller::system().actor(), &new)).await.map_err(|error| error.to_string())
        };
        create("Kim", Some("kim@example.com")).await.unwrap();
        create("Zoë Ångström", None).await.unwrap();
        create("lee@sub.example.com", None).await.unwrap();
        create("mail", Some("o'neil+tag@bücher.example")).await.unwrap();
        for (name, email, expected) in [
            ("kIM", None, "user name \"kIM\" is taken"),
            ("zOË ÅNGSTRÖM", None, "user name \"zOË ÅNGSTRÖM\" is taken"),
            ("other", Some("KIM@EXAMPLE.COM"), "email \"KIM@EXAMPLE.COM\" is taken"),
            ("x", Some("user@hostname"), "email: \"user@hostname\" has no domain with a dot after the @: write it with the full domain, like user@hostname.example.com"),
            ("user@hostname", None, "user name: \"user@hostname\" has no domain with a dot"),
            ("x", Some("example.com"), "it has no @"),
            ("x", Some("@example.com"), "needs one @ with something before it"),
            ("x", Some("a@b@example.com"), "needs one @ with something before it"),
            ("x", Some("a@.com"), "\"\" is no part of a domain name"),
            ("x", Some("a@exa_mple.com"), "\"exa_mple\" is no part of a domain name"),
            ("x", Some("a b@example.com"), "has the character ' '"),
            ("x", Some("a@example.com\r\nBcc: all@example.com"), "has the character '\\r'"),
            (" x", None, "user name: it begins or ends with a blank"),
            ("a\u{7}b", None, "user name: it begins or ends with a blank, or has a control character"),
            ("", None, "user name: it is empty"),
        ] {
            let error = create(name, email).await.unwrap_err();
            assert!(error.contains(expected), "{name:?} {email:?}: {error}");
        }
        assert!(create(&"x".repeat(192), None).await.unwrap_err().contains("longer than 191"));
        create(&"ü".repeat(191), None).await.unwrap();
        // Twice at the same time: one of them.
        let made = futures_util::future::join_all((0..8).map(|_| create("twin", None))).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");

        let by = async |name: &'static str| {
            db.read(move |tx| identity::person_by_name(tx, name, identity::ORIGIN)).await.unwrap().map(|person| person.user_name)
        };
        assert_eq!(by("KIM").await.as_deref(), Some("Kim"));
        assert_eq!(by("Kim@Example.com").await.as_deref(), Some("Kim"));
        assert_eq!(by("nobody").await, None);
        let elsewhere = db.read(|tx| identity::person_by_name(tx, "Kim", "ldap")).await.unwrap();
        assert_eq!(elsewhere, None);
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    on_each_database(&migrations(), |db| async move {
        let mut ids = Vec::new();
        for name in ["Ann", "bob", "Cid", "100%", "a_b"] {
            let person = new(name, None);
            let made =
                db.write(move |tx| identity::person_create(tx, &Caller::system().actor(), &person)).await.unwrap();
            ids.push(made.id);
        }
        let find = async |filter: PersonFilter| {
            let (people, total) = db.read(move |tx| identity::person_find(tx, &filter)).await.unwrap();
            (people.into_iter().map(|person| person.user_name).collect::<Vec<_>>().join(" "), total)
        };
        let some = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        let all = PersonFilter { order: PersonOrder::UserName, ..Default::default() };
        for (filter, names, total) in [
            (all.clone(), "100% a_b Ann bob Cid", 5),
            (PersonFilter { limit: 2, offset: 1, ..all.clone() }, "a_b Ann", 5),
            (PersonFilter { limit: 2, offset: 9, ..all.clone() }, "", 5),
            (PersonFilter { user_names: some(&["ANN", "cid", "x"]), ..all.clone() }, "Ann Cid", 2),
            (PersonFilter { partial_user_names: some(&["B"]), ..all.clone() }, "a_b bob", 2),
            (PersonFilter { partial_user_names: some(&["%"]), ..all.clone() }, "100%", 1),
            (PersonFilter { partial_user_names: some(&["_"]), ..all.clone() }, "a_b", 1),
            (PersonFilter { partial_user_names: some(&[]), ..all.clone() }, "", 0),
            (PersonFilter { guids: some(&[&ids[0], "x"]), ..all.clone() }, "Ann", 1),
            (PersonFilter { guids: some(&[]), ..all.clone() }, "", 0),
            (PersonFilter { origins: some(&["ldap"]), ..all.clone() }, "", 0),
            (PersonFilter { order: PersonOrder::CreatedAtDescending, ..Default::default() }, "a_b 100% Cid bob Ann", 5),
        ] {
            assert_eq!(find(filter.clone()).await, (names.to_owned(), total), "{filter:?}");
        }
        ids.extend(["unknown".into(), ids[0].clone()]);
        let wanted = ids.clone();
        let people = db.read(move |tx| identity::people(tx, &wanted)).await.unwrap();
        assert_eq!(people.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn createsuperuser_creates_or_revives_and_the_last_administrator_stays() {
    each_house(async |house| {
        let kim = house.admin("kim").await;
        let system = Caller::system().actor();
        let change = async |id: &str, what: &'static str| {
            let (actor, id) = (system.clone(), id.to_owned());
            house
                .db
                .write(move |tx| match what {
                    "suspend" => identity::person_set_state(tx, &actor, &id, PersonState::Suspended).map(|_| ()),
                    "delete" => identity::person_delete(tx, &actor, &id).map(|_| ()),
                    _ => {
                        let person = identity::person_get(tx, &id)?.unwrap();
                        identity::administrator_remove(tx, &actor, &person).map(|_| ())
                    }
                })
                .await
        };
        for what in ["suspend", "delete", "demote"] {
            let refused = change(&kim.id, what).await;
            assert!(matches!(refused, Err(IdentityError::LastAdministrator(_))), "{what}: {refused:?}");
        }
        let lee = house.admin("lee").await;
        change(&lee.id, "suspend").await.unwrap();
        assert!(change(&kim.id, "delete").await.is_err(), "one who is suspended administers nothing");

        // Revived, with a new password; sessions of before have ended.
        let token = house.log_in("kim").await["access_token"].as_str().unwrap().to_owned();
        let hash = hash_password(Password::new("another horse")).await.unwrap();
        let make = async |name: &'static str, email: &'static str| {
            let (actor, hash) = (system.clone(), hash.clone());
            house.db.write(move |tx| identity::createsuperuser(tx, &actor, name, Some(email), &hash)).await
        };
        let again = make("LEE", "lee@new.example").await.unwrap();
        assert_eq!(
            (again.id, again.state, again.email.as_deref()),
            (lee.id.clone(), PersonState::Active, Some("lee@new.example"))
        );
        make("kim", "kim@example.com").await.unwrap();
        assert_eq!(house.whoami(&token).await, "refused: the token was revoked; log in again");
        assert_eq!(house.token("grant_type=password&username=lee&password=another+horse").await.status, 200);
        let taken = make("max", "lee@new.example").await.unwrap_err().to_string();
        assert_eq!(taken, "email \"lee@new.example\" is taken: another person has it");

        // Deleting takes sessions, tokens and grants along.
        change(&kim.id, "delete").await.unwrap();
        let id = kim.id.clone();
        let left = house.db.read(move |tx| identity::grants_of(tx, &Subject::Person(id.clone()))).await.unwrap();
        assert!(left.is_empty());
        let actions: Vec<String> = house.ledger().await.iter().map(|entry| entry.get("action").unwrap()).collect();
        for action in [
            "person.create",
            "person.administrator.add",
            "person.state",
            "person.password",
            "person.email",
            "person.delete",
            "session.create",
        ] {
            assert!(actions.iter().any(|have| have == action), "{action} in {actions:?}");
        }
        let text = format!("{:?}", house.ledger().await);
        assert!(!text.contains("argon2") && !text.contains(PASSWORD) && !text.contains("another horse"));
    })
    .await;
}

#[tokio::test]
async fn passwords() {
    let hash = hash_password(Password::new(PASSWORD)).await.unwrap();
    assert_eq!(format!("{hash:?} {:?}", Password::new(PASSWORD)), "PasswordHash(…) Password([secret])");
    assert!(verify_password(Password::new(PASSWORD), Some(hash.clone())).await.unwrap());
    assert!(!verify_password(Password::new("correct horsf"), Some(hash.clone())).await.unwrap());
    assert!(!verify_password(Password::new(""), None).await.unwrap());
    assert!(!verify_password(Password::new("x".repeat(1_000_000)), Some(hash)).await.unwrap());
    for (password, good) in [
        ("1234567", false),
        ("12345678", true),
        ("äöüäöüä", false),
        (&"x".repeat(1024), true),
        (&"x".repeat(1025), false),
    ] {
        assert_eq!(hash_password(Password::new(password)).await.is_ok(), good, "{password}");
    }
}

/// 19 MiB that stayed with the process for every sign-in would be a third of what the whole platform may take when idle.
#[tokio::test(flavor = "multi_thread")]
async fn hashing_gives_its_memory_back() {
    let resident = || {
        let pages: usize =
            std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    };
    hash_password(Password::new(PASSWORD)).await.unwrap();
    let before = resident();
    let all = (0..16).map(|_| tokio::spawn(hash_password(Password::new(PASSWORD))));
    for hash in futures_util::future::join_all(all).await {
        hash.unwrap().unwrap();
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes stayed after hashing");
    assert!(before < 64 << 20, "{before} bytes after the first");
}
