//! HTTP shapes, one file a resource. Every route is declared in [`routes`], which also makes the list that the test walks
//! as every role.

pub mod account;
pub mod activity;
pub mod aggregator;
pub mod authenticate;
pub mod blocker;
pub mod board;
pub mod call;
pub mod comment;
pub mod epic;
pub mod follower;
pub mod history;
pub mod iteration;
pub mod label;
pub mod me;
pub mod membership;
pub mod params;
pub mod project;
pub mod release;
pub mod reply;
pub mod review;
pub mod routes;
pub mod search;
pub mod source_commit;
pub mod story;
pub mod task;
pub mod transition;
pub mod view;
pub mod workspace;

use crate::Tracker;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request};
use axum::response::Redirect;
use axum::routing::get;
use http::Uri;
use routes::Routes;
use tower::ServiceExt;

/// All endpoints, below `/services/v5`.
pub fn routes() -> Routes {
    Routes::new()
        .merge(me::routes())
        .merge(account::routes())
        .merge(workspace::routes())
        .merge(project::routes())
        .merge(membership::routes())
        .merge(label::routes())
        .merge(story::routes())
        .merge(task::routes())
        .merge(comment::routes())
        .merge(blocker::routes())
        .merge(review::routes())
        .merge(follower::routes())
        .merge(epic::routes())
        .merge(iteration::routes())
        .merge(release::routes())
        .merge(transition::routes())
        .merge(history::routes())
        .merge(activity::routes())
        .merge(board::routes())
        .merge(aggregator::routes())
        .merge(source_commit::routes())
}

/// The API as a service, to be mounted at `/services/v5`.
pub fn router(tracker: Tracker) -> Router {
    let inner = routes().into_router(tracker).layer(DefaultBodyLimit::disable());
    // Rewriting the path has to come before routing, so the router hangs below one that knows no path.
    Router::new()
        .fallback_service(tower::service_fn(move |request: Request| inner.clone().oneshot(without_slash(request))))
}

/// Addresses that stand in mails and commit messages: they lead into the project's page.
pub fn links(tracker: Tracker) -> Router {
    Router::new()
        .route("/story/show/{id}", get(story::show_story))
        .route("/epic/show/{id}", get(story::show_epic))
        .with_state(tracker)
}

/// Into the page of a project.
fn into_project(project: i64, what: &str, id: i64) -> Redirect {
    Redirect::to(&format!("/n/projects/{project}/{what}/{id}"))
}

/// A number at the end of such an address.
type Shown = Path<i64>;

/// `/projects/` is `/projects`.
fn without_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("/{}{query}", path.trim_matches('/'));
        if let Ok(path_and_query) = path.parse() {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path_and_query);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}
