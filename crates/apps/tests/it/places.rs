//! Organizations, spaces, roles, users: as `cf create-org` and its sisters talk about them.

use super::house::{House, on_each, to};
use serde_json::{Value, json};

/// Guids, times and hosts differ from run to run.
pub fn shape(mut body: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => map.values_mut().for_each(walk),
            Value::Array(list) => list.iter_mut().for_each(walk),
            Value::String(text) => {
                let uuid = |part: &str| uuid::Uuid::parse_str(part).is_ok();
                if jiff_like(text) {
                    *text = "TIME".into();
                } else {
                    *text = text
                        .split('/')
                        .map(|part| if uuid(part) { "GUID" } else { part })
                        .collect::<Vec<_>>()
                        .join("/");
                }
            }
            _ => {}
        }
    }
    fn jiff_like(text: &str) -> bool {
        text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
    }
    walk(&mut body);
    body
}

#[tokio::test]
async fn shapes() {
    let folder = tempfile::tempdir().unwrap();
    let url = store::DbUrl::Sqlite(folder.path().join("pitlane.db"));
    let house = House::open(&url, folder.path()).await;
    let admin = house.admin();
    let (organization, space) = house.first().await;
    let domain = house.domain().await;
    house.person("ann").await;
    let ann = json!({ "data": { "username": "ann", "origin": "uaa" } });
    let role =
        json!({ "type": "organization_manager", "relationships": { "user": ann, "organization": to(&organization) } });
    let role = admin.post("/v3/roles", role, 201).await.guid();
    let route =
        json!({ "host": "www", "path": "/shop", "relationships": { "space": to(&space), "domain": to(&domain) } });
    let route = admin.post("/v3/routes", route, 201).await.guid();
    let private = json!({ "name": "example.org", "relationships": { "organization": to(&organization) } });
    let private = admin.post("/v3/domains", private, 201).await.guid();
    for (name, path) in [
        ("root", "/".to_owned()),
        ("info", "/v3/info".into()),
        ("organization", format!("/v3/organizations/{organization}")),
        ("space", format!("/v3/spaces/{space}?include=organization")),
        ("role", format!("/v3/roles/{role}?include=user,organization")),
        ("users", "/v3/users".into()),
        ("domain_shared", format!("/v3/domains/{domain}")),
        ("domain_private", format!("/v3/domains/{private}")),
        ("route", format!("/v3/routes/{route}?include=domain,space.organization")),
        ("quota", "/v3/organization_quotas".into()),
        ("stacks", "/v3/stacks".into()),
        ("buildpacks", "/v3/buildpacks?per_page=1".into()),
        ("feature_flag", "/v3/feature_flags/route_creation".into()),
        ("usage", format!("/v3/organizations/{organization}/usage_summary")),
        ("audit_events", "/v3/audit_events?types=audit.route.create".into()),
    ] {
        insta::assert_json_snapshot!(name, shape(admin.get(&path).await));
    }
}

#[tokio::test]
async fn organizations_and_spaces() {
    on_each(|house| async move {
        let admin = house.admin();
        let made = admin.post("/v3/organizations", json!({ "name": "sales", "suspended": false }), 201).await;
        let sales = made.guid();
        assert!(made.body["relationships"]["quota"]["data"]["guid"].is_string(), "a new one has the quota `default`");
        admin
            .refused(
                "POST",
                "/v3/organizations",
                json!({ "name": "sales" }),
                422,
                "Organization 'sales' already exists.",
            )
            .await;
        admin.refused("POST", "/v3/organizations", json!({ "name": " " }), 422, "Name can't be blank").await;
        admin
            .refused(
                "POST",
                "/v3/organizations",
                json!({ "name": "x", "nonsense": 1 }),
                422,
                "Unknown field(s): 'nonsense'",
            )
            .await;
        let shop = json!({ "name": "shop", "relationships": { "organization": to(&sales) } });
        let shop_guid = admin.post("/v3/spaces", shop.clone(), 201).await.guid();
        admin.refused("POST", "/v3/spaces", shop, 422, "Name must be unique per organization").await;
        let nowhere = json!({ "name": "x", "relationships": { "organization": to("gone") } });
        let words = "Invalid organization. Ensure the organization exists and you have access to it.";
        admin.refused("POST", "/v3/spaces", nowhere, 422, words).await;

        let path = format!("/v3/spaces/{shop_guid}");
        let ssh = format!("{path}/features/ssh");
        assert_eq!(admin.call("PATCH", &ssh, json!({ "enabled": false }), 200).await.body["enabled"], false);
        assert_eq!(admin.get(&ssh).await["enabled"], false);
        let words = "SSH is not available here: no SSH server runs. Look into an app with its logs, or run a command beside it as a task.";
        admin.refused("PATCH", &ssh, json!({ "enabled": true }), 422, words).await;
        assert_eq!(admin.get(&format!("{path}/relationships/isolation_segment")).await["data"], Value::Null);
        let renamed = json!({ "name": "store", "metadata": { "labels": { "team": "one" }, "annotations": null } });
        assert_eq!(admin.call("PATCH", &path, renamed, 200).await.body["name"], "store");
        assert_eq!(admin.names("/v3/spaces?label_selector=team%3Done", "name").await, ["store"]);

        house.app("till", &shop_guid).await;
        let domain = house.domain().await;
        let route = json!({ "host": "till", "relationships": { "space": to(&shop_guid), "domain": to(&domain) } });
        admin.post("/v3/routes", route, 201).await;
        admin.call("DELETE", &format!("/v3/organizations/{sales}"), Value::Null, 202).await;
        admin.refused("GET", &path, Value::Null, 404, "Space not found").await;
        assert_eq!(admin.names("/v3/routes", "host").await, Vec::<String>::new());
        assert_eq!(admin.names("/v3/apps", "name").await, Vec::<String>::new());
        assert_eq!(admin.names("/v3/organizations", "name").await, ["main"]);
    })
    .await;
}

#[tokio::test]
async fn roles_word_for_word() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let ann = house.person("ann").await;
        let role = |kind: &str, user: Value, place: Value| {
            let mut relationships = place;
            relationships["user"] = json!({ "data": user });
            json!({ "type": kind, "relationships": relationships })
        };
        let by_name = || json!({ "username": "ann", "origin": "uaa" });
        let in_space = || json!({ "space": to(&space) });
        let in_organization = || json!({ "organization": to(&organization) });
        let words =
            "Users cannot be assigned roles in a space if they do not have a role in that space's organization.";
        admin.refused("POST", "/v3/roles", role("space_developer", by_name(), in_space()), 422, words).await;
        let user = admin.post("/v3/roles", role("organization_user", by_name(), in_organization()), 201).await.guid();
        let words = "User 'ann' already has 'organization_user' role in organization 'main'.";
        admin.refused("POST", "/v3/roles", role("organization_user", by_name(), in_organization()), 422, words).await;
        let developer = admin
            .post("/v3/roles", role("space_developer", json!({ "username": "ANN" }), in_space()), 201)
            .await
            .guid();
        let words = "User 'ann' already has 'space_developer' role in space 'dev'.";
        admin.refused("POST", "/v3/roles", role("space_developer", by_name(), in_space()), 422, words).await;
        let nobody = role("space_developer", json!({ "username": "bob" }), in_space());
        admin.refused("POST", "/v3/roles", nobody, 422, "No user exists with the username 'bob'.").await;
        let nobody = role("space_developer", json!({ "username": "bob", "origin": "ldap" }), in_space());
        admin
            .refused("POST", "/v3/roles", nobody, 422, "No user exists with the username 'bob' and origin 'ldap'.")
            .await;
        let nowhere = role("space_developer", by_name(), json!({ "space": to("gone") }));
        admin
            .refused(
                "POST",
                "/v3/roles",
                nowhere,
                422,
                "Invalid space. Ensure that the space exists and you have access to it.",
            )
            .await;
        ann.refused(
            "POST",
            "/v3/roles",
            role("space_manager", by_name(), in_space()),
            403,
            "You are not authorized to perform the requested action",
        )
        .await;

        let mine = format!("/v3/roles?user_guids={}&include=user,space", ann.guid());
        let body = ann.get(&mine).await;
        assert_eq!(body["pagination"]["total_results"], 2);
        assert_eq!(body["included"]["users"][0]["username"], "ann");
        assert_eq!(body["included"]["spaces"][0]["name"], "dev");
        assert_eq!(ann.names("/v3/roles?types=space_developer", "type").await, ["space_developer"]);
        assert_eq!(ann.names(&format!("/v3/spaces/{space}/users"), "username").await, ["ann"]);

        let words = "Cannot delete organization_user role while user has roles in spaces in that organization.";
        admin.refused("DELETE", &format!("/v3/roles/{user}"), Value::Null, 422, words).await;
        admin.call("DELETE", &format!("/v3/roles/{developer}"), Value::Null, 202).await;
        admin.call("DELETE", &format!("/v3/roles/{user}"), Value::Null, 202).await;
        ann.refused("GET", &format!("/v3/organizations/{organization}"), Value::Null, 404, "Organization not found")
            .await;
        house.sealed().await;
        let events = admin
            .names("/v3/audit_events?types=audit.user.space_developer_add,audit.user.space_developer_remove", "type")
            .await;
        assert_eq!(events, ["audit.user.space_developer_add", "audit.user.space_developer_remove"]);
    })
    .await;
}

#[tokio::test]
async fn suspended_organizations_and_new_ones_of_people() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let dev = house.person("dev").await;
        house.role(&dev, "space_developer", &organization, &space).await;
        admin.call("PATCH", &format!("/v3/organizations/{organization}"), json!({ "suspended": true }), 200).await;
        let app = json!({ "name": "a", "relationships": { "space": to(&space) } });
        dev.refused("POST", "/v3/apps", app.clone(), 403, "The organization is suspended").await;
        assert_eq!(dev.names("/v3/spaces", "name").await, ["dev"]);
        admin.post("/v3/apps", app, 201).await;

        let words = "You are not authorized to perform the requested action";
        dev.refused("POST", "/v3/organizations", json!({ "name": "own" }), 403, words).await;
        admin.call("PATCH", "/v3/feature_flags/user_org_creation", json!({ "enabled": true }), 200).await;
        let own = dev.post("/v3/organizations", json!({ "name": "own" }), 201).await.guid();
        let space = json!({ "name": "s", "relationships": { "organization": to(&own) } });
        dev.post("/v3/spaces", space, 201).await;
    })
    .await;
}

#[tokio::test]
async fn users() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let (ann, bob) = (house.person("ann").await, house.person("bob").await);
        assert_eq!(ann.names("/v3/users", "username").await, ["ann"]);
        house.role(&ann, "space_developer", &organization, &space).await;
        house.role(&bob, "space_auditor", &organization, &space).await;
        assert_eq!(ann.names("/v3/users?order_by=created_at", "username").await, ["ann", "bob"]);
        assert_eq!(admin.names("/v3/users?usernames=BOB&origins=uaa", "username").await, ["bob"]);
        let words = "The query parameter is invalid: Origins filter cannot be provided without usernames or partial_usernames filter.";
        admin.refused("GET", "/v3/users?origins=uaa", Value::Null, 400, words).await;
        admin.post("/v3/users", json!({ "guid": bob.guid() }), 201).await;
        let path = format!("/v3/users/{}", bob.guid());
        admin.call("PATCH", &path, json!({ "metadata": { "labels": { "team": "x" } } }), 200).await;
        assert_eq!(admin.names("/v3/users?label_selector=team", "username").await, ["bob"]);
        admin.call("DELETE", &path, Value::Null, 202).await;
        bob.refused("GET", &format!("/v3/spaces/{space}"), Value::Null, 404, "Space not found").await;
        admin.refused("POST", "/v3/users", json!({ "guid": "gone" }), 422, "No user exists with the guid 'gone'. Create the user in UAA first.").await;
    })
    .await;
}

/// Asked at once, each name is given once, and the others are told so.
#[tokio::test(flavor = "multi_thread")]
async fn one_name_asked_for_by_many() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let domain = house.domain().await;
        let in_space = json!({ "space": to(&space) });
        for (path, body) in [
            ("/v3/organizations", json!({ "name": "twin" })),
            ("/v3/spaces", json!({ "name": "twin", "relationships": { "organization": to(&organization) } })),
            ("/v3/apps", json!({ "name": "twin", "relationships": in_space })),
            ("/v3/routes", json!({ "host": "twin", "relationships": { "space": to(&space), "domain": to(&domain) } })),
            ("/v3/domains", json!({ "name": "twin.test" })),
            ("/v3/organization_quotas", json!({ "name": "twin" })),
            ("/v3/buildpacks", json!({ "name": "twin" })),
        ] {
            let asked = (0..8).map(|_| admin.send("POST", path, body.clone()));
            let answers = futures_util::future::join_all(asked).await;
            let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
            assert_eq!(made.len(), 1, "{path}: {answers:#?}");
            assert!(refused.iter().all(|answer| answer.status == 422), "{path}: {refused:#?}");
        }
    })
    .await;
}
