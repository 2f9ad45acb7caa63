//! The server's own pages, rendered here so that they work without JavaScript.

use crate::health::{Component, Wellness};
use askama::Template;

/// `/env_info` and its components' pages.
#[derive(Template)]
#[template(path = "health.html")]
pub struct Health<'a> {
    /// What is shown.
    pub components: &'a [Component],
    /// The worst of all.
    pub worst: Wellness,
}

/// `/` for a browser.
#[derive(Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// Who is signed in.
    pub name: Option<&'a str>,
    /// Address of this platform.
    pub url: &'a str,
}

/// An error a browser sees.
#[derive(Template)]
#[template(path = "error.html")]
pub struct Failure<'a> {
    /// What happened.
    pub title: &'a str,
    /// What to do.
    pub text: &'a str,
}

/// HTML of a page.
pub fn render(page: &impl Template) -> String {
    page.render().expect("templates have no failing parts: all values are displayed")
}
