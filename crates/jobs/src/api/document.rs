//! What the API itself says of itself: its schema, and a page that lists it.

use super::{PREFIX, routes};
use axum::Json;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Its name.
const TITLE: &str = "Lifecycle API Server";

/// `GET /lifecycle`.
pub async fn to_page() -> Redirect {
    Redirect::temporary("/lifecycle/")
}

/// `GET /lifecycle/openapi.json`.
pub async fn show_schema() -> Json<Value> {
    let mut paths = Map::new();
    for (method, path) in routes().into_iter().filter(|(_, path)| path.starts_with("/lifecycle")) {
        let names: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters: Vec<Value> = names
            .iter()
            .map(|name| json!({ "name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let mut operation = json!({ "parameters": parameters, "responses": { "200": { "description": "Done" } } });
        if ["POST", "PUT"].contains(&method.as_str()) {
            operation["requestBody"] = json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
        }
        let entry = paths.entry(path.replace("{*", "{")).or_insert_with(|| json!({}));
        entry[method.as_str().to_lowercase()] = operation;
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": TITLE, "version": super::info::VERSION },
        "paths": paths,
        "components": { "securitySchemes": {
            "racetrackAuth": { "type": "apiKey", "in": "header", "name": "X-Racetrack-Auth" }
        } },
        "security": [{ "racetrackAuth": [] }],
    }))
}

/// `GET /lifecycle/`: every call of the API.
pub async fn show_page() -> Response {
    let mut rows = String::new();
    for (method, path) in routes().iter().filter(|(_, path)| path.starts_with(PREFIX)) {
        let _ = write!(rows, "<tr><td>{method}</td><td><code>{path}</code></td></tr>");
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{TITLE}</title><link rel=\"stylesheet\" href=\"/static/pitlane.css\"></head><body><main><h1>{TITLE}</h1>\
         <p>Send a token in the header <code>X-Racetrack-Auth</code>. The schema is at \
         <a href=\"/lifecycle/openapi.json\">/lifecycle/openapi.json</a>.</p>\
         <table><thead><tr><th>Method</th><th>Path</th></tr></thead><tbody>{rows}</tbody></table></main></body></html>"
    );
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
