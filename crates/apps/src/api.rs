//! HTTP shapes, one file a resource. Every route is declared in [`routes`], which also makes the list that the test
//! walks as every role.

pub mod absent;
pub mod app;
pub mod body;
pub mod build;
pub mod buildpack;
pub mod caller;
pub mod destination;
pub mod domain;
pub mod droplet;
pub mod error;
pub mod job;
pub mod links;
pub mod organization;
pub mod package;
pub mod page;
pub mod process;
pub mod quota;
pub mod root;
pub mod route;
pub mod route_share;
pub mod routes;
pub mod setting;
pub mod show;
pub mod space;
pub mod stack;
pub mod task;
pub mod usage;

use crate::Apps;
use axum::Router;
use routes::Routes;

/// All endpoints of the face with their handlers.
pub fn routes() -> Routes {
    Routes::new()
        .get("/v3/jobs/{guid}", job::get_job)
        .merge(app::routes())
        .merge(process::routes())
        .merge(package::routes())
        .merge(build::routes())
        .merge(droplet::routes())
        .merge(task::routes())
}

/// The face as a service. Whoever mounts it puts an [`identity::Authentication`] into each request's extensions.
pub fn router(apps: Apps) -> Router {
    routes::finish(routes().into_router(apps))
}
