//! `POST /aggregator`: the answers to several GETs in one.

use crate::ApiError;
use crate::api::call::Call;
use crate::api::reply::Reply;
use crate::api::routes::{Answer, Routes};
use axum::body::Body;
use axum::extract::Request;
use http::{Method, header};
use serde_json::{Map, Value};
use tower::ServiceExt;

/// So many paths at once.
const MOST: usize = 15;
/// One answer may have so many bytes.
const ANSWER: usize = 64 << 20;
const BASE: &str = "/services/v5";

/// The routes.
pub fn routes() -> Routes {
    Routes::new().slow(Method::POST, "/aggregator", |call| Box::pin(aggregate(call)))
}

/// Each path is asked for as the caller; the answers are keyed by the paths as they were given.
async fn aggregate(call: Call) -> Answer {
    call.known()?;
    let given: Vec<String> = serde_json::from_slice(call.body()).map_err(|_| {
        ApiError::invalid("The body must be a JSON array of paths, such as \"/services/v5/projects/1\".")
    })?;
    if given.len() > MOST {
        return Err(ApiError::invalid(format!("At most {MOST} requests can be aggregated.")));
    }
    let router = super::router(call.tracker().clone());
    let mut answers = Map::new();
    for path in given {
        let body = one(&call, router.clone(), &path).await?;
        answers.insert(path, body);
    }
    Ok(Reply::ok(Value::Object(answers)))
}

async fn one(call: &Call, router: axum::Router, path: &str) -> Result<Value, ApiError> {
    let inner = path.strip_prefix(BASE).unwrap_or(path);
    let mut request = match Request::get(inner).body(Body::empty()) {
        Ok(request) if inner.starts_with('/') => request,
        _ => return Ok(ApiError::route_not_found().body()),
    };
    let host = call.base().split_once("://").map_or(call.base(), |(_, host)| host);
    if let Ok(host) = host.parse() {
        request.headers_mut().insert(header::HOST, host);
    }
    if call.base().starts_with("https") {
        request.headers_mut().insert("x-forwarded-proto", http::HeaderValue::from_static("https"));
    }
    match &call.who().token {
        // So that projects without API access stay closed here, too.
        Some(token) => {
            if let Ok(token) = token.parse() {
                request.headers_mut().insert("x-trackertoken", token);
            }
        }
        None => {
            let caller = call.known()?.clone();
            request.extensions_mut().insert(identity::Authentication::Caller(caller));
        }
    }
    let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
    let bytes = axum::body::to_bytes(response.into_body(), ANSWER).await.map_err(ApiError::internal)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
