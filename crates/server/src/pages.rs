//! The server's own pages, rendered here so that they work without JavaScript.

use crate::health::{Component, Wellness};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use identity::Authentication;
use identity::http::bar;

/// `/env_info` and its components' pages.
#[derive(Template)]
#[template(path = "health.html")]
pub struct Health<'a> {
    /// The bar above it.
    pub bar: String,
    /// What is shown.
    pub components: &'a [Component],
    /// The worst of all.
    pub worst: Wellness,
}

/// `/` for a browser.
#[derive(Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// The bar above it.
    pub bar: String,
    /// Who is signed in.
    pub name: Option<&'a str>,
    /// Address of this platform.
    pub url: &'a str,
}

/// An error a browser sees.
#[derive(Template)]
#[template(path = "error.html")]
pub struct Failure<'a> {
    /// The bar above it.
    pub bar: String,
    /// What happened.
    pub title: &'a str,
    /// What to do.
    pub text: &'a str,
}

/// HTML of a page.
pub fn render(page: &impl Template) -> String {
    page.render().expect("templates have no failing parts: all values are displayed")
}

/// The page for an address at which there is nothing.
pub fn not_found(path: &str, authentication: Option<&Authentication>) -> Response {
    let text = format!("There is nothing at {path}. Check the address, or begin at the home page.");
    let page = Failure { bar: bar(authentication, path), title: "Not found", text: &text };
    (StatusCode::NOT_FOUND, Html(render(&page))).into_response()
}
