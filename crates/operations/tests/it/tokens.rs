//! API tokens of everybody.

use super::house::{each_house, text};
use serde_json::{Value, json};

/// Row T20: listed by prefix with owner and last use, searchable, revocable; the token itself is nowhere.
#[tokio::test]
async fn t20_api_tokens_are_searched_viewed_and_revoked() {
    each_house(async |house| {
        house.admin("root").await;
        let root = house.log_in("root").await;
        let mut made = Vec::new();
        for (name, token) in [("lee", "laptop"), ("max", "build server"), ("max", "phone")] {
            if token != "phone" {
                house.person(name).await;
            }
            let own = house.log_in(name).await;
            made.push(house.ask(&own, "POST", "/api/identity/tokens", json!({ "name": token })).await.ok());
        }
        let laptop = text(&made[0], "token").to_owned();
        house.get(&laptop, "/api/identity/me").await.ok();

        let find = async |query: &str| {
            let found = house.get(&root, &format!("/api/platform/tokens{query}")).await.ok();
            assert!(
                made.iter().all(|token| !found.to_string().contains(text(token, "token"))),
                "shown once, to its owner"
            );
            found
        };
        let max = text(&find("?q=phone").await["tokens"][0]["person"], "id").to_owned();
        for (query, expected) in [
            (String::new(), &["phone", "build server", "laptop"][..]),
            ("?q=MAX%40example".into(), &["phone", "build server"]),
            ("?q=max+build".into(), &["build server"]),
            (format!("?q={laptop}"), &["laptop"]),
            (format!("?q={}", &laptop[..10]), &["laptop"]),
            (format!("?person={max}&per_page=1"), &["phone"]),
            ("?q=nothing".into(), &[]),
        ] {
            let found = find(&query).await;
            let names: Vec<&str> =
                found["tokens"].as_array().unwrap().iter().map(|token| text(token, "name")).collect();
            assert_eq!(names, expected, "{query}");
        }
        let at = format!("/api/platform/tokens/{}", text(&made[0], "id"));
        let shown = house.get(&root, &at).await.ok();
        assert_eq!((text(&shown, "prefix"), text(&shown["person"], "user_name")), (&laptop[..10], "lee"));
        assert!(shown["last_used_at"].is_string() && shown["expired"] == false, "{shown}");
        assert_eq!(
            house.get(&root, &format!("/api/platform/tokens/{}", text(&made[1], "id"))).await.ok()["last_used_at"],
            Value::Null
        );

        assert_eq!(house.ask(&root, "DELETE", &at, Value::Null).await.status, 204);
        assert_eq!(house.get(&laptop, "/api/identity/me").await.status, 401, "at the next request");
        assert_eq!(house.get(&root, &at).await.error(), "404 not_found: token not found");
        house.settle().await;
        let revoked = house.ledger.after(0, 1000).await.unwrap().pop().unwrap();
        assert_eq!(
            (revoked.action.as_str(), revoked.actor.name.as_str(), revoked.object.name.as_str()),
            ("token.revoke", "root", "laptop")
        );
    })
    .await;
}
