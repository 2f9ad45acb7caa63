//! What browsers are let do: the API page, and pages of other origins.

use super::house::house;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use identity::PersonState;

#[tokio::test]
async fn every_call_can_be_made_from_the_api_page_after_authorize() {
    let house = house().await;
    let get = |path: &str| Request::get(path.to_owned()).body(Body::empty()).unwrap();
    let answer = house.raw(get("/lifecycle/")).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    let page = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains("<button>Authorize</button>") && page.contains("src=\"/lifecycle/page.js\""), "{page}");
    for (method, path) in jobs::api::routes().iter().filter(|(_, path)| path.starts_with("/lifecycle/api/v1")) {
        let form = format!("<form class=\"call\" data-method=\"{method}\" data-path=\"{path}\">");
        assert!(page.contains(&form), "no form for {method} {path}");
    }
    let script = house.raw(get("/lifecycle/page.js")).await;
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
}

/// With a token of its own, and never by what the browser sends by itself.
#[tokio::test]
async fn a_page_of_another_origin_may_ask_with_a_token() {
    let house = house().await;
    let token = house.token(&house.person("kim", PersonState::Active, true).await).await;
    let ask = |method: Method, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri(path).header("origin", "https://elsewhere.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        house.raw(request.body(Body::empty()).unwrap())
    };
    let text = |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    for path in ["/lifecycle/api/v1/job", "/api/v1/job", "/lifecycle/api/v1/job/adder/1.0.0", "/lifecycle/nope"] {
        let asked = [
            ("access-control-request-method", "DELETE"),
            ("access-control-request-headers", "x-racetrack-auth, content-type"),
        ];
        let answer = ask(Method::OPTIONS, path, &asked).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        let headers = answer.headers();
        assert_eq!(text(headers, "access-control-allow-origin").as_deref(), Some("*"), "{path}");
        assert_eq!(text(headers, "access-control-allow-methods").as_deref(), Some("DELETE"), "{path}");
        let wanted = Some("x-racetrack-auth, content-type");
        assert_eq!(text(headers, "access-control-allow-headers").as_deref(), wanted, "{path}");
        assert_eq!(text(headers, "access-control-allow-credentials"), None, "{path}");
    }
    let answer = ask(Method::GET, "/lifecycle/api/v1/job", &[("x-racetrack-auth", &token)]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(text(answer.headers(), "access-control-allow-origin").as_deref(), Some("*"));
    // A refusal can be read there too.
    let answer = ask(Method::GET, "/lifecycle/api/v1/job", &[]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(answer.headers(), "access-control-allow-origin").as_deref(), Some("*"));
}
