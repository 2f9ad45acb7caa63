//! HTTP shapes, one file a resource. Every route is declared in [`routes`], which also makes the list that the test
//! walks as every role.

pub mod absent;
pub mod app;
pub mod audit_event;
pub mod body;
pub mod build;
pub mod buildpack;
pub mod caller;
pub mod deployment;
pub mod destination;
pub mod domain;
pub mod droplet;
pub mod error;
pub mod job;
mod ledger_page;
pub mod links;
pub mod log_cache;
pub mod log_stream;
pub mod manifest;
mod network;
pub mod organization;
pub mod package;
pub mod page;
pub mod process;
pub mod quota;
pub mod revision;
pub mod role;
pub mod root;
pub mod route;
pub mod route_share;
pub mod routes;
pub mod setting;
pub mod show;
pub mod sidecar;
pub mod space;
pub mod stack;
pub mod task;
pub mod usage;
pub mod usage_event;
pub mod user;
mod warning;

use crate::Apps;
use axum::Router;
use routes::Routes;

/// All endpoints of the face with their handlers.
pub fn routes() -> Routes {
    places(documents(Routes::new()))
        .merge(routing())
        .merge(settings())
        .merge(nothing())
        .merge(app::routes())
        .merge(process::routes())
        .merge(package::routes())
        .merge(build::routes())
        .merge(droplet::routes())
        .merge(task::routes())
        .merge(manifest::routes())
        .merge(deployment::routes())
        .merge(sidecar::routes())
        .merge(revision::routes())
        .merge(usage_event::routes())
        .merge(network::routes())
}

/// The face as a service. Whoever mounts it puts an [`identity::Authentication`] into each request's extensions.
pub fn router(apps: Apps) -> Router {
    routes::finish(routes().into_router(apps))
}

fn documents(routes: Routes) -> Routes {
    routes
        .get("/", root::get_root)
        .get("/v3", root::get_v3)
        .get("/v3/info", root::get_info)
        .get("/v3/info/usage_summary", usage::get_platform_usage)
        .get("/v3/jobs/{guid}", job::get_job)
        .get("/v3/audit_events", audit_event::list_audit_events)
        .get("/v3/audit_events/{guid}", audit_event::get_audit_event)
        .post("/v3/resource_matches", usage::match_resources)
        .get("/api/v1/info", log_cache::get_info)
        .get("/api/v1/meta", log_cache::get_meta)
        .get("/api/v1/read/{source}", log_cache::read)
        .get("/v2/read", log_stream::read_stream)
}

fn places(routes: Routes) -> Routes {
    const ORGANIZATION: &str = "/v3/organizations/{guid}";
    const ORGANIZATION_SEGMENT: &str = "/v3/organizations/{guid}/relationships/default_isolation_segment";
    const SPACE: &str = "/v3/spaces/{guid}";
    const SPACE_SEGMENT: &str = "/v3/spaces/{guid}/relationships/isolation_segment";
    routes
        .get("/v3/organizations", organization::list_organizations)
        .post("/v3/organizations", organization::create_organization)
        .get(ORGANIZATION, organization::get_organization)
        .patch(ORGANIZATION, organization::update_organization)
        .delete(ORGANIZATION, organization::delete_organization)
        .get("/v3/organizations/{guid}/domains", domain::list_organization_domains)
        .get("/v3/organizations/{guid}/domains/default", domain::get_default_domain)
        .get("/v3/organizations/{guid}/users", user::list_organization_users)
        .get("/v3/organizations/{guid}/usage_summary", usage::get_organization_usage)
        .get(ORGANIZATION_SEGMENT, organization::get_default_isolation_segment)
        .patch(ORGANIZATION_SEGMENT, organization::set_default_isolation_segment)
        .get("/v3/spaces", space::list_spaces)
        .post("/v3/spaces", space::create_space)
        .get(SPACE, space::get_space)
        .patch(SPACE, space::update_space)
        .delete(SPACE, space::delete_space)
        .get("/v3/spaces/{guid}/features", space::list_features)
        .get("/v3/spaces/{guid}/features/{name}", space::get_feature)
        .patch("/v3/spaces/{guid}/features/{name}", space::update_feature)
        .get("/v3/spaces/{guid}/users", user::list_space_users)
        .get("/v3/spaces/{guid}/usage_summary", usage::get_space_usage)
        .get("/v3/spaces/{guid}/running_security_groups", absent::list_space_security_groups)
        .get("/v3/spaces/{guid}/staging_security_groups", absent::list_space_security_groups)
        .get(SPACE_SEGMENT, space::get_isolation_segment)
        .patch(SPACE_SEGMENT, space::set_isolation_segment)
        .delete("/v3/spaces/{guid}/routes", route::delete_unmapped_routes)
        .get("/v3/roles", role::list_roles)
        .post("/v3/roles", role::create_role)
        .get("/v3/roles/{guid}", role::get_role)
        .delete("/v3/roles/{guid}", role::delete_role)
        .get("/v3/users", user::list_users)
        .post("/v3/users", user::create_user)
        .get("/v3/users/{guid}", user::get_user)
        .patch("/v3/users/{guid}", user::update_user)
        .delete("/v3/users/{guid}", user::delete_user)
}

fn routing() -> Routes {
    const DOMAIN: &str = "/v3/domains/{guid}";
    const DOMAIN_SHARES: &str = "/v3/domains/{guid}/relationships/shared_organizations";
    const ROUTE: &str = "/v3/routes/{guid}";
    const DESTINATIONS: &str = "/v3/routes/{guid}/destinations";
    const DESTINATION: &str = "/v3/routes/{guid}/destinations/{destination}";
    const ROUTE_SHARES: &str = "/v3/routes/{guid}/relationships/shared_spaces";
    Routes::new()
        .get("/v3/domains", domain::list_domains)
        .post("/v3/domains", domain::create_domain)
        .get(DOMAIN, domain::get_domain)
        .patch(DOMAIN, domain::update_domain)
        .delete(DOMAIN, domain::delete_domain)
        .get("/v3/domains/{guid}/route_reservations", domain::get_route_reservations)
        .get(DOMAIN_SHARES, domain::list_shared_organizations)
        .post(DOMAIN_SHARES, domain::share_domain)
        .delete("/v3/domains/{guid}/relationships/shared_organizations/{organization}", domain::unshare_domain)
        .get("/v3/routes", route::list_routes)
        .post("/v3/routes", route::create_route)
        .get(ROUTE, route::get_route)
        .patch(ROUTE, route::update_route)
        .delete(ROUTE, route::delete_route)
        .get(DESTINATIONS, destination::list_destinations)
        .post(DESTINATIONS, destination::add_destinations)
        .patch(DESTINATIONS, destination::replace_destinations)
        .patch(DESTINATION, destination::update_destination)
        .delete(DESTINATION, destination::remove_destination)
        .get(ROUTE_SHARES, route_share::list_shared_spaces)
        .post(ROUTE_SHARES, route_share::share_route)
        .delete("/v3/routes/{guid}/relationships/shared_spaces/{space}", route_share::unshare_route)
        .patch("/v3/routes/{guid}/relationships/space", route_share::transfer_route)
        .get("/v3/apps/{guid}/routes", route::list_app_routes)
}

fn settings() -> Routes {
    const BUILDPACK: &str = "/v3/buildpacks/{guid}";
    const GROUP: &str = "/v3/environment_variable_groups/{name}";
    let mut routes = Routes::new()
        .get("/v3/feature_flags", setting::list_feature_flags)
        .get("/v3/feature_flags/{name}", setting::get_feature_flag)
        .patch("/v3/feature_flags/{name}", setting::update_feature_flag)
        .get(GROUP, setting::get_environment_group)
        .patch(GROUP, setting::update_environment_group)
        .get("/v3/stacks", stack::list_stacks)
        .post("/v3/stacks", stack::create_stack)
        .get("/v3/stacks/{guid}", stack::get_stack)
        .patch("/v3/stacks/{guid}", stack::update_stack)
        .delete("/v3/stacks/{guid}", stack::delete_stack)
        .get("/v3/stacks/{guid}/apps", app::list_stack_apps)
        .get("/v3/buildpacks", buildpack::list_buildpacks)
        .post("/v3/buildpacks", buildpack::create_buildpack)
        .get(BUILDPACK, buildpack::get_buildpack)
        .patch(BUILDPACK, buildpack::update_buildpack)
        .delete(BUILDPACK, buildpack::delete_buildpack)
        .post("/v3/buildpacks/{guid}/upload", buildpack::upload_buildpack)
        .post("/v3/organization_quotas/{guid}/relationships/organizations", quota::apply_quota)
        .post("/v3/space_quotas/{guid}/relationships/spaces", quota::apply_quota)
        .delete("/v3/space_quotas/{guid}/relationships/spaces/{space}", quota::remove_quota);
    for (all, one) in
        [("/v3/organization_quotas", "/v3/organization_quotas/{guid}"), ("/v3/space_quotas", "/v3/space_quotas/{guid}")]
    {
        routes = routes
            .get(all, quota::list_quotas)
            .post(all, quota::create_quota)
            .get(one, quota::get_quota)
            .patch(one, quota::update_quota)
            .delete(one, quota::delete_quota);
    }
    routes
}

/// Resources of which there are none (`api/absent.rs`).
fn nothing() -> Routes {
    let mut routes = Routes::new();
    for (all, one) in [
        ("/v3/security_groups", "/v3/security_groups/{guid}"),
        ("/v3/isolation_segments", "/v3/isolation_segments/{guid}"),
        ("/v3/service_brokers", "/v3/service_brokers/{guid}"),
        ("/v3/service_instances", "/v3/service_instances/{guid}"),
        ("/v3/service_credential_bindings", "/v3/service_credential_bindings/{guid}"),
        ("/v3/service_route_bindings", "/v3/service_route_bindings/{guid}"),
    ] {
        routes = routes.get(all, absent::list_none).post(all, absent::create_none).get(one, absent::get_none);
        routes = routes.patch(one, absent::change_none).delete(one, absent::change_none);
    }
    for (all, one) in
        [("/v3/service_offerings", "/v3/service_offerings/{guid}"), ("/v3/service_plans", "/v3/service_plans/{guid}")]
    {
        routes = routes.get(all, absent::list_none).get(one, absent::get_none);
        routes = routes.patch(one, absent::change_none).delete(one, absent::change_none);
    }
    routes.get("/v3/service_usage_events", absent::list_none).get("/v3/service_usage_events/{guid}", absent::get_none)
}
