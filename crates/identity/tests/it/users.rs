//! Changing people by SCIM: suspending, activating, renaming, unlocking.

use crate::house::{House, each_house, field};
use serde_json::{Value, json};

#[tokio::test]
async fn people_are_suspended_and_activated_by_scim() {
    each_house(async |house| {
        let kim = house.admin("kim").await;
        let lee = house.person("lee").await;
        let admin = bearer(&house.log_in("kim").await);
        let theirs = house.log_in("lee").await;
        let (token, refresh) = (field(&theirs, "access_token"), field(&theirs, "refresh_token"));
        let path = format!("/uaa/Users/{}", lee.id);
        let send = async |method: &str, path: &str, by: &str, body: Value| {
            house.call(method, path, &[("authorization", by), ("if-match", "*")], &body.to_string()).await
        };

        let suspended = send("PATCH", &path, &admin, json!({"active": false})).await;
        assert_eq!((suspended.status.as_u16(), suspended.json()["active"].clone()), (200, json!(false)));
        // At once, for what was given out before too.
        let refused = "refused: the account is suspended; ask an administrator to activate it";
        assert_eq!(house.whoami(token).await, refused);
        let again = house.token(&format!("grant_type=refresh_token&refresh_token={refresh}")).await;
        assert!(again.error().starts_with("403 account_suspended: the account is suspended"), "{}", again.text);
        let activated = send("PATCH", &path, &admin, json!({"active": true})).await;
        assert_eq!((activated.status.as_u16(), activated.json()["active"].clone()), (200, json!(true)));
        assert_eq!(house.whoami(token).await, "lee");

        // As clients do that read, change and put back the whole.
        let mut whole = house.get(&path, &[("authorization", &admin)]).await.json();
        whole["name"] = json!({"givenName": "Lee", "familyName": "Marvin"});
        whole["emails"] = json!([{"value": "lee@pit.example.com", "primary": true}]);
        let put = send("PUT", &path, &admin, whole).await;
        assert_eq!(put.status, 200, "{}", put.text);
        assert_eq!(put.json()["name"]["formatted"], "Lee Marvin");
        assert_eq!(put.json()["emails"][0]["value"], "lee@pit.example.com");
        assert_eq!(put.json()["active"], true);
        let nothing = send("PATCH", &path, &admin, json!({})).await;
        assert_eq!((nothing.status.as_u16(), nothing.json()["name"].clone()), (200, put.json()["name"].clone()));

        for (body, expected) in [
            (json!({"userName": "liz"}), "400 invalid_scim_resource: userName: \"lee\" stays as it is"),
            (json!({"origin": "ldap"}), "400 invalid_scim_resource: origin: \"uaa\" stays as it is"),
            (
                json!({"emails": [{"value": "kim@example.com"}]}),
                "409 scim_resource_already_exists: email \"kim@example.com\" is taken: another person has it",
            ),
        ] {
            assert_eq!(send("PATCH", &path, &admin, body.clone()).await.error(), expected, "{body}");
        }
        let unknown = send("PATCH", &path, &admin, json!({"activ": false})).await;
        assert_eq!(unknown.status, 400, "{}", unknown.text);
        assert!(unknown.text.contains("activ"), "{}", unknown.text);
        let last = send("PATCH", &format!("/uaa/Users/{}", kim.id), &admin, json!({"active": false})).await;
        assert!(last.status == 422 && last.text.contains("last active administrator"), "{}", last.text);
        let others = bearer(&house.log_in("lee").await);
        assert_eq!(send("PATCH", &path, &others, json!({"active": true})).await.status, 403);
        let none = "/uaa/Users/00000000-0000-0000-0000-000000000000";
        assert_eq!(send("PATCH", none, &admin, json!({"active": true})).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn a_locked_account_is_unlocked_by_an_administrator() {
    each_house(async |house| {
        house.admin("kim").await;
        let lee = house.person("lee").await;
        let admin = bearer(&house.log_in("kim").await);
        let try_in =
            async |password: &str| house.token(&format!("grant_type=password&username=lee&password={password}")).await;
        for _ in 0..5 {
            try_in("wrong").await;
        }
        assert!(try_in("correct+horse").await.error().contains("locked"));
        let path = format!("/uaa/Users/{}/status", lee.id);
        let unlock =
            async |body: Value| house.call("PATCH", &path, &[("authorization", &admin)], &body.to_string()).await;
        assert_eq!(unlock(json!({"locked": true})).await.status, 400);
        let done = unlock(json!({"locked": false})).await;
        assert_eq!((done.status.as_u16(), done.json()), (200, json!({"locked": false})));
        assert_eq!(try_in("correct+horse").await.status, 200);
        assert!(told(&house, "account.unlocked").await);
    })
    .await;
}

async fn told(house: &House, action: &str) -> bool {
    house.ledger().await.iter().any(|entry| entry.get::<String>("action").unwrap() == action)
}

fn bearer(tokens: &Value) -> String {
    format!("bearer {}", field(tokens, "access_token"))
}
