//! What jobs show in browsers is kept apart from the platform.

use super::house::{ADDER, House, manifest};
use serde_json::json;

/// A job's page is shown in an origin of its own: it can neither speak for the platform nor be signed in to it, and calls its
/// own job all the same.
#[test]
fn r19_a_jobs_page_cannot_act_as_the_person_who_opens_it() {
    let house = House::new();
    let code = "from fastapi import Response\nclass Page:\n    def perform(self):\n        return Response('<script>fetch(\"/v3/apps\")</script>', media_type='text/html', headers={'set-cookie': 'pitlane_session=mine; Path=/', 'clear-site-data': '\"cookies\"', 'access-control-allow-credentials': 'true'})\n";
    house.deployed(manifest("page", "1.0.0"), &[("main.py", code)]);
    let cookie = format!("cookie: theme=dark; X-Racetrack-Auth={}", house.token);
    let ask = |method: &str, path: &str, headers: &[&str]| {
        let method = method.parse().expect("a method");
        let mut request = tests::http().request(method, format!("{}/pub/job/page{path}", house.pitlane.url));
        for header in headers {
            let (name, value) = header.split_once(": ").expect("a header");
            request = request.header(name, value);
        }
        tests::Answer::of(request.json(&json!({})).send().expect("an answer"))
    };
    let token = format!("x-racetrack-auth: {}", house.token);
    let own = format!("origin: {}", house.pitlane.url);
    let called = ask("POST", "/latest/api/v1/perform", &[&cookie, &own]);
    assert_eq!(called.status, 200, "{}", called.body);
    let policies: Vec<&str> =
        called.headers.get_all("content-security-policy").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(
        policies.iter().any(|policy| policy.starts_with("sandbox ") && !policy.contains("allow-same-origin")),
        "{policies:?}"
    );
    for gone in ["set-cookie", "clear-site-data", "access-control-allow-credentials"] {
        assert!(!called.headers.contains_key(gone), "{gone}");
    }

    // A page in such an origin says `null`; a page elsewhere says where. Neither is let in by the cookie, both by a token.
    for origin in ["origin: null", "origin: http://elsewhere.test"] {
        assert_eq!(ask("POST", "/latest/api/v1/perform", &[&cookie, origin]).status, 401);
        assert_eq!(ask("GET", "/latest/openapi.json", &[&cookie, origin]).status, 401);
        let asked = ["access-control-request-method: POST", "access-control-request-headers: x-racetrack-auth"];
        let before = ask("OPTIONS", "/latest/api/v1/perform", &[origin, asked[0], asked[1]]);
        assert_eq!(
            (before.status, &before.headers["access-control-allow-headers"]),
            (204, &"x-racetrack-auth".parse().expect("a value"))
        );
        let called = ask("POST", "/latest/api/v1/perform", &[&token, origin]);
        assert_eq!(
            (called.status, &called.headers["access-control-allow-origin"]),
            (200, &"*".parse().expect("a value"))
        );
        assert!(!called.headers.contains_key("access-control-allow-credentials"));
    }

    // The runner's Swagger page, opened by the cookie: the address of its description has a ticket, good for this job alone.
    house.deployed(manifest("other", "1.0.0"), &[("main.py", ADDER)]);
    let page = ask("GET", "/1.0.0/docs", &[&cookie, "sec-fetch-dest: document"]);
    let url = page.body.split('\'').find(|part| part.ends_with("/openapi.json")).expect("an address").to_owned();
    assert!(url.starts_with("/pub/job/page/1.0.0~"), "{url}");
    let described = house.send("GET", &url, None, None);
    assert!(described.status == 200 && described.body.contains("/api/v1/perform"), "{}", described.body);
    assert!(!described.body.contains('~'), "the job's description is the same for everybody");
    let elsewhere = url.replace("/job/page/", "/job/other/");
    assert_eq!(house.send("GET", &elsewhere, None, None).status, 401);
    let plain = ask("GET", "/1.0.0/docs", &[&token]);
    assert!(!plain.body.contains("https://"), "nothing comes from elsewhere: {}", plain.body);
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"] {
        let path = format!("/lifecycle/swagger/{file}");
        assert!(plain.body.contains(&path), "{}", plain.body);
        let file = tests::http().get(format!("{}{path}", house.pitlane.url)).send().expect("an answer");
        assert_eq!(
            (file.status().as_u16(), &file.headers()["cache-control"]),
            (200, &"public, max-age=86400".parse().expect("a value"))
        );
    }
    assert!(plain.body.contains("/pub/job/page/1.0.0/openapi.json"), "{}", plain.body);
    house.ok("POST", "/auth/token/user/regenerate", None);
    assert_eq!(house.send("GET", &url, None, None).status, 401, "it is good no longer than the token");
}
