//! The HTTP surface that the outside sees, one layer a concern.

use crate::{House, health, home, known, ui, wants_html};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use identity::Authentication;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

/// The faces' own routers.
pub(crate) struct Faces {
    pub(crate) apps: Router,
    pub(crate) jobs: Router,
    pub(crate) operations: Router,
    pub(crate) tracker: tracker::Tracker,
}

/// Everything but applications: pages, UAA, and the faces' APIs.
pub(crate) fn surface(house: House, faces: Faces) -> Router {
    let pages = Router::new()
        .merge(health::routes())
        .merge(home::routes())
        .merge(ui::assets())
        .merge(known::routes())
        .with_state(house.clone());
    Router::new()
        .merge(pages)
        .merge(faces.jobs)
        .merge(identity::http::pages(house.identity.clone()))
        .nest("/uaa", identity::http::uaa(house.identity.clone()))
        .merge(faces.operations)
        .nest_service("/services/v5", tracker::router(faces.tracker.clone()))
        .merge(tracker::links(faces.tracker))
        // The Cloud Foundry face answers the rest, unknown paths included, in its own JSON.
        .fallback_service(faces.apps)
        .layer(middleware::from_fn(pages_for_browsers))
        // Who is asking; each face answers the bad cases in its own shape.
        .layer(middleware::from_fn_with_state(house.identity.clone(), identity::http::authenticate))
        // As it came, so that the owner judges it.
        .layer(middleware::from_fn_with_state(house.clone(), crate::pass_on::pass_on))
        // The router made the request id; the answer carries it back in Cloud Foundry's header.
        .layer(middleware::from_fn(name_request))
        // A bug in one handler is one answer of 500, not a dead process.
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(house, guard))
        .layer(middleware::from_fn(crate::leftover::take_in))
}

/// First paths of the programs' own addresses: a browser that comes there sees what a program sees.
const APIS: &[&str] = &["v2", "v3", "api", "uaa", "services", "lifecycle", "pub"];

/// What browsers see where programs see JSON: the pages, the home page, and a page for addresses at which there is nothing.
async fn pages_for_browsers(request: Request, next: Next) -> Response {
    if !wants_html(request.headers()) {
        return next.run(request).await;
    }
    if let Some(page) = ui::page(&request) {
        return page;
    }
    let path = request.uri().path().to_owned();
    let asking = request.extensions().get::<Authentication>().cloned();
    if request.method() == Method::GET && path == "/" {
        return axum::routing::get(home::show_home).oneshot(request).await.into_response();
    }
    let response = next.run(request).await;
    let first = path.split('/').nth(1).unwrap_or_default();
    let json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    if response.status() == StatusCode::NOT_FOUND
        && response.headers().get(header::CONTENT_TYPE).is_none_or(json)
        && !APIS.contains(&first)
    {
        return crate::pages::not_found(&path, asking.as_ref());
    }
    response
}

async fn name_request(request: Request, next: Next) -> Response {
    let id = request.headers().get("x-vcap-request-id").cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().entry("x-vcap-request-id").or_insert(id);
    }
    response
}

/// Headers that every answer of the platform itself carries.
async fn guard(State(_): State<House>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text =
        panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.unwrap_or_default(), "a handler panicked");
    let body = r#"{"errors":[{"code":10001,"title":"UnknownError","detail":"An unknown error occurred."}]}"#;
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}
