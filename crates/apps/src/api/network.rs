//! What two neighbours of the Cloud Controller would say: the routing API (TCP router groups) and the policy server (traffic
//! between containers). Neither exists here; both are answered, because clients that find a link ask.

use super::caller::{Reader, Writer};
use super::page::Params;
use super::routes::Routes;
use crate::ApiError;
use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

/// Where the root document says the routing API is.
pub(super) const ROUTING: &str = "/routing";
/// Where it says the policy server is.
pub(super) const POLICIES: &str = "/networking/v1/external";

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/routing/v1/router_groups", list_router_groups)
        .get("/networking/v1/external/policies", list_policies)
        .post("/networking/v1/external/policies", create_policies)
        .post("/networking/v1/external/policies/delete", delete_policies)
}

/// There is no TCP routing.
async fn list_router_groups(_: Reader, params: Params) -> Result<Json<Value>, ApiError> {
    params.only(&["name"])?;
    Ok(Json(json!([])))
}

/// No instance reaches another but by a route, so there is nothing to list.
async fn list_policies(_: Reader) -> Json<Value> {
    Json(json!({ "total_policies": 0, "policies": [] }))
}

async fn create_policies(_: Writer) -> (StatusCode, Json<Value>) {
    let why = "Network policies are not available here: every instance has a network of its own, and apps reach each other by their routes.";
    (StatusCode::BAD_REQUEST, Json(json!({ "error": why })))
}

/// What is to be removed is not there.
async fn delete_policies(_: Writer) -> Json<Value> {
    Json(json!({}))
}
