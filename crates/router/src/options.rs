//! What the router is told at start. Every value acts; every default stands here with its reason.

use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What [`crate::serve`] needs.
#[derive(Debug)]
pub struct Options {
    /// Bound, listening sockets; all serve the same.
    pub listeners: Vec<TcpListener>,
    /// Unix socket of control: HTTP/1.1, everything that belongs to no application.
    pub control: PathBuf,
    /// Unix socket on which control answers `GET /table` with [`crate::Publisher::changes`].
    pub table_socket: PathBuf,
    /// Where the last table is kept, to start from it when control is away.
    pub table_file: PathBuf,
    /// Unix socket to bind for `GET /healthz` and `GET /calls`.
    pub status_socket: PathBuf,
    /// Root of the application logs (crate `logs`).
    pub logs: PathBuf,
    /// Default app domain, `apps.localhost`: a host below it that has no route is answered 404 by the router itself.
    pub domain: String,
    /// Threads that serve. Default: one a core, at most 8.
    pub workers: usize,
    /// Connections at a time; beyond it new ones wait in the listen queue. Default 16,384, less if open files are limited.
    pub max_connections: usize,
    /// Bytes of a request's head. Default 64 KiB; more is answered 431.
    pub max_header_bytes: usize,
    /// Header lines of a request. Default 100; more is answered 431.
    pub max_headers: usize,
    /// Peers whose `X-Forwarded-*` are believed and added to. Default none: such headers from elsewhere are replaced.
    pub trusted: Vec<Network>,
    /// Bytes of one file of an application's access log; there are two. Default 4 MiB.
    pub access_log_bytes: u64,
    /// Deadlines.
    pub timeouts: Timeouts,
}

impl Options {
    /// The defaults for a listener and the data folder's layout (see ARCHITECTURE.md).
    pub fn new(listener: TcpListener, data: &std::path::Path, domain: &str) -> Self {
        Self {
            listeners: vec![listener],
            control: data.join("run/control.sock"),
            table_socket: data.join("run/admin.sock"),
            table_file: data.join("router/table.json"),
            status_socket: data.join("run/router.sock"),
            logs: data.join("logs"),
            domain: domain.to_owned(),
            workers: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
            max_connections: 16_384,
            max_header_bytes: 64 * 1024,
            max_headers: 100,
            trusted: Vec::new(),
            access_log_bytes: 4 * 1024 * 1024,
            timeouts: Timeouts::default(),
        }
    }
}

/// Deadlines of the data path.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// From a request's first byte (or the connection's start) to the end of its head: 15 s. Slow clients end here.
    pub head: Duration,
    /// An idle kept-alive client connection: 90 s, above the 60 s of usual load balancers, so that they close first.
    pub keep_alive: Duration,
    /// A client that sends nothing of the body it announced, or takes nothing of its answer: 60 s.
    pub client_idle: Duration,
    /// Connecting to a backend: 5 s.
    pub connect: Duration,
    /// From the last byte of the request to the answer's head, and between two pieces of an answer: 900 s, as Cloud Foundry has it.
    pub response: Duration,
    /// A tunnel (WebSocket) in which neither side says anything: 1 h.
    pub tunnel: Duration,
    /// An idle connection to a backend is closed after 60 s.
    pub backend_idle: Duration,
    /// A backend that refused a connection is left out for 5 s, unless it is the only one.
    pub ejection: Duration,
    /// Running requests may take 15 s to end when the router stops.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            keep_alive: Duration::from_secs(90),
            client_idle: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            response: Duration::from_secs(900),
            tunnel: Duration::from_secs(3600),
            backend_idle: Duration::from_secs(60),
            ejection: Duration::from_secs(5),
            drain: Duration::from_secs(15),
        }
    }
}

/// An address or a network: `10.0.0.0/8`, `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Is `address` in it? An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(it)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                net.to_bits() & mask == it.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(it)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                net.to_bits() & mask == it.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is neither an address nor a network such as 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.parse().map_err(|_| bad()))?;
        if prefix > most { Err(bad()) } else { Ok(Self { address, prefix }) }
    }
}
