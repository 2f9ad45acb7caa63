//! The pages of one's own account: server-rendered, without script.

use super::headers;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// A page that says one thing.
pub(crate) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Message { title, text })
}

/// Renders a page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => headers::secure((status, Html(html)).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            headers::secure((StatusCode::INTERNAL_SERVER_ERROR, "This page could not be rendered.").into_response())
        }
    }
}

/// The routes of the pages and of the JSON API of the caller's own account, for the root.
pub fn pages(identity: crate::Identity) -> axum::Router {
    axum::Router::new().with_state(identity)
}
