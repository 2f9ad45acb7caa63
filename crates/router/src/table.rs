//! The routing table: what the data path knows.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// All routes as of one ledger position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Keyed by guid, in no particular order.
    pub routes: Vec<Route>,
}

/// One route. The longest matching path wins; an exact host beats a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its guid.
    pub guid: String,
    /// Full host name in lower case, or `*.domain`.
    pub host: String,
    /// Empty, or `/prefix` without a slash at its end.
    pub path: String,
    /// `round-robin` (default) or `least-connection`.
    pub balancing: Option<String>,
    /// Instances that may receive requests now. A route without any answers 503 `no_endpoints`.
    pub backends: Vec<Backend>,
}

/// One instance behind a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    /// App guid: log source, `X-CF-ApplicationID`.
    pub app: String,
    /// Process guid.
    pub process: String,
    /// Instance guid.
    pub instance: String,
    /// Instance index.
    pub index: u32,
    /// Share among the route's backends; all equal when absent.
    pub weight: Option<u32>,
    /// What it speaks.
    pub protocol: Protocol,
}

/// What a backend speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS.
    Http2,
}
