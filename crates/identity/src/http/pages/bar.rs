//! The bar above the server's own pages: the one that the app draws above its pages, without script.

use crate::{Authentication, Caller};
use askama::Template;

/// The parts of the platform, in the order of the app's bar.
const LINKS: &[(&str, &str)] = &[
    ("/", "Home"),
    ("/projects", "Tracker"),
    ("/apps", "Apps"),
    ("/jobs", "Jobs"),
    ("/audit", "Audit"),
    (ADMINISTRATION, "Administration"),
    ("/env_info", "Health"),
];
const ADMINISTRATION: &str = "/admin/people";

#[derive(Template)]
#[template(path = "bar.html")]
struct Bar<'a> {
    person: Option<&'a Caller>,
    links: Vec<&'a (&'static str, &'static str)>,
    here: &'a str,
    initials: String,
}

/// The bar as HTML, for who asks; `here` is the address of the page.
pub fn bar(authentication: Option<&Authentication>, here: &str) -> String {
    let caller = match authentication {
        Some(Authentication::Caller(caller)) => Some(caller),
        _ => None,
    };
    let may = |address: &str| address != ADMINISTRATION || caller.is_some_and(|caller| caller.admin);
    let links = LINKS.iter().filter(|(address, _)| may(address)).collect();
    let initials =
        caller.map(|caller| caller.name.chars().take(2).collect::<String>().to_uppercase()).unwrap_or_default();
    let bar = Bar { person: caller, links, here, initials };
    bar.render().expect("templates have no failing parts: all values are displayed")
}
