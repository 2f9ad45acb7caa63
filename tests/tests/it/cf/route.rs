//! domains, routes, create-route, map-route, unmap-route, delete-route, check-route.

use super::client::{Cf, string};
use super::push::apply;
use super::shape;
use serde_json::json;
use tests::Pitlane;

const SHARED: &str = "apps.localhost";

#[test]
fn routes_and_domains() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let domains = cf.list(&format!("/v3/organizations/{}/domains", cf.org), &[]);
    domains.resources().iter().for_each(shape::domain);
    let domain = cf.list("/v3/domains", &[("names", SHARED), ("page", "1"), ("per_page", "1")]);
    let domain = string(&domain.first()["guid"]);
    let default = cf.get(&format!("/v3/organizations/{}/domains/default", cf.org), &[]);
    assert_eq!(default.json["name"], SHARED);

    // create-route, and once more
    let body = json!({"host": "www", "relationships": {"space": {"data": {"guid": cf.space}}, "domain": {"data": {"guid": domain}}}});
    let route = cf.post("/v3/routes", &body).is(201);
    shape::route(&route.json);
    assert_eq!(
        (&route.json["url"], &route.json["path"], &route.json["port"]),
        (&json!("www.apps.localhost"), &json!(""), &json!(null))
    );
    let again = cf.post("/v3/routes", &body).is(422);
    assert_eq!(again.detail(), "Route already exists with host 'www' for domain 'apps.localhost'.");
    let mut with_path = body.clone();
    with_path["path"] = json!("/shop");
    // go-cfclient's nulls
    with_path["port"] = json!(null);
    with_path["metadata"] = json!({"labels": null, "annotations": null});
    let second = cf.post("/v3/routes", &with_path).is(201);
    assert_eq!(second.json["url"], "www.apps.localhost/shop");
    let again = cf.post("/v3/routes", &with_path).is(422);
    assert_eq!(again.detail(), "Route already exists with host 'www' and path '/shop' for domain 'apps.localhost'.");

    // check-route
    for (query, there) in [
        (&[("host", "www")][..], true),
        (&[("host", "www"), ("path", "/shop")], true),
        (&[("host", "nobody")], false),
        (&[("host", "www"), ("path", "/none")], false),
    ] {
        let found = cf.get(&format!("/v3/domains/{domain}/route_reservations"), query);
        assert_eq!(found.json["matching_route"], there, "{query:?}");
    }

    // map-route: by host and "without path"
    apply(&cf, "applications:\n- name: page\n  no-route: true\n");
    let app = cf.app_guid("page");
    let query = [("domain_guids", domain.as_str()), ("hosts", "www"), ("page", "1"), ("paths", ""), ("per_page", "1")];
    let found = cf.list("/v3/routes", &query);
    assert_eq!((found.resources().len(), &found.first()["guid"]), (1, &route.json["guid"]));
    let destinations = format!("/v3/routes/{}/destinations", route.guid());
    for body in [
        json!({"destinations": [{"app": {"guid": app}}]}),
        json!({"destinations": [{"app": {"guid": app, "process": null}, "port": null, "protocol": null, "weight": null}]}),
    ] {
        let mapped = cf.post(&destinations, &body).is(200);
        let list = mapped.json["destinations"].as_array().expect("a list");
        assert_eq!(list.len(), 1, "the same once more is the same");
        list.iter().for_each(shape::destination);
        assert_eq!((&list[0]["port"], &list[0]["protocol"]), (&json!(8080), &json!("http1")));
    }
    assert_eq!(cf.list(&format!("/v3/apps/{app}/routes"), &[]).resources().len(), 1);

    // routes
    let routes = cf.list("/v3/routes", &[("per_page", "5000"), ("space_guids", &cf.space)]);
    routes.resources().iter().for_each(shape::route);
    cf.list("/v3/routes", &[("organization_guids", &cf.org), ("per_page", "5000")]);
    shape::space(cf.list("/v3/spaces", &[("guids", &cf.space)]).first());
    shape::app(cf.list("/v3/apps", &[("guids", &app)]).first());
    let guids: Vec<_> = routes.resources().iter().map(|one| string(&one["guid"])).collect();
    let bindings =
        cf.list("/v3/service_route_bindings", &[("include", "service_instance"), ("route_guids", &guids.join(","))]);
    assert!(bindings.resources().is_empty());

    // unmap-route
    let found = cf.get(&destinations, &[]).json;
    let destination = string(&found["destinations"][0]["guid"]);
    cf.delete(&format!("{destinations}/{destination}")).is(204);
    assert_eq!(cf.get(&destinations, &[]).json["destinations"], json!([]));

    // delete-route, delete-orphaned-routes
    cf.done(&cf.delete(&format!("/v3/routes/{}", route.guid())));
    cf.done(&cf.call("DELETE", &format!("/v3/spaces/{}/routes", cf.space), &[("unmapped", "true")], None));
    assert!(cf.list("/v3/routes", &[("space_guids", &cf.space)]).resources().is_empty());

    // domains that are made and deleted
    let shared = cf.post("/v3/domains", &json!({"internal": false, "name": "shared.test"})).is(201);
    shape::domain(&shared.json);
    let private = json!({"name": "private.test", "relationships": {"organization": {"data": {"guid": cf.org}}}});
    let private = cf.post("/v3/domains", &private).is(201);
    assert_eq!(private.json["relationships"]["organization"]["data"]["guid"], cf.org.as_str());
    let taken = cf.post("/v3/domains", &json!({"internal": false, "name": "shared.test"})).is(422);
    assert_eq!(taken.detail(), "The domain name \"shared.test\" is already in use");
    for domain in [shared, private] {
        cf.done(&cf.delete(&format!("/v3/domains/{}", domain.guid())));
    }
}

/// Nobody may take the platform's own names.
#[test]
fn the_platforms_own_names_are_kept() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    for name in ["localhost", "127.0.0.1"] {
        cf.post("/v3/domains", &json!({"internal": false, "name": name})).is(422);
    }
}
