//! One look at whether an instance is well. Cheap: a connection, or one request over it.

use crate::HealthKind;
use futures_util::future::{BoxFuture, FutureExt};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Looks at an instance once. A trait so that tests need no network.
pub trait Prober: Send + Sync + 'static {
    /// Is it well? If not, what was seen, in words. `at` is the instance's first port; `None` if it has no address.
    fn probe<'a>(
        &'a self,
        kind: &'a HealthKind,
        at: Option<SocketAddr>,
        limit: Duration,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// Probes over the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetProber;

impl Prober for NetProber {
    fn probe<'a>(
        &'a self,
        kind: &'a HealthKind,
        at: Option<SocketAddr>,
        limit: Duration,
    ) -> BoxFuture<'a, Result<(), String>> {
        let look = async move {
            let target = || at.ok_or_else(|| "it has no port to check".to_owned());
            match kind {
                HealthKind::Process => Ok(()),
                HealthKind::Port => connect(target()?).await.map(|_| ()),
                HealthKind::Http { endpoint } => get(target()?, endpoint).await,
            }
        };
        async move {
            tokio::time::timeout(limit, look)
                .await
                .unwrap_or_else(|_| Err(format!("{} within {} s", silence(kind), limit.as_secs_f64())))
        }
        .boxed()
    }
}

fn silence(kind: &HealthKind) -> String {
    match kind {
        HealthKind::Http { endpoint } => format!("GET {endpoint} did not answer"),
        _ => "its port did not answer".to_owned(),
    }
}

async fn connect(at: SocketAddr) -> Result<TcpStream, String> {
    TcpStream::connect(at).await.map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => format!("nothing listens on port {}", at.port()),
        _ => format!("port {}: {error}", at.port()),
    })
}

async fn get(at: SocketAddr, endpoint: &str) -> Result<(), String> {
    let stream = connect(at).await?;
    let talk = |error: hyper::Error| format!("GET {endpoint}: no HTTP answer ({error})");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(talk)?;
    let request = http::Request::get(endpoint)
        .header(http::header::HOST, at.to_string())
        .header(http::header::USER_AGENT, "pitlane-health")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("`{endpoint}` is no path: {error}"))?;
    // Driven here, not by a task of its own: when the probe's time is up, the connection goes with it.
    let answer = tokio::select! {
        answer = sender.send_request(request) => answer.map_err(talk)?,
        Err(error) = connection => return Err(talk(error)),
    };
    match answer.status().as_u16() {
        200 => Ok(()),
        status => Err(format!("GET {endpoint} answered {status}")),
    }
}
