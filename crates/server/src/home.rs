//! `/` for a browser, and the files of the server's own pages.

use crate::House;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router, routing::get};
use identity::Authentication;

/// The routes.
pub fn routes() -> Router<House> {
    Router::new().route("/static/pitlane.css", get(show_style)).route("/favicon.ico", get(show_icon))
}

/// The home page of `GET /`, for callers that want HTML.
pub async fn show_home(headers: HeaderMap, Extension(authentication): Extension<Authentication>) -> Response {
    let name = match &authentication {
        Authentication::Caller(caller) => Some(caller.name.as_str()),
        _ => None,
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:7080");
    let scheme = headers.get("x-forwarded-proto").and_then(|scheme| scheme.to_str().ok()).unwrap_or("http");
    let url = format!("{scheme}://{host}");
    Html(crate::pages::render(&crate::pages::Home {
        bar: identity::http::bar(Some(&authentication), "/"),
        name,
        url: &url,
    }))
    .into_response()
}

/// The look is the app's; what only these pages have comes after it, and the theme that the person chose in the app last.
async fn show_style(headers: HeaderMap) -> impl IntoResponse {
    let theme = match identity::http::cookie_value(&headers, "theme").as_deref() {
        Some("dark") => "@media not print { :root { color-scheme: dark; } }",
        Some("light") => "@media not print { :root { color-scheme: light; } }",
        _ => "",
    };
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            // Chromium does not keep answers apart by cookies.
            (header::CACHE_CONTROL, "private, no-cache"),
        ],
        [&crate::ui::style(), include_str!("pitlane.css"), theme].concat(),
    )
}

/// Browsers ask for it by this name wherever a page names no other, as the sign-in page.
async fn show_icon() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=86400")],
        include_str!("../../../ui/src/icon.svg"),
    )
}
