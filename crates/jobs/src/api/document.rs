//! What the API itself says of itself: its schema, and a page that lists it.

use super::{PREFIX, routes};
use axum::Json;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Its name.
const TITLE: &str = "Lifecycle API Server";

/// What the page may load and ask: this host alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

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

/// `GET /lifecycle/`: every call of the API, each with a form that makes it.
pub async fn show_page() -> Response {
    let mut calls = String::new();
    for (method, path) in routes().iter().filter(|(_, path)| path.starts_with(PREFIX)) {
        let _ = write!(
            calls,
            "<details><summary>{method} <code>{path}</code></summary>\
             <form class=\"call\" data-method=\"{method}\" data-path=\"{path}\">"
        );
        for part in path.split('/').filter(|part| part.starts_with('{')) {
            let name = part.trim_matches(['{', '}', '*']);
            let _ = write!(calls, "<label>{name} <input data-part=\"{part}\" required></label>");
        }
        calls.push_str("<label>Query <input name=\"query\" placeholder=\"name=value\"></label>");
        if ["POST", "PUT"].contains(&method.as_str()) {
            calls.push_str("<label>Body, JSON <textarea name=\"body\" rows=\"6\"></textarea></label>");
        }
        calls.push_str("<button>Execute</button><pre><output></output></pre></form></details>");
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{TITLE}</title><link rel=\"stylesheet\" href=\"/static/pitlane.css\">\
         <script src=\"/lifecycle/page.js\" defer></script></head><body><main class=\"page\"><h1>{TITLE}</h1>\
         <form id=\"authorize\"><label for=\"token\">Token (header <code>X-Racetrack-Auth</code>)</label>\
         <input id=\"token\" type=\"password\" autocomplete=\"off\"><button>Authorize</button></form>\
         <p id=\"authorized\" role=\"status\"></p>\
         <p>The schema is at <a href=\"/lifecycle/openapi.json\">/lifecycle/openapi.json</a>.</p>{calls}</main></body></html>"
    );
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// `GET /lifecycle/page.js`: what the page's forms do.
pub async fn show_script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("document/page.js")).into_response()
}
