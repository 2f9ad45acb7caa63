//! The pages: one app in the browser for all faces, built from `ui/` into `ui/dist`, which is committed and embedded here.
//!
//! Invariants: `index.html` answers a browser's `GET` of the pages' own paths ([`PAGES`]) and nothing else, and only
//! somebody who is signed in; others are sent to sign in and come back. Files under `/assets/` have a digest in their name
//! and are kept for ever. Without a `ui/dist` there are no pages: the server-rendered home stays.

mod file;
#[cfg(test)]
mod tests;

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing::get};
use file::File;
use identity::Authentication;
use rust_embed::Embed;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Paths of the pages, each with all that lies below it. `/` is one too.
const PAGES: &[&str] = &["/apps", "/jobs", "/n/projects", "/projects", "/audit", "/admin", "/story/show", "/epic/show"];

/// Our own files and nothing else: no script, style, font or address of anybody else, no inline script or style.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; \
    img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Embed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Dist;

static FILES: LazyLock<BTreeMap<String, File>> = LazyLock::new(|| {
    let named =
        |name: std::borrow::Cow<'static, str>| Dist::get(&name).map(|file| (name.to_string(), File::new(&name, file)));
    Dist::iter().filter_map(named).collect()
});

/// `/assets/…`, for anybody: it is the program, not its data.
pub(crate) fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{*path}", get(show_asset))
}

async fn show_asset(request: Request) -> Response {
    match FILES.get(request.uri().path().trim_start_matches('/')) {
        Some(file) => {
            let mut response = file.answer(request.headers());
            let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
            response.headers_mut().insert(CACHE_CONTROL, kept);
            response
        }
        None => crate::pages::not_found(request.uri().path(), request.extensions().get()),
    }
}

/// The app's style sheet, for the pages that are rendered here: fonts, values, the bar. Empty where there is no app.
pub(crate) fn style() -> String {
    let read = |name: &str| Dist::get(name).and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    let index = read("index.html").unwrap_or_default();
    let linked = index.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next());
    linked.filter(|name| name.ends_with(".css")).filter_map(read).collect()
}

/// The answer to a browser's request of a page; none if it is for none, or there are no pages.
pub(crate) fn page(request: &Request) -> Option<Response> {
    if request.method() != Method::GET && request.method() != Method::HEAD || !is_page(request.uri().path()) {
        return None;
    }
    let index = FILES.get("index.html")?;
    let mut response = match request.extensions().get::<Authentication>() {
        Some(Authentication::Caller(_)) => index.answer(request.headers()),
        _ => {
            let here = request.uri().path_and_query().map_or("/", |here| here.as_str());
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
            Redirect::to(&format!("/signin?{query}")).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Asked for each time, because the names of its files change; but not sent again while they do not.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("Accept, Cookie"));
    Some(response)
}

/// Is `path` one of the pages'?
fn is_page(path: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    path == "/" || PAGES.iter().any(|page| path.strip_prefix(page).is_some_and(below))
}
