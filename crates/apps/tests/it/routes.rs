//! Domains and routes, word for word where clients compare.

use super::house::{on_each, to};
use serde_json::{Value, json};

#[tokio::test]
async fn routes_word_for_word() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let domain = house.domain().await;
        let other = json!({ "name": "other", "relationships": { "organization": to(&organization) } });
        let other = admin.post("/v3/spaces", other, 201).await.guid();
        let route = |space: &str, fields: Value| {
            let mut body = json!({ "relationships": { "space": to(space), "domain": to(&domain) } });
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            body
        };
        let made =
            admin.post("/v3/routes", route(&space, json!({ "host": "Www", "port": null, "options": null })), 201).await;
        assert_eq!((&made.body["url"], &made.body["host"]), (&json!("www.apps.test"), &json!("www")));
        for (space, fields, words) in [
            (&space, json!({ "host": "www" }), "Route already exists with host 'www' for domain 'apps.test'."),
            (&other, json!({ "host": "www" }), "Route already exists with host 'www' for domain 'apps.test'."),
            (
                &other,
                json!({ "host": "www", "path": "/x" }),
                "Routes for this host and domain have been reserved for another space.",
            ),
            (&space, json!({}), "Missing host. Routes in shared domains must have a host defined."),
            (
                &space,
                json!({ "host": "a b" }),
                "Host must be either \"*\" or contain only alphanumeric characters, \"_\", or \"-\"",
            ),
            (
                &space,
                json!({ "host": "a.b" }),
                "Host must be either \"*\" or contain only alphanumeric characters, \"_\", or \"-\"",
            ),
            (&space, json!({ "host": "a", "path": "x" }), "Path must begin with \"/\""),
            (&space, json!({ "host": "a", "path": "/" }), "Path cannot be exactly '/'"),
            (&space, json!({ "host": "a", "path": "/a?b" }), "Path cannot contain '?'"),
            (&space, json!({ "host": "a", "path": "/../b" }), "Path is not a valid URI path"),
            (&space, json!({ "host": "a", "port": 1234 }), "Routes with protocol 'http' do not support ports."),
            (
                &space,
                json!({ "host": "reserved" }),
                "Route conflicts with the platform's own host name 'reserved.apps.test'.",
            ),
            (
                &space,
                json!({ "host": "a", "options": { "loadbalancing": "hash" } }),
                "Options Loadbalancing must be one of 'round-robin, least-connection' if present",
            ),
            (
                &"gone".to_owned(),
                json!({ "host": "a" }),
                "Invalid space. Ensure that the space exists and you have access to it.",
            ),
        ] {
            admin.refused("POST", "/v3/routes", route(space, fields), 422, words).await;
        }
        let nowhere = json!({ "host": "a", "relationships": { "space": to(&space), "domain": to("gone") } });
        admin
            .refused(
                "POST",
                "/v3/routes",
                nowhere,
                422,
                "Invalid domain. Ensure that the domain exists and you have access to it.",
            )
            .await;
        admin.post("/v3/routes", route(&space, json!({ "host": "www", "path": "/shop/" })), 201).await;
        let words = "Route already exists with host 'www' and path '/shop' for domain 'apps.test'.";
        admin.refused("POST", "/v3/routes", route(&space, json!({ "host": "www", "path": "/shop" })), 422, words).await;

        assert_eq!(admin.names("/v3/routes?hosts=www&paths=", "url").await, ["www.apps.test"]);
        assert_eq!(admin.names("/v3/routes?paths=/shop", "url").await, ["www.apps.test/shop"]);
        assert_eq!(admin.names(&format!("/v3/routes?organization_guids={organization}"), "path").await.len(), 2);
        let taken = |query: &str| format!("/v3/domains/{domain}/route_reservations?{query}");
        assert_eq!(admin.get(&taken("host=WWW")).await["matching_route"], true);
        assert_eq!(admin.get(&taken("host=www&path=/else")).await["matching_route"], false);

        let path = format!("/v3/routes/{}", made.guid());
        let options = json!({ "options": { "loadbalancing": "least-connection" } });
        assert_eq!(
            admin.call("PATCH", &path, options, 200).await.body["options"],
            json!({ "loadbalancing": "least-connection" })
        );
        let options = json!({ "options": { "loadbalancing": null } });
        assert_eq!(admin.call("PATCH", &path, options, 200).await.body["options"], json!({}));
        admin.call("DELETE", &path, Value::Null, 202).await;
        admin.refused("GET", &path, Value::Null, 404, "Route not found").await;
        let all = format!("/v3/spaces/{space}/routes");
        admin.call("DELETE", &all, Value::Null, 422).await;
        admin.call("DELETE", &format!("{all}?unmapped=true"), Value::Null, 202).await;
        assert_eq!(admin.names("/v3/routes", "url").await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn destinations() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let domain = house.domain().await;
        let route = json!({ "host": "www", "relationships": { "space": to(&space), "domain": to(&domain) } });
        let route = admin.post("/v3/routes", route, 201).await.guid();
        let (blue, green) = (house.app("blue", &space).await, house.app("green", &space).await);
        let path = format!("/v3/routes/{route}/destinations");
        let one = |app: &str| json!({ "app": { "guid": app } });
        let body = admin.post(&path, json!({ "destinations": [one(&blue)] }), 200).await.body;
        let first = &body["destinations"][0];
        assert_eq!(
            (&first["app"]["process"]["type"], &first["port"], &first["protocol"], &first["weight"]),
            (&json!("web"), &json!(8080), &json!("http1"), &Value::Null)
        );
        let body = admin.post(&path, json!({ "destinations": [one(&blue), one(&green)] }), 200).await.body;
        assert_eq!(body["destinations"].as_array().unwrap().len(), 2, "what is there stays as it is");
        assert_eq!(body["destinations"][0]["guid"], first["guid"]);
        assert_eq!(admin.names(&format!("/v3/apps/{green}/routes"), "host").await, ["www"]);
        assert_eq!(admin.names(&format!("/v3/routes?app_guids={blue}"), "host").await, ["www"]);

        let words = "App(s) with guid(s) 'gone' do not exist or you do not have access.";
        admin.refused("POST", &path, json!({ "destinations": [one("gone")] }), 422, words).await;
        admin
            .refused(
                "POST",
                &path,
                json!({ "destinations": [{ "app": { "guid": blue }, "protocol": "tcp" }] }),
                422,
                "Destinations[0]: protocol must be 'http1' or 'http2'.",
            )
            .await;
        admin
            .refused(
                "POST",
                &path,
                json!({ "destinations": [{ "app": { "guid": blue }, "port": 0 }] }),
                422,
                "Destinations[0]: port must be between 1 and 65535",
            )
            .await;
        let other = json!({ "name": "other", "relationships": { "organization": to(&organization) } });
        let other = admin.post("/v3/spaces", other, 201).await.guid();
        let far = house.app("far", &other).await;
        let words = "Routes destinations must be in either the route's space or the route's shared spaces";
        admin.refused("POST", &path, json!({ "destinations": [one(&far)] }), 422, words).await;
        admin
            .call(
                "POST",
                &format!("/v3/routes/{route}/relationships/shared_spaces"),
                json!({ "data": [{ "guid": other }] }),
                200,
            )
            .await;
        admin.post(&path, json!({ "destinations": [one(&far)] }), 200).await;
        admin
            .call("DELETE", &format!("/v3/routes/{route}/relationships/shared_spaces/{other}"), Value::Null, 204)
            .await;
        assert_eq!(
            admin.get(&path).await["destinations"].as_array().unwrap().len(),
            2,
            "what was shared only is unmapped"
        );

        let weighted = |blue_weight: u32, green_weight: u32| {
            json!({ "destinations": [
                { "app": { "guid": blue }, "weight": blue_weight },
                { "app": { "guid": green }, "weight": green_weight },
            ]})
        };
        admin
            .refused("PATCH", &path, weighted(50, 40), 422, "Destinations must have weights that add up to 100.")
            .await;
        admin.call("PATCH", &path, weighted(90, 10), 200).await;
        admin
            .refused(
                "PATCH",
                &path,
                json!({ "destinations": [one(&blue), one(&blue)] }),
                422,
                "Destinations cannot contain duplicate entries",
            )
            .await;
        let body = admin.call("PATCH", &path, json!({ "destinations": [one(&green)] }), 200).await.body;
        let last = body["destinations"][0]["guid"].as_str().unwrap().to_owned();
        assert_eq!(body["destinations"].as_array().unwrap().len(), 1);
        admin.call("PATCH", &format!("{path}/{last}"), json!({ "protocol": "http2" }), 200).await;
        admin.call("DELETE", &format!("{path}/{last}"), Value::Null, 204).await;
        let words = "Unable to unmap route from destination. Ensure the route has a destination with this guid.";
        admin.refused("DELETE", &format!("{path}/{last}"), Value::Null, 422, words).await;
        house.sealed().await;
        let events = admin
            .names(
                &format!("/v3/audit_events?target_guids={green}&types=audit.app.map-route,audit.app.unmap-route"),
                "type",
            )
            .await;
        assert_eq!(events.first().map(String::as_str), Some("audit.app.map-route"));
        assert_eq!(events.last().map(String::as_str), Some("audit.app.unmap-route"));
    })
    .await;
}

#[tokio::test]
async fn domains() {
    on_each(|house| async move {
        let admin = house.admin();
        let (main, space) = house.first().await;
        let sales = admin.post("/v3/organizations", json!({ "name": "sales" }), 201).await.guid();
        let sales_space = json!({ "name": "s", "relationships": { "organization": to(&sales) } });
        let sales_space = admin.post("/v3/spaces", sales_space, 201).await.guid();
        let manager = house.person("manager").await;
        house.role(&manager, "organization_manager", &main, &space).await;
        let private = |name: &str, organization: &str| json!({ "name": name, "relationships": { "organization": to(organization) } });
        let domain = manager.post("/v3/domains", private("Example.org", &main), 201).await;
        assert_eq!(domain.body["name"], "example.org");
        let domain = domain.guid();
        for (body, words) in [
            (private("example.org", &main), "The domain name \"example.org\" is already in use"),
            (private("sub.example.org", &sales), "The domain name \"sub.example.org\" cannot be created because \"example.org\" is already reserved by another domain"),
            (private("org", &main), "Name must contain at least one \".\""),
            (private("a_b.org", &main), "Name does not comply with RFC 1035 standards"),
            (private("127.0.0.1", &main), "Name does not comply with RFC 1035 standards"),
            (private("api.test", &main), "The domain name \"api.test\" is the platform's own host name"),
            (json!({ "name": "in.side", "internal": true }), "Internal domains are not available: applications reach each other by their routes."),
        ] {
            admin.refused("POST", "/v3/domains", body, 422, words).await;
        }
        manager.refused("POST", "/v3/domains", json!({ "name": "shared.org" }), 403, "You are not authorized to perform the requested action").await;
        let in_sales = json!({ "host": "x", "relationships": { "space": to(&sales_space), "domain": to(&domain) } });
        let words = "Invalid domain. Domain 'example.org' is not available in organization 'sales'.";
        admin.refused("POST", "/v3/routes", in_sales.clone(), 422, words).await;
        let shares = format!("/v3/domains/{domain}/relationships/shared_organizations");
        admin.post(&shares, json!({ "data": [{ "guid": sales }] }), 200).await;
        admin.post("/v3/routes", in_sales, 201).await;
        assert_eq!(admin.names(&format!("/v3/organizations/{sales}/domains"), "name").await, ["apps.test", "example.org"]);
        assert_eq!(admin.get(&format!("/v3/organizations/{sales}/domains/default")).await["name"], "apps.test");
        let path = format!("/v3/domains/{domain}");
        let words = "This domain is shared with other organizations. Unshare before deleting.";
        admin.refused("DELETE", &path, Value::Null, 422, words).await;
        admin.call("DELETE", &format!("{shares}/{sales}"), Value::Null, 204).await;
        admin.call("DELETE", &path, Value::Null, 202).await;
        assert_eq!(admin.names("/v3/routes", "url").await, Vec::<String>::new());

        admin.call("PATCH", "/v3/feature_flags/private_domain_creation", json!({ "enabled": false }), 200).await;
        manager.refused("POST", "/v3/domains", private("b.org", &main), 403, "Feature Disabled: private_domain_creation").await;
    })
    .await;
}
