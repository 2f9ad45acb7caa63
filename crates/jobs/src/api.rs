//! The Lifecycle API (reference, section 10): below `/lifecycle/api/v1`, and equally below `/api/v1` where the platform's
//! other APIs leave room (`/api/v1/info`, `meta` and `read` are log-cache's).

pub mod access;
pub mod async_call;
pub mod audit;
pub mod authorize;
pub mod body;
pub mod caller;
pub mod changes;
pub mod consumer;
pub mod cors;
pub mod deployment;
pub mod document;
pub mod graph;
pub mod health;
pub mod info;
pub mod job;
pub mod log;
pub mod manifest;
pub mod metrics;
pub mod params;
pub mod permission;
pub mod plugin;
pub mod portfolio;
pub mod public_endpoint;
pub mod setting;
pub mod show;
pub mod socket_io;
pub mod swagger;
pub mod token;
pub mod user;

use crate::Jobs;
use axum::Json;
use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, any, on};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use tower::ServiceExt;

/// Where the API is.
pub const PREFIX: &str = "/lifecycle/api/v1";
/// Where it is too.
pub const BARE: &str = "/api/v1";
/// What belongs to log-cache there.
const NOT_BARE: [&str; 1] = ["/info"];

/// Routes under construction, which knows them for the test that walks every route.
struct Routes {
    router: Router<Jobs>,
    listed: Vec<(Method, String)>,
}

impl Routes {
    /// At this very path.
    fn at<H: Handler<T, Jobs>, T: 'static>(mut self, method: Method, path: &str, handler: H) -> Self {
        let filter = MethodFilter::try_from(method.clone()).expect("only HTTP's own methods are added");
        self.router = self.router.route(path, on(filter, handler));
        self.listed.push((method, path.to_owned()));
        self
    }

    /// Below `/pub`, and without it.
    fn pub_at<H: Handler<T, Jobs>, T: 'static>(self, method: Method, path: &str, handler: H) -> Self {
        self.at(method.clone(), &format!("/pub{path}"), handler.clone()).at(method, path, handler)
    }

    /// Below both prefixes.
    fn add<H: Handler<T, Jobs>, T: 'static>(self, method: Method, path: &str, handler: H) -> Self {
        let routes = self.at(method.clone(), &format!("{PREFIX}{path}"), handler.clone());
        match NOT_BARE.contains(&path) {
            true => routes,
            false => routes.at(method, &format!("{BARE}{path}"), handler),
        }
    }
}

fn all() -> Routes {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let job = "/job/{name}/{version}";
    Routes { router: Router::new(), listed: Vec::new() }
        .at(get.clone(), "/lifecycle", document::to_page)
        .at(get.clone(), "/lifecycle/", document::show_page)
        .at(get.clone(), "/lifecycle/page.js", document::show_script)
        .at(get.clone(), "/lifecycle/swagger/{file}", swagger::show_file)
        .at(get.clone(), "/lifecycle/openapi.json", document::show_schema)
        .at(get.clone(), "/lifecycle/live", health::live)
        .at(get.clone(), "/lifecycle/ready", health::ready)
        .at(get.clone(), "/lifecycle/health", health::health)
        .at(get.clone(), "/lifecycle/metrics", metrics::of_lifecycle)
        .at(get.clone(), "/lifecycle/metrics/", metrics::of_lifecycle)
        .at(get.clone(), "/lifecycle/websocket/events", changes::listen)
        .at(get.clone(), "/lifecycle/socket.io/", socket_io::poll)
        .at(post.clone(), "/lifecycle/socket.io/", socket_io::post)
        .pub_at(get.clone(), "/async/new/job/{name}/{version}", async_call::begin)
        .pub_at(post.clone(), "/async/new/job/{name}/{version}", async_call::begin)
        .pub_at(get.clone(), "/async/new/job/{name}/{version}/{*path}", async_call::begin)
        .pub_at(post.clone(), "/async/new/job/{name}/{version}/{*path}", async_call::begin)
        .pub_at(get.clone(), "/async/task/{id}/poll", async_call::poll)
        .pub_at(get.clone(), "/async/task/{id}/status", async_call::status)
        .at(get.clone(), "/pub/live", health::pub_live)
        .at(get.clone(), "/pub/ready", health::pub_ready)
        .at(get.clone(), "/pub/health", health::pub_health)
        .at(get.clone(), "/pub/metrics", metrics::of_gateway)
        .add(get.clone(), "/info", info::show_info)
        .add(post.clone(), "/users/login", user::login)
        .add(get.clone(), "/users/logout", user::logout)
        .add(post.clone(), "/users/register", user::register)
        .add(get.clone(), "/users/validate_user_auth", user::validate)
        .add(put.clone(), "/users/change_password", user::change_password)
        .add(post.clone(), "/auth/token/user/regenerate", token::regenerate_own)
        .add(post.clone(), "/auth/token/page", token::make_for_page)
        .add(post.clone(), "/auth/token/user/all/regenerate", token::regenerate_users)
        .add(post.clone(), "/auth/token/job_family/regenerate", token::regenerate_families)
        .add(post.clone(), "/auth/token/esc/regenerate", token::regenerate_consumers)
        .add(get.clone(), "/auth/token/esc/{id}", token::make_for_consumer)
        .add(get.clone(), "/job", job::list_jobs)
        .add(get.clone(), "/job_family", job::list_families)
        .add(get.clone(), "/job/graph", graph::show_graph)
        .add(get.clone(), "/job/portfolio", portfolio::show_portfolio)
        .add(post.clone(), "/job/all/reconcile", job::reconcile)
        .add(get.clone(), job, job::show_job)
        .add(delete.clone(), job, job::delete_job)
        .add(post.clone(), &format!("{job}/redeploy"), deployment::redeploy)
        .add(post.clone(), &format!("{job}/reprovision"), deployment::reprovision)
        .add(post.clone(), &format!("{job}/move"), deployment::move_job)
        .add(put.clone(), &format!("{job}/manifest"), manifest::edit_manifest)
        .add(get.clone(), &format!("{job}/logs"), log::show_logs)
        .add(get.clone(), &format!("{job}/logs/plain"), log::show_plain_logs)
        .add(get.clone(), &format!("{job}/logs/stream"), log::stream_logs)
        .add(get.clone(), &format!("{job}/build-logs"), log::show_build_logs)
        .add(get.clone(), &format!("{job}/build-logs/plain"), log::show_plain_build_logs)
        .add(get.clone(), &format!("{job}/public-endpoints"), public_endpoint::list_open)
        .add(get.clone(), &format!("{job}/public-endpoints/requests"), public_endpoint::list_requests)
        .add(put.clone(), &format!("{job}/public-endpoints/requests/{{id}}"), public_endpoint::decide)
        .add(get.clone(), &format!("{job}/callers"), permission::list_callers)
        .add(get.clone(), &format!("{job}/traffic"), job::show_traffic)
        .add(post.clone(), "/deploy", deployment::deploy)
        .add(get.clone(), "/deploy", deployment::list_deployments)
        .add(get.clone(), "/deploy/{id}", deployment::show_deployment)
        .add(put.clone(), "/deploy/{id}/phase", deployment::set_phase)
        .add(put.clone(), "/deploy/{id}/warnings", deployment::set_warnings)
        .add(get.clone(), "/deploy/{id}/build-logs", log::show_deployment_logs)
        .add(get.clone(), "/deploy/{id}/build-logs/stream", log::stream_build_logs)
        .add(post.clone(), "/build", deployment::build)
        .add(get.clone(), "/auth/allowed/job/{name}/{version}/scope/{scope}", authorize::may_do)
        .add(
            get.clone(),
            "/auth/allowed/job_endpoint/{name}/{version}/scope/{scope}/endpoint/{*path}",
            authorize::may_do_at,
        )
        .add(get.clone(), "/auth/can-call-job/{name}/{version}/{*path}", authorize::can_call)
        .add(post.clone(), "/auth/allow/esc/{id}/job/{family}/scope/{scope}", permission::allow_consumer)
        .add(post.clone(), "/auth/allow/job_family/{source}/job/{target}/scope/{scope}", permission::allow_family)
        .add(get.clone(), "/permission", permission::list_permissions)
        .add(post.clone(), "/permission", permission::add_permission)
        .add(delete.clone(), "/permission/{id}", permission::remove_permission)
        .add(get.clone(), "/escs", consumer::list_consumers)
        .add(post.clone(), "/escs", consumer::create_consumer)
        .add(delete.clone(), "/escs/{id}", consumer::delete_consumer)
        .add(get.clone(), "/escs/{id}/auth_data", consumer::show_auth_data)
        .add(post.clone(), "/escs/{id}/auth_token", consumer::make_token)
        .add(delete.clone(), "/escs/{id}/auth_token/{token}", consumer::revoke_token)
        .add(get.clone(), "/plugin", plugin::list_plugins)
        .add(get.clone(), "/plugin/tree", plugin::show_tree)
        .add(get.clone(), "/plugin/job_type/versions", plugin::list_job_types)
        .add(get.clone(), "/plugin/infrastructure_targets", plugin::list_targets)
        .add(post.clone(), "/plugin/upload", plugin::upload)
        .add(post.clone(), "/plugin/upload/{filename}", plugin::upload_file)
        .add(delete.clone(), "/plugin/all", plugin::uninstall_all)
        .add(delete.clone(), "/plugin/{name}/{version}", plugin::uninstall)
        .add(get.clone(), "/plugin/{name}/{version}/config", plugin::configure)
        .add(put.clone(), "/plugin/{name}/{version}/config", plugin::configure)
        .add(get.clone(), "/plugin/{name}/{version}/download", plugin::download)
        .add(get.clone(), "/plugin/{name}/docs", plugin::show_docs)
        .add(post.clone(), "/plugin/{name}/run", plugin::run)
        .add(get.clone(), "/audit/activity", audit::show_activity)
        .add(get.clone(), "/audit/events", audit::list_events)
        .add(get.clone(), "/audit/events/job/{name}", audit::list_events_of_family)
        .add(get.clone(), "/audit/events/job/{name}/{version}", audit::list_events_of_job)
        .add(get.clone(), "/audit/user_events", audit::list_own_events)
        .add(get.clone(), "/audit/user_events/job/{name}", audit::list_own_events_of_family)
        .add(get.clone(), "/audit/user_events/job/{name}/{version}", audit::list_own_events_of_job)
        .add(get.clone(), "/setting", setting::list_settings)
        .add(get, "/setting/{name}", setting::show_setting)
        .add(put, "/setting/{name}", setting::change_setting)
}

/// The whole surface of the face. Paths below `/lifecycle` that are none are answered here; others are left to the caller.
pub fn router(jobs: Jobs) -> Router {
    let all = all().router.route("/lifecycle/{*path}", any(unknown));
    // What is no call of a job comes here from the gateway too; programs that call jobs know these words.
    let all = ["/pub", "/pub/", "/pub/{*path}"].into_iter().fold(all, |all, path| all.route(path, any(no_page)));
    let counted = middleware::from_fn_with_state(jobs.clone(), metrics::count);
    let all = all
        .method_not_allowed_fallback(not_allowed)
        .layer(counted)
        .layer(middleware::from_fn(cors::allow))
        .with_state(jobs);
    let same = all.clone();
    let supervisor = any(move |request: Request| {
        let same = same.clone();
        async move { same.oneshot(as_lifecycle(request)).await }
    });
    let paths = ["/lifecycle-supervisor", "/lifecycle-supervisor/", "/lifecycle-supervisor/{*path}"];
    paths.into_iter().fold(all, |all, path| all.route(path, supervisor.clone()))
}

/// The supervisor of other installations serves the same API under a name of its own.
fn as_lifecycle(mut request: Request) -> Request {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let path = path.replacen("/lifecycle-supervisor", "/lifecycle", 1);
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// Every route, for the test that walks them.
pub fn routes() -> Vec<(Method, String)> {
    all().listed
}

async fn unknown(_: Request) -> Response {
    (StatusCode::NOT_FOUND, Json(serde_json::json!({ "detail": "Not Found" }))).into_response()
}

async fn no_page(_: Request) -> Response {
    (StatusCode::NOT_FOUND, "404 page not found").into_response()
}

async fn not_allowed(_: Request) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, Json(serde_json::json!({ "detail": "Method Not Allowed" }))).into_response()
}
