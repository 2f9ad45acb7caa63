//! Short requests over this machine's own unix sockets.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Whoever listens answers at once, or is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection that can be used again and again.
pub(crate) async fn connect(socket: &Path) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = timeout(PATIENCE, UnixStream::connect(socket)).await??;
    let (sender, driver) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(driver);
    Ok(sender)
}

/// Sends JSON, or nothing; answers the body of what comes back, which must be a success.
pub(crate) async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> io::Result<Bytes> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "router")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    sender.ready().await.map_err(io::Error::other)?;
    let response = timeout(PATIENCE, sender.send_request(request)).await?.map_err(io::Error::other)?;
    let status = response.status();
    // To its end, so that the connection can be used again.
    let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    if status.is_success() { Ok(body) } else { Err(io::Error::other(format!("{path} is answered {status}"))) }
}
