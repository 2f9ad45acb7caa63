//! Addresses that people know from the guides and from their bookmarks, and the pages that do today what was done there
//! (references: Tracker 15.1, Racetrack 13.3 and 16.2). Only where there is such a page.

use axum::response::Redirect;
use axum::{Router, routing::get};

/// Where each leads, whatever its query. A `{*rest}` takes every longer path.
const KNOWN: &[(&str, &str)] = &[
    ("/account", "/account/sessions"),
    ("/profile", "/account/sessions"),
    ("/dashboard", "/projects"),
    ("/dashboard/ui", "/jobs"),
    ("/dashboard/ui/", "/jobs"),
    ("/dashboard/ui/jobs", "/jobs"),
    ("/dashboard/ui/deployments", "/jobs"),
    ("/dashboard/ui/deployments/{id}", "/jobs"),
    ("/dashboard/ui/activity", "/audit"),
    ("/dashboard/ui/profile", "/account/sessions"),
    ("/dashboard/ui/administration", "/admin/people"),
    ("/dashboard/ui/login", "/signin"),
    ("/lifecycle/admin", "/admin/people"),
    ("/lifecycle/admin/", "/admin/people"),
    ("/lifecycle/admin/auth/user/", "/admin/people"),
    ("/lifecycle/admin/auth/user/{*rest}", "/admin/people"),
    ("/lifecycle/admin/registry/job/", "/jobs"),
    ("/lifecycle/admin/registry/job/{*rest}", "/jobs"),
    ("/lifecycle/admin/registry/jobfamily/", "/jobs"),
    ("/lifecycle/admin/registry/deployment/", "/jobs"),
    ("/lifecycle/admin/registry/deployment/{*rest}", "/jobs"),
    ("/lifecycle/admin/registry/auditlogevent/", "/audit"),
    ("/lifecycle/admin/registry/authtoken/", "/admin/tokens"),
    ("/lifecycle/admin/registry/authtoken/{*rest}", "/admin/tokens"),
];

/// The routes. Each redirect is temporary: a page of its own may come.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    KNOWN.iter().fold(Router::new(), |router, &(path, page)| router.route(path, get(async move || Redirect::to(page))))
}
