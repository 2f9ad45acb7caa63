//! `GET /`, `GET /v3`, `GET /v3/info`: where everything is. No token needed.

use crate::api::links::Base;
use crate::api::network;
use crate::api::page::Params;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

/// The API version we advertise: the highest whose features are really served (reference, section 1.3).
pub const API_VERSION: &str = "3.211.0";
/// The oldest `cf` that works.
const MINIMUM_CLI: &str = "8.0.0";

const RESOURCES: &[&str] = &[
    "app_usage_events",
    "apps",
    "audit_events",
    "builds",
    "buildpacks",
    "deployments",
    "domains",
    "droplets",
    "environment_variable_groups",
    "feature_flags",
    "info",
    "isolation_segments",
    "organizations",
    "organization_quotas",
    "packages",
    "processes",
    "resource_matches",
    "roles",
    "routes",
    "security_groups",
    "service_brokers",
    "service_credential_bindings",
    "service_instances",
    "service_offerings",
    "service_plans",
    "service_route_bindings",
    "service_usage_events",
    "spaces",
    "space_quotas",
    "stacks",
    "tasks",
    "users",
];

/// `GET /`: the one document by which clients find the rest.
pub(super) async fn get_root(base: Base) -> Json<Value> {
    Json(json!({ "links": {
        "self": base.link(""),
        "cloud_controller_v3": { "href": base.url("/v3"), "meta": { "version": API_VERSION } },
        "login": base.link("/uaa"),
        "uaa": base.link("/uaa"),
        "log_cache": base.link(""),
        "log_stream": base.link(""),
        "routing": base.link(network::ROUTING),
        "network_policy_v1": base.link(network::POLICIES),
    }}))
}

/// `GET /v3`
pub(super) async fn get_v3(base: Base) -> Json<Value> {
    let mut links = Map::new();
    links.insert("self".into(), base.link("/v3"));
    for resource in RESOURCES {
        links.insert((*resource).to_owned(), base.link(&format!("/v3/{resource}")));
    }
    Json(json!({ "links": links }))
}

/// `GET /v3/info`
pub(super) async fn get_info(State(_): State<Apps>, base: Base, params: Params) -> Result<Json<Value>, ApiError> {
    params.only(&[])?;
    Ok(Json(json!({
        "build": env!("CARGO_PKG_VERSION"),
        "cli_version": { "minimum": MINIMUM_CLI, "recommended": MINIMUM_CLI },
        "custom": {},
        "description": "Pitlane: a company's applications, jobs and plans on one self-hosted program",
        "name": "Pitlane",
        "version": 0,
        "osbapi_version": "2.17",
        "rate_limits": { "enabled": false, "general_limit": 0, "reset_interval_in_minutes": 0 },
        "links": { "self": base.link("/v3/info"), "support": { "href": "" } },
    })))
}
