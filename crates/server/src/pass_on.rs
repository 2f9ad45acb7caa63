//! On a server that does not run the applications: what only their owner knows — instances, logs, all of jobs — is asked of
//! the owner, with the caller's own credentials, and its answer passed on as it comes.
//!
//! Invariants: nothing is made up here. Where the owner cannot be reached the answer is 503 and says so; it is never a count
//! of none. Negative: no request goes further than one server (`HOP`), and none anywhere but to the owner's address in
//! the database.

use crate::{House, presence};
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::time::Duration;

/// On a request that has been passed on once.
const HOP: &str = "x-pitlane-passed-on";
const CONNECT: Duration = Duration::from_secs(5);

/// The layer.
pub(crate) async fn pass_on(State(house): State<House>, request: Request, next: Next) -> Response {
    let Some(elsewhere) = house.elsewhere.as_ref().filter(|_| is_the_owners(request.uri())) else {
        return next.run(request).await;
    };
    let jobs = is_of_jobs(request.uri().path());
    let answer = match presence::url_of(&house.db, &elsewhere.owner).await {
        _ if request.headers().contains_key(HOP) => Err("it came from the server that should run them".to_owned()),
        Ok(Some(url)) => ask(&url, request).await.map_err(|error| format!("{url} does not answer ({error})")),
        Ok(None) => Err("it does not run".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    answer.unwrap_or_else(|why| refusal(jobs, &why))
}

/// Does the answer depend on what only the owner has?
fn is_the_owners(uri: &Uri) -> bool {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let instances = ["/stats", "/process_instances", "/traffic"].iter().any(|end| path.ends_with(end))
        || path.contains("/instances/")
        || path.ends_with("/actions/clear_buildpack_cache");
    is_of_jobs(path)
        || is_log_cache(path)
        || path.starts_with("/v3/") && (instances || query.contains("process_instances"))
}

fn is_of_jobs(path: &str) -> bool {
    let bare = path.starts_with("/api/v1/") && path != "/api/v1/info" && !is_log_cache(path);
    bare || ["/lifecycle/", "/lifecycle-supervisor/", "/pub/"].iter().any(|prefix| path.starts_with(prefix))
}

fn is_log_cache(path: &str) -> bool {
    path.starts_with("/api/v1/read/") || path == "/api/v1/meta" || path == "/v2/read"
}

async fn ask(url: &str, mut request: Request) -> Result<Response, String> {
    let place = url.strip_prefix("http://").ok_or("its address is not understood")?;
    let stream = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(place)).await;
    let stream = stream.map_err(|_| "no connection".to_owned())?.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // Ends with the exchange: when the answer is read, or its reader has gone.
    tokio::spawn(connection);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse().map_err(|_| "the address is not understood".to_owned())?;
    *request.version_mut() = axum::http::Version::HTTP_11;
    let headers = request.headers_mut();
    headers.insert(HOP, HeaderValue::from_static("1"));
    for hop in [header::CONNECTION, header::UPGRADE, header::TE, header::TRANSFER_ENCODING] {
        headers.remove(hop);
    }
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let mut answer = answer.map(Body::new);
    for hop in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        answer.headers_mut().remove(hop);
    }
    Ok(answer)
}

/// In the shape of the face that was asked.
fn refusal(jobs: bool, why: &str) -> Response {
    // Where the owner is, is for administrators; it is in the log.
    tracing::warn!(why, "a request could not be passed on to the server that runs the applications");
    let words = "The server that runs the applications cannot be reached; what is asked for is known there only.";
    let body = if jobs {
        json!({ "error": words, "type": "RuntimeError" })
    } else {
        json!({ "errors": [{ "code": 10015, "title": "CF-ServiceUnavailable", "detail": words }] })
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_only_the_owner_knows() {
        for (path, passed) in [
            ("/v3/processes/x/stats", true),
            ("/v3/apps/x/traffic", true),
            ("/v3/apps/x/processes/web/process_instances", true),
            ("/v3/apps/x/processes/web/instances/0", true),
            ("/v3/processes?embed=process_instances", true),
            ("/api/v1/read/x?limit=1", true),
            ("/api/v1/meta", true),
            ("/v2/read?log&source_id=x", true),
            ("/lifecycle/api/v1/job", true),
            ("/pub/job/adder/latest/api/v1/perform", true),
            ("/lifecycle-supervisor/api/v1/job", true),
            ("/api/v1/info", false),
            ("/v3/apps", false),
            ("/v3/processes/x", false),
            ("/uaa/oauth/token", false),
            ("/env_info", false),
            ("/services/v5/me", false),
        ] {
            assert_eq!(super::is_the_owners(&path.parse().unwrap()), passed, "{path}");
        }
    }
}
