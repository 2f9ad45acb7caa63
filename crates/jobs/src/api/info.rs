//! What the platform is, for clients before they log in.

use crate::Jobs;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use serde_json::{Value, json};
use std::convert::Infallible;

/// The product's version, as clients read it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where dashboards of figures usually are; there are none of ours.
const GRAFANA: &str = "http://127.0.0.1:3000";

/// Scheme and host by which the client reached us, without a slash at the end.
pub struct Base(pub String);

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(identity::http::base_url(parts)))
    }
}

/// `GET /info`.
pub async fn show_info(State(_): State<Jobs>, Base(base): Base) -> Json<Value> {
    Json(json!({
        "service": "lifecycle",
        "git_version": VERSION,
        "docker_tag": VERSION,
        "auth_required": true,
        "external_pub_url": format!("{base}/pub"),
        "lifecycle_url": format!("{base}/lifecycle"),
        "grafana_url": GRAFANA,
    }))
}
