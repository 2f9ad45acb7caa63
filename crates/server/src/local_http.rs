//! Requests over this machine's own unix sockets (`run/admin.sock`, `run/router.sock`).

use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;
use std::time::Duration;

/// A request over a local socket failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there.
    #[error("nothing listens on {0}")]
    Absent(String),
    /// Somebody listened and went away, or took too long.
    #[error("the other process does not answer: {0}")]
    Broken(String),
    /// It refused, in these words.
    #[error("{0}")]
    Refused(String),
    /// Its answer is not what this version expects.
    #[error("the answer is not understood ({0}): is the other process of another version?")]
    Foreign(serde_json::Error),
}

/// Sends `body` as JSON and reads a JSON answer.
pub async fn call<A: DeserializeOwned>(
    socket: &Path,
    method: &str,
    path: &str,
    body: &impl Serialize,
) -> Result<A, CallError> {
    let broken = |error: &dyn std::fmt::Display| CallError::Broken(error.to_string());
    let stream =
        tokio::net::UnixStream::connect(socket).await.map_err(|_| CallError::Absent(socket.display().to_string()))?;
    let exchange = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        let connection = tokio::spawn(connection);
        let text = serde_json::to_vec(body).map_err(CallError::Foreign)?;
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(bytes::Bytes::from(text)))
            .map_err(|error| broken(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = answer.status();
        let text = answer.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
        connection.abort();
        if !status.is_success() {
            return Err(CallError::Refused(String::from_utf8_lossy(&text).trim().to_owned()));
        }
        serde_json::from_slice(&text).map_err(CallError::Foreign)
    };
    match tokio::time::timeout(Duration::from_secs(30), exchange).await {
        Ok(result) => result,
        Err(_) => Err(CallError::Broken("no answer within 30 s".into())),
    }
}
