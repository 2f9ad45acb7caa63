//! HTTP shapes, one file a resource. Every route is declared in [`routes`], which also makes the list that the test
//! walks as every role.

pub mod absent;
pub mod body;
pub mod buildpack;
pub mod caller;
pub mod destination;
pub mod domain;
pub mod error;
pub mod job;
pub mod links;
pub mod organization;
pub mod page;
pub mod quota;
pub mod role;
pub mod root;
pub mod route;
pub mod route_share;
pub mod routes;
pub mod setting;
pub mod show;
pub mod space;
pub mod stack;
pub mod usage;
pub mod user;

use crate::Apps;
use axum::Router;
use routes::Routes;

/// All endpoints of the face with their handlers.
pub fn routes() -> Routes {
    Routes::new().get("/v3/jobs/{guid}", job::get_job)
}

/// The face as a service. Whoever mounts it puts an [`identity::Authentication`] into each request's extensions.
pub fn router(apps: Apps) -> Router {
    routes::finish(routes().into_router(apps))
}
