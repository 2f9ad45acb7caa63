//! Whose request is it?

use super::house::*;
use http::{Request, Response};
use proptest::prelude::*;
use router::Table;
use std::collections::HashMap;

#[tokio::test]
async fn hosts_and_paths_find_their_application_and_the_rest_is_controls() {
    let house = House::new().await;
    let routes = [
        ("shop.apps.localhost", "", "shop"),
        ("shop.apps.localhost", "/cart", "cart"),
        ("shop.apps.localhost", "/cart/pay", "pay"),
        ("*.apps.localhost", "", "wild"),
        ("www.example.com", "/blog", "blog"),
        ("*.example.com", "/blog", "wildblog"),
    ];
    let mut table = Table::default();
    for (host, path, name) in routes {
        table.routes.push(route(host, path, vec![backend(name, 0, named(name).await)]));
    }
    house.publisher.replace_all(table);
    house.settle().await;

    let cases = [
        ("shop.apps.localhost", "/", "shop"),
        ("SHOP.apps.localhost.:7080", "/x?y", "shop"),
        ("shop.apps.localhost", "/cart", "cart"),
        ("shop.apps.localhost", "/cart?x=/cart/pay", "cart"),
        ("shop.apps.localhost", "/cart/pay/now", "pay"),
        ("shop.apps.localhost", "/carts", "shop"),
        ("shop.apps.localhost", "/CART/PAY", "pay"),
        ("other.apps.localhost", "/cart", "wild"),
        ("deep.down.apps.localhost", "/", "wild"),
        ("www.example.com", "/blog/1", "blog"),
        ("api.example.com", "/blog", "wildblog"),
    ];
    for (host, path, name) in cases {
        assert_eq!(house.get(host, path).await.2, name, "{host}{path}");
    }
    for host in ["apps.localhost", "127.0.0.1", "[::1]:7080", "example.com", "evilapps.localhost"] {
        assert!(house.get(host, "/v3").await.2.starts_with("control /v3 "), "{host}");
    }
    let (status, headers, body) = house.get("www.example.com", "/else").await;
    assert_eq!((status, headers["x-cf-routererror"].to_str().unwrap()), (404, "unknown_route"));
    assert_eq!(body.trim_end(), "404 Not Found: Requested route ('www.example.com') does not exist.");
}

#[tokio::test]
async fn instances_take_turns_by_weight_or_by_load() {
    let house = House::new().await;
    let mut backends = Vec::new();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        let mut one = backend("app", index as u32, named(name).await);
        one.weight = Some([6, 3, 1][index]);
        backends.push(one);
    }
    house.set(route("w.apps.localhost", "", backends.clone())).await;
    let mut counts: HashMap<String, usize> = HashMap::new();
    for _ in 0..50 {
        *counts.entry(house.get("w.apps.localhost", "/").await.2).or_default() += 1;
    }
    assert_eq!((counts["a"], counts["b"], counts["c"]), (30, 15, 5));

    // Instance 0 is busy with a request that lasts; so the others get the rest.
    let (slow, _) = app(|request: Request<hyper::body::Incoming>| async move {
        if request.uri().path() == "/slow" {
            std::future::pending::<()>().await;
        }
        Response::new(text("slow"))
    })
    .await;
    let mut least = route("l.apps.localhost", "", vec![backend("app", 0, slow), backend("app", 1, named("b").await)]);
    least.balancing = Some("least-connection".into());
    house.set(least).await;
    let pinned = get("l.apps.localhost", "/slow").header("x-cf-app-instance", "app:0").body(text("")).unwrap();
    let answer = house.send(pinned);
    tokio::pin!(answer);
    let wait = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(wait, &mut answer).await.is_err(), "the slow request lasts");
    for _ in 0..10 {
        assert_eq!(house.get("l.apps.localhost", "/").await.2, "b");
    }
}

#[tokio::test]
async fn an_instance_can_be_named() {
    let house = House::new().await;
    let backends = vec![backend("app", 0, named("zero").await), backend("app", 1, named("one").await)];
    house.set(route("x.apps.localhost", "", backends)).await;
    let cases = [
        ("x-cf-app-instance", "app:1", 200, "one"),
        ("x-cf-app-instance", "app:0", 200, "zero"),
        ("x-cf-process-instance", "app-web:1", 200, "one"),
        ("x-cf-app-instance", "app:2", 400, "unknown_route"),
        ("x-cf-app-instance", "other:0", 400, "unknown_route"),
        ("x-cf-app-instance", "nonsense", 400, "invalid_cf_app_instance_header"),
    ];
    for (name, value, status, word) in cases {
        let request = get("x.apps.localhost", "/").header(name, value).body(text("")).unwrap();
        let (got, headers, body) = whole(house.send(request).await).await;
        let said = headers.get("x-cf-routererror").map_or(body.clone(), |value| value.to_str().unwrap().to_owned());
        assert_eq!((got, said.as_str()), (status, word), "{name}: {value}: {body}");
    }
}

#[tokio::test]
async fn a_session_stays_on_its_instance() {
    let house = House::new().await;
    let mut backends = Vec::new();
    for index in 0..3 {
        let (address, _) = app(move |request: Request<hyper::body::Incoming>| async move {
            let mut response = Response::new(text(index.to_string()));
            if request.uri().path() == "/login" {
                let cookie = "JSESSIONID=abc; Path=/; Max-Age=60; SameSite=Lax".parse().unwrap();
                response.headers_mut().append("set-cookie", cookie);
            }
            response
        })
        .await;
        backends.push(backend("app", index, address));
    }
    house.set(route("s.apps.localhost", "", backends.clone())).await;
    let (_, headers, first) = house.get("s.apps.localhost", "/login").await;
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies[1], format!("__VCAP_ID__=app-{first}; Path=/; HttpOnly; Max-Age=60; SameSite=Lax"));
    let cookie = format!("a=b; JSESSIONID=abc; __VCAP_ID__=app-{first}");
    for _ in 0..6 {
        let request = get("s.apps.localhost", "/").header("cookie", &cookie).body(text("")).unwrap();
        let (_, headers, body) = whole(house.send(request).await).await;
        assert_eq!((body.as_str(), headers.contains_key("set-cookie")), (first.as_str(), false));
    }
    // Its instance goes; another takes the session over and says so.
    backends.retain(|one| one.index.to_string() != first);
    house.set(route("s.apps.localhost", "", backends)).await;
    let request = get("s.apps.localhost", "/").header("cookie", &cookie).body(text("")).unwrap();
    let (_, headers, body) = whole(house.send(request).await).await;
    assert!(headers["set-cookie"].to_str().unwrap().starts_with(&format!("__VCAP_ID__=app-{body};")));
}

/// What the table should find, said as plainly as can be.
fn naive(table: &[(String, String)], host: &str, path: &str) -> Option<String> {
    let mut candidates = vec![host.to_owned()];
    let labels: Vec<&str> = host.split('.').collect();
    candidates.extend((1..labels.len()).map(|from| format!("*.{}", labels[from..].join("."))));
    candidates.iter().find_map(|candidate| {
        let fits = |prefix: &str| prefix.is_empty() || path == prefix || path.starts_with(&format!("{prefix}/"));
        let of_host = table.iter().filter(|(host, prefix)| host == candidate && fits(prefix));
        of_host.max_by_key(|(_, prefix)| prefix.len()).map(|(host, prefix)| format!("{host}{prefix}"))
    })
}

#[test]
fn any_table_routes_as_the_naive_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (house, address) = runtime.block_on(async {
        let house = House::new().await;
        // The backend says the guid of its route, which the router sends as the application's.
        let (address, _) = app(|request: Request<hyper::body::Incoming>| async move {
            Response::new(text(request.headers()["x-cf-applicationid"].to_str().unwrap().to_owned()))
        })
        .await;
        (house, address)
    });
    let label = prop_oneof!["a", "b"];
    let host = prop::collection::vec(label, 1..4).prop_map(|labels| labels.join(".") + ".test");
    let pattern = (host.clone(), any::<bool>()).prop_map(|(host, wild)| if wild { format!("*.{host}") } else { host });
    let path = prop::collection::vec(prop_oneof!["x", "y"], 0..3)
        .prop_map(|parts| parts.iter().map(|part| format!("/{part}")).collect::<String>());
    let table = prop::collection::vec((pattern, path.clone()), 0..12);
    let asked = prop::collection::vec((host, path), 1..6);
    let config = ProptestConfig { cases: 64, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&(table, asked), |(mut table, asked)| {
            table.sort();
            table.dedup();
            runtime.block_on(async {
                let of = |(host, path): &(String, String)| {
                    route(host, path, vec![backend(&format!("{host}{path}"), 0, address)])
                };
                house.publisher.replace_all(Table { routes: table.iter().map(of).collect() });
                house.settle().await;
                for (host, path) in asked {
                    let (status, _, body) = house.get(&host, &(path.clone() + "/")).await;
                    let wanted = naive(&table, &host, &(path + "/"));
                    let got = (status == 200 && !body.starts_with("control")).then_some(body);
                    assert_eq!(got, wanted, "{host}");
                }
            });
            Ok(())
        })
        .unwrap();
}
